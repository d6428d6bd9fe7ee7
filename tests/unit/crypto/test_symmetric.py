"""Hashes, HKDF and AEAD: the errors, and a few values from the standards."""

import pytest

from entrenous.crypto import (
    NONCE_SIZE,
    AeadId,
    AeadKey,
    Hash,
    hkdf,
    hkdf_expand,
    hkdf_extract,
    open_,
    seal,
    sha3_256,
    shake256,
)
from entrenous.crypto.kdf import labeled_expand
from entrenous.errors import CryptoError, UsageError

NONCE = bytes(range(NONCE_SIZE))


@pytest.mark.parametrize("hash_function", list(Hash))
def test_sizes_are_those_of_the_functions(hash_function: Hash) -> None:
    assert len(hash_function.digest()) == hash_function.size == int(hash_function.name_[3:]) // 8
    assert hash_function.hmac(b"k" * hash_function.block_size, b"m") != hash_function.hmac(
        hash_function.digest(b"k" * hash_function.block_size), b"m"
    )
    longer = b"k" * (hash_function.block_size + 1)
    assert hash_function.hmac(longer, b"m") == hash_function.hmac(hash_function.digest(longer), b"m")


@pytest.mark.parametrize("hash_function", list(Hash))
def test_parts_are_joined(hash_function: Hash) -> None:
    assert hash_function.digest(b"ab", b"", b"c") == hash_function.digest(b"abc")
    assert hash_function.hmac(b"key", b"ab", b"", b"c") == hash_function.hmac(b"key", b"abc")


def test_digests_are_those_of_fips_180_and_202() -> None:
    assert Hash.SHA256.digest(b"abc").hex().startswith("ba7816bf8f01cfea")
    assert Hash.SHA384.digest(b"abc").hex().startswith("cb00753f45a35e8b")
    assert Hash.SHA512.digest(b"abc").hex().startswith("ddaf35a193617aba")
    assert sha3_256(b"abc").hex().startswith("3a985da74fe225b2")
    assert shake256(b"", 8).hex() == "46b9dd2b0ba88d13"


@pytest.mark.parametrize("hash_function", list(Hash))
def test_hkdf_expands_from_nothing_to_255_blocks_and_no_further(hash_function: Hash) -> None:
    prk = hkdf_extract(hash_function, b"", b"ikm")
    longest = hkdf_expand(hash_function, prk, b"info", 255 * hash_function.size)
    for length in (0, 1, hash_function.size, hash_function.size + 1, 255 * hash_function.size):
        assert hkdf_expand(hash_function, prk, b"info", length) == longest[:length]
        assert hkdf(hash_function, b"", b"ikm", b"info", length) == longest[:length]
    for length in (-1, -255, 255 * hash_function.size + 1, 1 << 40):
        with pytest.raises(UsageError):
            hkdf_expand(hash_function, prk, b"info", length)
        with pytest.raises(UsageError):
            labeled_expand(hash_function, b"suite", prk, b"label", b"info", length)


@pytest.mark.parametrize("aead", list(AeadId))
def test_what_was_sealed_opens_and_nothing_else_does(aead: AeadId) -> None:
    key = AeadKey(aead, b"\x07" * aead.key_size)
    sealed = key.seal(NONCE, b"plaintext", b"aad")
    assert len(sealed) == len(b"plaintext") + aead.tag_size
    assert key.open(NONCE, sealed, b"aad") == b"plaintext"
    assert seal(aead, b"\x07" * aead.key_size, NONCE, b"plaintext", b"aad") == sealed
    assert open_(aead, b"\x07" * aead.key_size, NONCE, sealed, b"aad") == b"plaintext"
    wrong = [
        (AeadKey(aead, b"\x08" * aead.key_size), NONCE, sealed, b"aad"),
        (key, NONCE[::-1], sealed, b"aad"),
        (key, NONCE, sealed[:-1], b"aad"),
        (key, NONCE, sealed + b"\0", b"aad"),
        (key, NONCE, sealed, b"AAD"),
        (key, NONCE, sealed, b""),
        (key, NONCE, b"", b"aad"),
        (key, NONCE, sealed[: aead.tag_size - 1], b"aad"),
    ]
    for other, nonce, ciphertext, aad in wrong:
        with pytest.raises(CryptoError, match=r"^verification failed$") as caught:
            other.open(nonce, ciphertext, aad)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


@pytest.mark.parametrize("aead", list(AeadId))
@pytest.mark.parametrize("change", [-1, 1])
def test_keys_and_nonces_of_another_length_are_our_bug(aead: AeadId, change: int) -> None:
    with pytest.raises(UsageError):
        AeadKey(aead, bytes(aead.key_size + change))
    key = AeadKey(aead, bytes(aead.key_size))
    with pytest.raises(UsageError):
        key.seal(bytes(NONCE_SIZE + change), b"", b"")
    with pytest.raises(UsageError):
        key.open(bytes(NONCE_SIZE + change), bytes(16), b"")


def test_a_plaintext_beyond_the_library_is_our_bug_and_such_a_ciphertext_a_peers() -> None:
    class Overflowing:
        def encrypt(self, *_: bytes) -> bytes:
            raise OverflowError

        decrypt = encrypt

    key = AeadKey(AeadId.AES_256_GCM, bytes(32))
    key._cipher = Overflowing()  # type: ignore[assignment] # stands for 2 GiB, which a test should not allocate
    with pytest.raises(UsageError):
        key.seal(NONCE, b"", b"")
    with pytest.raises(CryptoError):
        key.open(NONCE, b"", b"")


def test_chacha20_poly1305_is_that_of_rfc_8439() -> None:
    # RFC 8439 §2.8.2.
    sealed = seal(
        AeadId.CHACHA20_POLY1305,
        bytes(range(0x80, 0xA0)),
        bytes.fromhex("070000004041424344454647"),
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it.",
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
    )
    assert sealed[:4].hex() == "d31a8d34"
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
