"""Hash functions and HMAC (FIPS 180-4, RFC 2104), each call in one piece inside C."""

import hashlib
import hmac
from enum import Enum

from cryptography.hazmat.primitives import hashes


class Hash(Enum):
    """A hash function of the SHA-2 family.

    Attributes:
        name_: its name for ``hashlib``.
        size: bytes of output (Nh).
        block_size: bytes of HMAC's block; longer keys are hashed first.
        hpke_id: its HKDF's number in HPKE (RFC 9180 §7.2).
        library: the library's name for it.
    """

    SHA256 = ("sha256", 32, 64, 0x0001, hashes.SHA256())
    SHA384 = ("sha384", 48, 128, 0x0002, hashes.SHA384())
    SHA512 = ("sha512", 64, 128, 0x0003, hashes.SHA512())

    def __init__(self, name_: str, size: int, block_size: int, hpke_id: int, library: hashes.HashAlgorithm) -> None:
        self.name_ = name_
        self.size = size
        self.block_size = block_size
        self.hpke_id = hpke_id
        self.library = library
        self._new = getattr(hashlib, name_)

    def digest(self, first: bytes = b"", *more: bytes) -> bytes:
        """The hash of all parts, joined."""
        hashing = self._new(first)
        for part in more:
            hashing.update(part)
        result: bytes = hashing.digest()
        return result

    def hmac(self, key: bytes, first: bytes, *more: bytes) -> bytes:
        """HMAC of all parts, joined, under ``key``."""
        return hmac.digest(key, b"".join((first, *more)) if more else first, self.name_)


def constant_time_equal(a: bytes, b: bytes) -> bool:
    """Whether two byte strings are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(a, b)


def shake256(data: bytes, length: int) -> bytes:
    """The first ``length`` bytes of SHAKE256 (FIPS 202 §6.2)."""
    return hashlib.shake_256(data).digest(length)


def sha3_256(data: bytes) -> bytes:
    """SHA3-256 (FIPS 202 §6.1), which X-Wing's combiner uses; 32 bytes."""
    return hashlib.sha3_256(data).digest()
