"""HPKE: both ways through it are one protocol, and every change is noticed."""

from collections.abc import Callable

import pytest

from bad_points import LOW_ORDER_X448, LOW_ORDER_X25519
from entrenous.crypto import (
    DHKEM_X25519,
    HPKE_MLKEM768_SHA384_AES256,
    HPKE_MLKEM1024_SHA384_AES256,
    HPKE_P256_SHA256_AES128,
    HPKE_P384_SHA384_AES256,
    HPKE_P521_SHA512_AES256,
    HPKE_X448_SHA512_AES256,
    HPKE_X448_SHA512_CHACHA20,
    HPKE_X25519_SHA256_AES128,
    HPKE_X25519_SHA256_CHACHA20,
    HPKE_XWING_SHA384_AES256,
    HPKE_XWING_SHA512_AES256_TSMLS,
    XWING,
    Entropy,
    HpkeSuite,
    KEMPrivateKey,
    open_,
    system_entropy,
)
from entrenous.crypto.hpke import LONG_INFO
from entrenous.errors import CryptoError, UsageError

SUITES = [
    HPKE_X25519_SHA256_AES128,
    HPKE_P256_SHA256_AES128,
    HPKE_X25519_SHA256_CHACHA20,
    HPKE_X448_SHA512_AES256,
    HPKE_P521_SHA512_AES256,
    HPKE_X448_SHA512_CHACHA20,
    HPKE_P384_SHA384_AES256,
    HPKE_XWING_SHA384_AES256,
    HPKE_XWING_SHA512_AES256_TSMLS,
    HPKE_MLKEM768_SHA384_AES256,
    HPKE_MLKEM1024_SHA384_AES256,
]
every_suite = pytest.mark.parametrize("suite", SUITES, ids=repr)


def own_entropy(size: int) -> bytes:
    """System entropy under another name, which leads past the library's single shot."""
    return system_entropy(size)


def open_by_hand(suite: HpkeSuite, private: KEMPrivateKey, kem_output: bytes, info: bytes, ciphertext: bytes) -> bytes:
    key, nonce, _ = suite.key_schedule(suite.kem.decapsulate(private, kem_output), info)
    return open_(suite.aead, key, nonce, ciphertext, b"")


@every_suite
@pytest.mark.parametrize("entropy", [system_entropy, own_entropy], ids=["library", "own"])
def test_each_way_opens_what_the_other_sealed(suite: HpkeSuite, entropy: Entropy) -> None:
    pair = suite.generate(system_entropy)
    kem_output, ciphertext = suite.seal(pair.public, b"info", b"", b"plaintext", entropy)
    assert suite.open(pair.private, kem_output, b"info", b"", ciphertext) == b"plaintext"
    assert open_by_hand(suite, pair.private, kem_output, b"info", ciphertext) == b"plaintext"
    assert len(kem_output) == suite.kem.ciphertext_size
    assert len(ciphertext) == len(b"plaintext") + suite.aead.tag_size


@every_suite
@pytest.mark.parametrize("aad", [b"", b"aad"])
def test_every_change_is_noticed_and_no_cause_is_told(suite: HpkeSuite, aad: bytes) -> None:
    pair, other = suite.generate(system_entropy), suite.generate(system_entropy)
    kem_output, ciphertext = suite.seal(pair.public, b"info", aad, b"plaintext", system_entropy)
    assert suite.open(pair.private, kem_output, b"info", aad, ciphertext) == b"plaintext"
    flip: Callable[[bytes], bytes] = lambda value: value[:-1] + bytes((value[-1] ^ 1,))  # noqa: E731 -- read once, below
    wrong = [
        (other.private, kem_output, b"info", aad, ciphertext),
        (pair.private, flip(kem_output), b"info", aad, ciphertext),
        (pair.private, kem_output[:-1], b"info", aad, ciphertext),
        (pair.private, kem_output + b"\0", b"info", aad, ciphertext),
        (pair.private, b"", b"info", aad, kem_output + ciphertext),
        (pair.private, kem_output + ciphertext[:1], b"info", aad, ciphertext[1:]),
        (pair.private, kem_output, b"Info", aad, ciphertext),
        (pair.private, kem_output, b"info", aad + b"\0", ciphertext),
        (pair.private, kem_output, b"info", aad, flip(ciphertext)),
        (pair.private, kem_output, b"info", aad, ciphertext[:-1]),
        (pair.private, kem_output, b"info", aad, b""),
        (pair.private, bytes(len(kem_output)), b"info", aad, ciphertext),
    ]
    for arguments in wrong:
        with pytest.raises(CryptoError, match=r"^verification failed$"):
            suite.open(*arguments)


@every_suite
@pytest.mark.parametrize("entropy", [system_entropy, own_entropy], ids=["library", "own"])
def test_bad_public_keys_are_refused(suite: HpkeSuite, entropy: Entropy) -> None:
    public = suite.generate(system_entropy).public
    for wrong in (b"", public[:-1], public + b"\0"):
        with pytest.raises(CryptoError):
            suite.seal(wrong, b"", b"", b"", entropy)
        with pytest.raises(CryptoError):
            suite.export_sender(wrong, b"", b"", 32, entropy)


@pytest.mark.parametrize(
    ("suite", "points"),
    [
        (HPKE_X25519_SHA256_AES128, LOW_ORDER_X25519),
        (HPKE_X448_SHA512_AES256, LOW_ORDER_X448),
        (HPKE_XWING_SHA384_AES256, LOW_ORDER_X25519),
    ],
    ids=["X25519", "X448", "X-Wing"],
)
@pytest.mark.parametrize("entropy", [system_entropy, own_entropy], ids=["library", "own"])
def test_low_order_public_keys_are_refused(suite: HpkeSuite, points: tuple[bytes, ...], entropy: Entropy) -> None:
    pair = suite.generate(system_entropy)
    kem_output, ciphertext = suite.seal(pair.public, b"", b"", b"", system_entropy)
    for point in points:
        with pytest.raises(CryptoError):
            suite.seal(pair.public[: -len(point)] + point, b"", b"", b"", entropy)
        with pytest.raises(CryptoError):
            suite.export_sender(pair.public[: -len(point)] + point, b"", b"", 32, entropy)
        forged = kem_output[: -len(point)] + point
        with pytest.raises(CryptoError):
            suite.open(pair.private, forged, b"", b"", ciphertext)
        with pytest.raises(CryptoError):
            suite.export_receiver(pair.private, forged, b"", b"", 32)


@every_suite
@pytest.mark.parametrize("size", [4, LONG_INFO - 1, LONG_INFO], ids=["short", "almost long", "long"])
@pytest.mark.parametrize("entropy", [system_entropy, own_entropy], ids=["library", "own"])
def test_what_is_sealed_to_many_opens_for_each_and_only_under_its_info(
    suite: HpkeSuite, size: int, entropy: Entropy
) -> None:
    info = bytes(size)
    seal_to = suite.sealer(info, entropy)
    pairs = [suite.generate(system_entropy) for _ in range(3)]
    sealed = [seal_to(pair.public, bytes([number]) * 40) for number, pair in enumerate(pairs)]
    for number, (pair, (kem_output, ciphertext)) in enumerate(zip(pairs, sealed, strict=True)):
        assert suite.open(pair.private, kem_output, info, b"", ciphertext) == bytes([number]) * 40
        with pytest.raises(CryptoError):
            suite.open(pair.private, kem_output, info + b"\0", b"", ciphertext)
        with pytest.raises(CryptoError):
            suite.open(pairs[number - 1].private, kem_output, info, b"", ciphertext)
    with pytest.raises(CryptoError):
        seal_to(b"no public key", b"")


@every_suite
def test_exports_agree_and_depend_on_every_input(suite: HpkeSuite) -> None:
    pair, other = suite.generate(system_entropy), suite.generate(system_entropy)
    kem_output, secret = suite.export_sender(pair.public, b"info", b"context", 48, system_entropy)
    assert suite.export_receiver(pair.private, kem_output, b"info", b"context", 48) == secret
    others = [
        suite.export_receiver(other.private, kem_output, b"info", b"context", 48),
        suite.export_receiver(pair.private, kem_output, b"Info", b"context", 48),
        suite.export_receiver(pair.private, kem_output, b"info", b"Context", 48),
        suite.export_receiver(pair.private, kem_output, b"info", b"context", 47) + b"\0",
        suite.export_sender(pair.public, b"info", b"context", 48, system_entropy)[1],
    ]
    assert len({secret, *others}) == 6
    with pytest.raises(UsageError):
        suite.export_receiver(pair.private, kem_output, b"", b"", 255 * suite.kdf.size + 1)
    with pytest.raises(CryptoError):
        suite.export_receiver(pair.private, kem_output[:-1], b"", b"", 32)


def test_seeded_entropy_decides_every_byte_of_a_dhkem_seal() -> None:
    suite = HPKE_X25519_SHA256_AES128
    public = suite.derive_key_pair(b"\x01" * 32).public
    first, second = (suite.seal(public, b"i", b"", b"p", lambda size: b"\x02" * size) for _ in range(2))
    assert first == second


def test_suites_that_differ_in_one_number_share_no_key() -> None:
    shared = b"\x05" * 32
    schedules = {suite.key_schedule(shared, b"info")[2] for suite in SUITES}
    # The two X-Wing suites differ in the KDF; every other pair in its suite_id.
    assert len(schedules) == len(SUITES)


def test_a_private_key_of_another_length_is_our_bug() -> None:
    for suite, kem in ((HPKE_X25519_SHA256_AES128, DHKEM_X25519), (HPKE_XWING_SHA384_AES256, XWING)):
        with pytest.raises(UsageError):
            suite.open(KEMPrivateKey(bytes(31)), bytes(kem.ciphertext_size), b"", b"", bytes(16))


def test_a_suite_names_its_parts() -> None:
    assert repr(HPKE_XWING_SHA384_AES256) == "HpkeSuite(X-Wing, HKDF-SHA384, AES_256_GCM)"
