"""Key encapsulation as HPKE names it (RFC 9180 §4): the interface and its key types."""

from dataclasses import dataclass
from typing import Any, Protocol

from entrenous.crypto.entropy import Entropy
from entrenous.crypto.secret import PrivateKey
from entrenous.errors import UsageError

#: Bytes that DeriveKeyPair takes at least. RFC 9180 §7.1.3 only says it *should* be Nsk, and MLS gives P-521 64 of 66.
MINIMUM_IKM = 32


class KEMPrivateKey(PrivateKey):
    """A KEM's private key in its short form: a seed where there is one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class KEMKeyPair:
    """A private key and the encoded public key that belongs to it."""

    private: KEMPrivateKey
    public: bytes


class KEM(Protocol):
    """A key encapsulation mechanism."""

    @property
    def name(self) -> str:
        """Its name in the standards."""
        ...

    @property
    def id(self) -> int:
        """Its number in HPKE's registry."""
        ...

    @property
    def public_size(self) -> int:
        """Bytes of an encoded public key (Npk)."""
        ...

    @property
    def private_size(self) -> int:
        """Bytes of a private key (Nsk)."""
        ...

    @property
    def ciphertext_size(self) -> int:
        """Bytes of an encapsulation (Nenc)."""
        ...

    @property
    def secret_size(self) -> int:
        """Bytes of a shared secret (Nsecret)."""
        ...

    def key_pair(self, private: bytes) -> KEMKeyPair:
        """The key pair that stored private bytes stand for.

        Raises:
            UsageError: ``private`` is no private key of this KEM.
        """
        ...

    def derive_key_pair(self, ikm: bytes) -> KEMKeyPair:
        """DeriveKeyPair: always the same key pair for the same ``ikm``.

        Raises:
            UsageError: ``ikm`` has fewer than 32 bytes.
        """
        ...

    def generate(self, entropy: Entropy) -> KEMKeyPair:
        """A new key pair from ``entropy``."""
        ...

    def encapsulate(self, public: bytes, entropy: Entropy) -> tuple[bytes, bytes]:
        """An encapsulation for the holder of ``public``'s private key, and the secret inside it.

        Raises:
            CryptoError: ``public`` is no public key of this KEM.
        """
        ...

    def decapsulate(self, private: KEMPrivateKey, ciphertext: bytes) -> bytes:
        """The secret inside ``ciphertext``.

        ML-KEM answers to a wrong ciphertext of the right size with a secret that nobody knows.

        Raises:
            CryptoError: ``ciphertext`` has the wrong size, or no element of the group in it.
            UsageError: ``private`` is no private key of this KEM.
        """
        ...

    def check_public(self, public: bytes) -> None:
        """Check that one can encapsulate to an encoded public key.

        Raises:
            CryptoError: ``public`` is no public key of this KEM, or of low order.
        """
        ...

    def library_public(self, public: bytes) -> Any:  # noqa: ANN401 -- the library's class differs per KEM
        """The library's object for an encoded public key.

        Raises:
            CryptoError: ``public`` is no public key of this KEM.
        """
        ...


def check_ikm(ikm: bytes) -> None:
    """Refuse too little input for DeriveKeyPair.

    Raises:
        UsageError: ``ikm`` has fewer than 32 bytes.
    """
    if len(ikm) < MINIMUM_IKM:
        raise UsageError(f"DeriveKeyPair takes at least {MINIMUM_IKM} bytes, not {len(ikm)}")
