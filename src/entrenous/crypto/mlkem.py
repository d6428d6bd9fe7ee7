"""ML-KEM-768 and ML-KEM-1024 (FIPS 203), private keys as 64-byte seeds d ‖ z, numbered as in draft-ietf-hpke-pq."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
    MLKEM1024PrivateKey,
    MLKEM1024PublicKey,
)

from entrenous.crypto.entropy import Entropy, draw
from entrenous.crypto.hashes import shake256
from entrenous.crypto.kdf import HPKE_VERSION
from entrenous.crypto.kem import KEMKeyPair, KEMPrivateKey, check_ikm
from entrenous.errors import CryptoError, UsageError

#: Bytes of a private key: the seed d ‖ z.
SEED_SIZE = 64
#: Bytes of a shared secret.
SECRET_SIZE = 32
#: Parsed public keys kept per KEM; one is some ten kilobytes inside the library.
CACHED_PUBLIC_KEYS = 256

#: Encapsulates to an encoded, already checked public key: (entropy, public key) to (shared secret, ciphertext).
Encapsulator = Callable[[Entropy, bytes], tuple[bytes, bytes]]


def labeled_derive(kem_id: int, ikm: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """SHAKE256.LabeledDerive of draft-ietf-hpke-pq for the KEM ``kem_id``."""
    suite_id = b"KEM" + kem_id.to_bytes(2, "big")
    prefix = HPKE_VERSION + suite_id + len(label).to_bytes(2, "big") + label + length.to_bytes(2, "big")
    return shake256(ikm + prefix + context, length)


class MLKEM:
    """ML-KEM with one parameter set.

    The library's Encaps draws its own randomness and takes none. ``encapsulator`` replaces it where a test needs
    an encapsulation that ``entropy`` decides.
    """

    def __init__(
        self,
        name: str,
        number: int,
        sizes: tuple[int, int],
        library: tuple[type[MLKEM768PrivateKey | MLKEM1024PrivateKey], type[MLKEM768PublicKey | MLKEM1024PublicKey]],
        encapsulator: Encapsulator | None = None,
    ) -> None:
        self.name = name
        self.id = number
        self.public_size, self.ciphertext_size = sizes
        self.private_size = SEED_SIZE
        self.secret_size = SECRET_SIZE
        self._private, self._public = library
        self._encapsulator = encapsulator
        self._library = library
        self.library_public: Callable[[bytes], Any] = lru_cache(CACHED_PUBLIC_KEYS)(self._checked_public)

    def with_encapsulator(self, encapsulator: Encapsulator) -> "MLKEM":
        """The same KEM with another Encaps, for tests."""
        return MLKEM(self.name, self.id, (self.public_size, self.ciphertext_size), self._library, encapsulator)

    def key_pair(self, private: bytes) -> KEMKeyPair:
        """ML-KEM.KeyGen_internal: the key pair of a seed d ‖ z.

        Raises:
            UsageError: ``private`` has not 64 bytes.
        """
        key = KEMPrivateKey(private)
        return KEMKeyPair(key, self.library_private(key).public_key().public_bytes_raw())

    def derive_key_pair(self, ikm: bytes) -> KEMKeyPair:
        """DeriveKeyPair of draft-ietf-hpke-pq.

        Raises:
            UsageError: ``ikm`` has fewer than 32 bytes.
        """
        check_ikm(ikm)
        return self.key_pair(labeled_derive(self.id, ikm, b"DeriveKeyPair", b"", SEED_SIZE))

    def generate(self, entropy: Entropy) -> KEMKeyPair:
        """ML-KEM.KeyGen: a new key pair from 64 bytes of ``entropy``."""
        return self.key_pair(draw(entropy, SEED_SIZE))

    def encapsulate(self, public: bytes, entropy: Entropy) -> tuple[bytes, bytes]:
        """ML-KEM.Encaps, after its check of the key's modulus (FIPS 203 §7.2).

        Raises:
            CryptoError: ``public`` has the wrong size or a coefficient outside the field.
        """
        key = self.library_public(public)
        shared, ciphertext = key.encapsulate() if self._encapsulator is None else self._encapsulator(entropy, public)
        return ciphertext, shared

    def decapsulate(self, private: KEMPrivateKey, ciphertext: bytes) -> bytes:
        """ML-KEM.Decaps: for a wrong ciphertext, a secret that nobody else knows (implicit rejection).

        Raises:
            CryptoError: ``ciphertext`` has the wrong size.
            UsageError: ``private`` has not 64 bytes.
        """
        key = self.library_private(private)
        if len(ciphertext) != self.ciphertext_size:
            raise CryptoError
        shared: bytes = key.decapsulate(ciphertext)
        return shared

    def check_public(self, public: bytes) -> None:
        """Check that one can encapsulate to ``public``.

        Raises:
            CryptoError: ``public`` has the wrong size or a coefficient outside the field.
        """
        self.library_public(public)

    def library_private(self, private: KEMPrivateKey) -> Any:  # noqa: ANN401 -- one class per parameter set
        """The library's object for a private key.

        Raises:
            UsageError: ``private`` has not 64 bytes.
        """
        parsed = private.recall(self)
        if parsed is None:
            if len(private) != SEED_SIZE:
                raise UsageError(f"an {self.name} private key has {SEED_SIZE} bytes, not {len(private)}")
            parsed = self._private.from_seed_bytes(private.reveal())
            private.remember(self, parsed)
        return parsed

    def _checked_public(self, public: bytes) -> Any:  # noqa: ANN401 -- one class per parameter set
        try:
            return self._public.from_public_bytes(public)
        except ValueError:
            raise CryptoError from None


MLKEM768 = MLKEM("ML-KEM-768", 0x0041, (1184, 1088), (MLKEM768PrivateKey, MLKEM768PublicKey))
MLKEM1024 = MLKEM("ML-KEM-1024", 0x0042, (1568, 1568), (MLKEM1024PrivateKey, MLKEM1024PublicKey))
