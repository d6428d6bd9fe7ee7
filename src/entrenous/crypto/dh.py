"""Diffie-Hellman as Noise names it (GENERATE_KEYPAIR, DH, DHLEN; Noise rev 34 §4.1), and X25519 (RFC 7748)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from entrenous.crypto.entropy import Entropy, draw
from entrenous.crypto.secret import PrivateKey
from entrenous.errors import CryptoError, UsageError


class DHPrivateKey(PrivateKey):
    """A Diffie-Hellman private key, of whichever function made it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class DHKeyPair:
    """A private key and the encoded public key that belongs to it."""

    private: DHPrivateKey
    public: bytes


class DH(Protocol):
    """A Diffie-Hellman function."""

    @property
    def name(self) -> str:
        """Its name inside a Noise protocol name, e.g. "25519"."""
        ...

    @property
    def length(self) -> int:
        """DHLEN: bytes of a public key and of a shared secret."""
        ...

    def generate(self, entropy: Entropy) -> DHKeyPair:
        """A new key pair from ``entropy``."""
        ...

    def public(self, private: DHPrivateKey | bytes) -> bytes:
        """The public key that belongs to ``private``.

        Raises:
            UsageError: ``private`` is no private key of this function.
        """
        ...

    def exchange(self, private: DHPrivateKey, public: bytes) -> bytes:
        """The shared secret, ``length`` bytes.

        Raises:
            CryptoError: ``public`` is of the wrong length, no element of the group, or of low order.
            UsageError: ``private`` is no private key of this function.
        """
        ...


class X25519Function:
    """X25519 (RFC 7748 §5). An all-zero result is refused (§6.1), so no low-order point passes."""

    name = "25519"
    length = 32

    def generate(self, entropy: Entropy) -> DHKeyPair:
        """A new key pair from 32 bytes of ``entropy``."""
        private = DHPrivateKey(draw(entropy, 32))
        return DHKeyPair(private, self.public(private))

    def public(self, private: DHPrivateKey | bytes) -> bytes:
        """The public key that belongs to ``private``.

        Raises:
            UsageError: ``private`` has not 32 bytes.
        """
        key = private if isinstance(private, DHPrivateKey) else DHPrivateKey(private)
        return _x25519_private(key).public_key().public_bytes_raw()

    def exchange(self, private: DHPrivateKey, public: bytes) -> bytes:
        """The shared secret, 32 bytes.

        Raises:
            CryptoError: ``public`` has not 32 bytes or is of low order.
            UsageError: ``private`` has not 32 bytes.
        """
        key = _x25519_private(private)
        try:
            return key.exchange(x25519_public(public))
        except ValueError:
            raise CryptoError from None


def _x25519_private(private: DHPrivateKey) -> X25519PrivateKey:
    parsed: X25519PrivateKey | None = private.recall(X25519)
    if parsed is not None:
        return parsed
    if len(private) != 32:
        raise UsageError(f"an X25519 private key has 32 bytes, not {len(private)}")
    key = X25519PrivateKey.from_private_bytes(private.reveal())
    private.remember(X25519, key)
    return key


@lru_cache(maxsize=256)
def x25519_public(public: bytes) -> X25519PublicKey:
    """The library's object for an encoded public key.

    Raises:
        CryptoError: it has not 32 bytes. A low-order point shows only at the exchange.
    """
    if len(public) != 32:
        raise CryptoError
    return X25519PublicKey.from_public_bytes(public)


X25519: DH = X25519Function()
