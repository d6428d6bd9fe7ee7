"""Whatever is sealed opens, and no single flipped bit does."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.crypto import (
    FFDHE2048,
    HPKE_X25519_SHA256_AES128,
    HPKE_XWING_SHA384_AES256,
    X25519,
    AeadId,
    AeadKey,
    HpkeSuite,
    KEMPrivateKey,
    SignatureScheme,
    SigningKey,
    ristretto,
    system_entropy,
    verify,
    verify_signature,
)
from entrenous.crypto.ristretto_pynacl import PynaclRistretto
from entrenous.errors import CryptoError

BYTES = st.binary(max_size=300)


def flip(value: bytes, position: int) -> bytes:
    bit = position % (8 * len(value))
    return (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")


@given(st.sampled_from(AeadId), st.binary(min_size=32, max_size=32), BYTES, BYTES, st.integers(min_value=0))
def test_an_aead_opens_what_it_sealed_and_no_flipped_bit(
    aead: AeadId, key: bytes, plaintext: bytes, aad: bytes, position: int
) -> None:
    cipher, nonce = AeadKey(aead, key[: aead.key_size]), key[:12]
    sealed = cipher.seal(nonce, plaintext, aad)
    assert cipher.open(nonce, sealed, aad) == plaintext
    with pytest.raises(CryptoError):
        cipher.open(nonce, flip(sealed, position), aad)
    with pytest.raises(CryptoError):
        cipher.open(flip(nonce, position), sealed, aad)
    if aad:
        with pytest.raises(CryptoError):
            cipher.open(nonce, sealed, flip(aad, position))


@pytest.mark.parametrize("suite", [HPKE_X25519_SHA256_AES128, HPKE_XWING_SHA384_AES256], ids=repr)
@given(info=BYTES, aad=BYTES, plaintext=BYTES, position=st.integers(min_value=0))
def test_hpke_opens_what_it_sealed_and_no_flipped_bit(
    suite: HpkeSuite, info: bytes, aad: bytes, plaintext: bytes, position: int
) -> None:
    pair = suite.derive_key_pair(b"\x01" * 32)
    kem_output, sealed = suite.seal(pair.public, info, aad, plaintext, system_entropy)
    assert suite.open(pair.private, kem_output, info, aad, sealed) == plaintext
    with pytest.raises(CryptoError):
        suite.open(pair.private, kem_output, info, aad, flip(sealed, position))
    with pytest.raises(CryptoError):
        suite.open(pair.private, flip(kem_output, position), info, aad, sealed)


@given(st.binary(min_size=32, max_size=32), BYTES, st.integers(min_value=0))
def test_a_signature_with_a_flipped_bit_anywhere_fails(seed: bytes, message: bytes, position: int) -> None:
    key = SigningKey.from_seed(seed)
    signature = key.sign(message)
    verify(key.public, message, signature)
    with pytest.raises(CryptoError):
        verify(key.public, message, flip(signature, position))
    with pytest.raises(CryptoError):
        verify(flip(key.public, position), message, signature)
    with pytest.raises(CryptoError):
        verify(key.public, message + b"\0", signature)


@given(BYTES | st.binary(min_size=32, max_size=32) | st.binary(min_size=256, max_size=256), BYTES)
def test_a_peers_bytes_end_in_a_result_or_a_crypto_error(public: bytes, other: bytes) -> None:
    private = X25519.generate(system_entropy).private
    suite = HPKE_XWING_SHA384_AES256
    key = suite.derive_key_pair(b"\x01" * 32).private
    attempts: list[Callable[[], object]] = [
        lambda: X25519.exchange(private, public),
        lambda: FFDHE2048.exchange(private, public),
        lambda: suite.open(key, public, b"", b"", other),
        lambda: suite.open(key, (public * 40)[:1120], b"", b"", other),
        lambda: suite.seal((public * 40)[:1216], b"", b"", other, system_entropy),
        lambda: HPKE_X25519_SHA256_AES128.open(KEMPrivateKey(private.reveal()), public, b"", b"", other),
        lambda: ristretto.multiply((5).to_bytes(32, "little"), public),
        lambda: ristretto.is_valid(public),
        lambda: AeadKey(AeadId.AES_256_GCM, bytes(32)).open(bytes(12), public, other),
        *(partial(verify_signature, scheme, public, b"m", other) for scheme in SignatureScheme),
    ]
    for attempt in attempts:
        try:
            attempt()
        except CryptoError as error:
            assert str(error) == "verification failed"  # noqa: PT017 -- both endings are allowed here


@given(st.binary(min_size=32, max_size=32))
def test_an_element_that_multiplies_is_valid_and_stays_itself(candidate: bytes) -> None:
    # Any even number below the prime has about a one in eight chance to be an element.
    candidate = bytes((candidate[0] & 0xFE,)) + candidate[1:31] + bytes((candidate[31] & 0x7F,))
    one = (1).to_bytes(32, "little")
    if ristretto.is_valid(candidate):
        assert ristretto.multiply(one, candidate) == candidate
        assert PynaclRistretto().multiply(one, candidate) == candidate
    else:
        with pytest.raises(CryptoError):
            ristretto.multiply(one, candidate)
