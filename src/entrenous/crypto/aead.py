"""Authenticated encryption: AES-GCM (NIST SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), 96-bit nonces, 128-bit tags."""

from enum import Enum
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from entrenous.errors import CryptoError, UsageError

#: Bytes of every nonce and of every tag here.
NONCE_SIZE = 12
TAG_SIZE = 16


class AeadId(Enum):
    """An AEAD, by its HPKE number (RFC 9180 §7.3).

    Attributes:
        key_size: bytes of a key (Nk).
        nonce_size: bytes of a nonce (Nn).
        tag_size: bytes a ciphertext is longer than its plaintext (Nt).
    """

    AES_128_GCM = 1
    AES_256_GCM = 2
    CHACHA20_POLY1305 = 3

    def __init__(self, number: int) -> None:
        self.key_size = 16 if number == 1 else 32
        self.nonce_size = NONCE_SIZE
        self.tag_size = TAG_SIZE
        self.cipher: type[AESGCM | ChaCha20Poly1305] = ChaCha20Poly1305 if number == 3 else AESGCM


class AeadKey:
    """One AEAD key, expanded once and used many times. A nonce is used at most once under a key: the caller's duty.

    Raises:
        UsageError: ``key`` has not ``aead.key_size`` bytes.
    """

    __slots__ = ("_cipher", "aead")

    def __init__(self, aead: AeadId, key: bytes) -> None:
        if len(key) != aead.key_size:
            raise UsageError(f"{aead.name} takes a key of {aead.key_size} bytes, not {len(key)}")
        self.aead = aead
        self._cipher = aead.cipher(key)

    def seal(self, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt ``plaintext`` and authenticate it together with ``aad``; the tag is the end of the result.

        Raises:
            UsageError: ``nonce`` has not 12 bytes, or an input has 2 GiB.
        """
        if len(nonce) != NONCE_SIZE:
            raise UsageError(f"a nonce has {NONCE_SIZE} bytes, not {len(nonce)}")
        try:
            return self._cipher.encrypt(nonce, plaintext, aad)
        except OverflowError as error:
            raise UsageError("too long to seal in one piece") from error

    def open(self, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
        """Check the tag, then decrypt. Nothing of the plaintext leaves if the tag is wrong.

        Raises:
            CryptoError: key, nonce, ``ciphertext`` or ``aad`` is not what was sealed.
            UsageError: ``nonce`` has not 12 bytes.
        """
        if len(nonce) != NONCE_SIZE:
            raise UsageError(f"a nonce has {NONCE_SIZE} bytes, not {len(nonce)}")
        try:
            return self._cipher.decrypt(nonce, ciphertext, aad)
        except (InvalidTag, OverflowError):
            raise CryptoError from None

    def __repr__(self) -> str:
        return f"AeadKey({self.aead.name})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise UsageError("an AeadKey is neither pickled nor copied")


def seal(aead: AeadId, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """``AeadKey.seal`` for a key used once."""
    return AeadKey(aead, key).seal(nonce, plaintext, aad)


def open_(aead: AeadId, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """``AeadKey.open`` for a key used once."""
    return AeadKey(aead, key).open(nonce, ciphertext, aad)
