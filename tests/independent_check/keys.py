"""The key exchanges of docs/spec/channel.md: X25519, FFDHE2048 (RFC 7919), ML-KEM-768 (FIPS 203)."""

from functools import cache
from math import factorial
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from independent_check.forms import CryptoError

#: Bits after the point in the fraction that e is computed to.
_GUARD = 128


def _ffdhe2048() -> int:
    """RFC 7919 appendix A.1: p = 2^2048 - 2^1984 + {[2^1918 * e] + 560316 } * 2^64 - 1."""
    scaled = sum((1 << (1918 + _GUARD)) // factorial(n) for n in range(400)) >> _GUARD
    return 2**2048 - 2**1984 + (scaled + 560316) * 2**64 - 1


PRIME = _ffdhe2048()


@cache
def power(base: int, exponent: int) -> int:
    """Modulo p; vectors use the same keys again and again."""
    return pow(base, exponent, PRIME)


class Exchange(Protocol):
    """A Diffie-Hellman function and the size of its public keys."""

    size: int

    def public(self, private: bytes) -> bytes: ...

    def secret(self, private: bytes, public: bytes) -> bytes: ...


class X25519:
    size = 32

    def public(self, private: bytes) -> bytes:
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    def secret(self, private: bytes, public: bytes) -> bytes:
        try:
            return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:  # "an all-zero result is refused"
            raise CryptoError from None


class Ffdhe2048:
    size = 256

    def public(self, private: bytes) -> bytes:
        return power(2, int.from_bytes(private, "big")).to_bytes(256, "big")

    def secret(self, private: bytes, public: bytes) -> bytes:
        y = int.from_bytes(public, "big")
        if not 2 <= y <= PRIME - 2 or power(y, (PRIME - 1) // 2) != 1:
            raise CryptoError
        return power(y, int.from_bytes(private, "big")).to_bytes(256, "big")


def kem_public(seed: bytes) -> bytes:
    return MLKEM768PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()


def decapsulate(seed: bytes, ciphertext: bytes) -> bytes:
    return MLKEM768PrivateKey.from_seed_bytes(seed).decapsulate(ciphertext)


def check_kem_key(public: bytes) -> None:
    try:
        MLKEM768PublicKey.from_public_bytes(public)
    except ValueError:
        raise CryptoError from None
