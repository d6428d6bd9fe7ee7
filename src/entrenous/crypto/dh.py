"""Diffie-Hellman as Noise names it (GENERATE_KEYPAIR, DH, DHLEN; Noise rev 34 §4.1), and X25519 (RFC 7748)."""

from dataclasses import dataclass
from typing import Protocol

from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import RuntimeError as SodiumError

from entrenous.crypto.entropy import Entropy, draw
from entrenous.crypto.secret import PrivateKey
from entrenous.errors import CryptoError, UsageError

#: Bytes of X25519's private keys, public keys and secrets.
X25519_SIZE = 32


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
    """X25519 (RFC 7748 §5), by libsodium. An all-zero result is refused (§6.1), so no low-order point passes."""

    name = "25519"
    length = X25519_SIZE

    def generate(self, entropy: Entropy) -> DHKeyPair:
        """A new key pair from 32 bytes of ``entropy``."""
        private = DHPrivateKey(draw(entropy, X25519_SIZE))
        return DHKeyPair(private, crypto_scalarmult_base(private.reveal()))

    def public(self, private: DHPrivateKey | bytes) -> bytes:
        """The public key that belongs to ``private``.

        Raises:
            UsageError: ``private`` has not 32 bytes.
        """
        return crypto_scalarmult_base(_scalar(private))

    def exchange(self, private: DHPrivateKey, public: bytes) -> bytes:
        """The shared secret, 32 bytes.

        Raises:
            CryptoError: ``public`` has not 32 bytes or is of low order.
            UsageError: ``private`` has not 32 bytes.
        """
        scalar = _scalar(private)
        if len(public) != X25519_SIZE:
            raise CryptoError
        try:
            return crypto_scalarmult(scalar, public)
        except SodiumError:
            raise CryptoError from None


def _scalar(private: DHPrivateKey | bytes) -> bytes:
    scalar = private.reveal() if isinstance(private, DHPrivateKey) else private
    if len(scalar) != X25519_SIZE:
        raise UsageError(f"an X25519 private key has {X25519_SIZE} bytes, not {len(scalar)}")
    return scalar


X25519: DH = X25519Function()
