"""Signatures: what must be refused."""

import pytest

from bad_points import LOW_ORDER_ED25519, forgery_under
from entrenous.crypto import SignatureScheme, Signer, SigningKey, load_signer, system_entropy, verify, verify_signature
from entrenous.crypto.signature import LONG_MESSAGE
from entrenous.errors import CryptoError, UsageError

#: Edwards25519's order.
L = 2**252 + 27742317777372353535851937790883648493
SEED_SIZES = {
    SignatureScheme.ED25519: 32,
    SignatureScheme.ED448: 57,
    SignatureScheme.ECDSA_P256: 32,
    SignatureScheme.ECDSA_P384: 48,
    SignatureScheme.ECDSA_P521: 66,
}


def signer_of(scheme: SignatureScheme) -> Signer:
    return load_signer(scheme, bytes(1) + b"\x5a" * (SEED_SIZES[scheme] - 1))


def test_a_key_made_again_from_its_seed_is_the_same_key() -> None:
    key = SigningKey.generate(system_entropy)
    again = SigningKey.from_seed(key.seed.reveal())
    assert (again.public, again.sign(b"m")) == (key.public, key.sign(b"m"))
    assert key.scheme is SignatureScheme.ED25519
    assert (len(key.public), len(key.sign(b""))) == (32, 64)


def test_ed25519_is_that_of_rfc_8032() -> None:
    # RFC 8032 §7.1, test 2.
    key = SigningKey.from_seed(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").hex().startswith("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da")


@pytest.mark.parametrize("scheme", list(SignatureScheme))
def test_only_this_signature_of_this_key_over_this_message_verifies(scheme: SignatureScheme) -> None:
    signer, other = signer_of(scheme), load_signer(scheme, bytes(1) + b"\x33" * (SEED_SIZES[scheme] - 1))
    signature = signer.sign(b"message")
    verify_signature(scheme, signer.public, b"message", signature)
    wrong = [
        (signer.public, b"massage", signature),
        (other.public, b"message", signature),
        (signer.public, b"message", other.sign(b"message")),
        (signer.public, b"message", signature[:-1]),
        (signer.public, b"message", signature + b"\0"),
        (signer.public, b"message", b""),
        (signer.public, b"message", bytes(len(signature))),
        (signer.public[:-1], b"message", signature),
        (signer.public + b"\0", b"message", signature),
        (b"", b"message", signature),
        (b"\xff" * len(signer.public), b"message", signature),
    ]
    for public, message, tried in wrong:
        with pytest.raises(CryptoError, match=r"^verification failed$"):
            verify_signature(scheme, public, message, tried)


@pytest.mark.parametrize("scheme", list(SignatureScheme))
@pytest.mark.parametrize("change", [-1, 1])
def test_private_keys_of_another_length_are_our_bug(scheme: SignatureScheme, change: int) -> None:
    with pytest.raises(UsageError):
        load_signer(scheme, b"\x01" * (SEED_SIZES[scheme] + change))


@pytest.mark.parametrize("scheme", [SignatureScheme.ECDSA_P256, SignatureScheme.ECDSA_P384, SignatureScheme.ECDSA_P521])
def test_scalars_outside_the_group_are_our_bug(scheme: SignatureScheme) -> None:
    for scalar in (bytes(SEED_SIZES[scheme]), b"\xff" * SEED_SIZES[scheme]):
        with pytest.raises(UsageError):
            load_signer(scheme, scalar)


def test_compressed_points_are_refused() -> None:
    signer = signer_of(SignatureScheme.ECDSA_P256)
    compressed = bytes((2 + (signer.public[-1] & 1),)) + signer.public[1:33]
    with pytest.raises(CryptoError):
        verify_signature(SignatureScheme.ECDSA_P256, compressed, b"m", signer.sign(b"m"))


@pytest.mark.parametrize("size", [LONG_MESSAGE - 1, LONG_MESSAGE, 3 * LONG_MESSAGE])
def test_a_long_message_is_verified_like_a_short_one(size: int) -> None:
    key, other = SigningKey.generate(system_entropy), SigningKey.generate(system_entropy)
    message = bytes(size)
    signature = key.sign(message)
    verify(key.public, message, signature)
    unreduced = (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")
    wrong = [
        (key.public, message[:-1] + b"\1", signature),
        (key.public, b"\1" + message[1:], signature),
        (key.public, message + b"\0", signature),
        (other.public, message, signature),
        (key.public, message, other.sign(message)),
        (key.public, message, bytes(64)),
        (key.public, message, signature[:32] + unreduced),
        (key.public, signature[-1:] + message, signature[:-1]),
        (b"\xff" * 32, message, signature),
        (key.public[:-1], message, signature),
    ]
    for public, tried, offered in wrong:
        with pytest.raises(CryptoError, match=r"^verification failed$"):
            verify(public, tried, offered)


def test_the_border_between_signature_and_message_does_not_move() -> None:
    key = SigningKey.generate(system_entropy)
    signature = key.sign(b"message")
    for shift in range(1, 8):
        with pytest.raises(CryptoError):
            verify(key.public, b"message"[shift:], signature + b"message"[:shift])
        with pytest.raises(CryptoError):
            verify(key.public, signature[-shift:] + b"message", signature[:-shift])


@pytest.mark.parametrize("start", [b"", bytes(LONG_MESSAGE)], ids=["short", "long"])
@pytest.mark.parametrize("public", LOW_ORDER_ED25519, ids=bytes.hex)
def test_ed25519_public_keys_of_low_order_are_refused_though_a_lax_verifier_takes_their_forgeries(
    public: bytes, start: bytes
) -> None:
    message, forged = forgery_under(public, start)
    with pytest.raises(CryptoError):
        verify(public, message, forged)
    with pytest.raises(CryptoError):
        verify_signature(SignatureScheme.ED25519, public, message, forged)


def test_a_signature_with_any_second_half_that_is_not_reduced_is_refused() -> None:
    key = SigningKey.generate(system_entropy)
    signature = key.sign(b"m")
    s = int.from_bytes(signature[32:], "little")
    for factor in range(1, (2**256 - s) // L + 1):
        with pytest.raises(CryptoError):
            verify(key.public, b"m", signature[:32] + (s + factor * L).to_bytes(32, "little"))
