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
#: The field's prime, and the bits of a coefficient in an encoded key (FIPS 203 §2.4, §4.2.1).
Q, COEFFICIENT_BITS = 3329, 12
#: Bytes at the end of an encoded public key that are no coefficients: the seed of its matrix.
MATRIX_SEED_SIZE = 32
#: Parsed public keys kept per KEM; one is some ten kilobytes inside the library.
CACHED_PUBLIC_KEYS = 256

#: Encapsulates to an encoded, already checked public key: (entropy, public key) to (shared secret, ciphertext).
Encapsulator = Callable[[Entropy, bytes], tuple[bytes, bytes]]


def labeled_derive(kem_id: int, ikm: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """SHAKE256.LabeledDerive of draft-ietf-hpke-pq for the KEM ``kem_id``."""
    suite_id = b"KEM" + kem_id.to_bytes(2, "big")
    prefix = HPKE_VERSION + suite_id + len(label).to_bytes(2, "big") + label + length.to_bytes(2, "big")
    return shake256(ikm + prefix + context, length)


class _Coefficients:
    """The check of a public key's modulus (FIPS 203 §7.2), for all coefficients of the key in one sum.

    It tells what the library's parser tells, in a tenth of its time: the parser prepares the key for use as well.
    """

    def __init__(self, size: int) -> None:
        """For keys with ``size`` bytes of coefficients."""
        lane = 2 * COEFFICIENT_BITS  # every other coefficient, so that each has room above it for its carry
        ones = sum(1 << at for at in range(0, 8 * size, lane))
        self._every_other = ones * ((1 << COEFFICIENT_BITS) - 1)
        self._to_carry = ones * ((1 << COEFFICIENT_BITS) - Q)
        self._carries = ones << COEFFICIENT_BITS

    def are_reduced(self, encoded: bytes) -> bool:
        """Whether each of them is below ``Q``."""
        number = int.from_bytes(encoded, "little")
        even = (number & self._every_other) + self._to_carry
        odd = (number >> COEFFICIENT_BITS & self._every_other) + self._to_carry
        return not (even | odd) & self._carries


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
        kept: int = CACHED_PUBLIC_KEYS,
    ) -> None:
        self.name = name
        self.id = number
        self.public_size, self.ciphertext_size = sizes
        self.private_size = SEED_SIZE
        self.secret_size = SECRET_SIZE
        self._private, self._public = library
        self._encapsulator = encapsulator
        self._library = library
        self._coefficients = _Coefficients(self.public_size - MATRIX_SEED_SIZE)
        parse: Callable[[bytes], Any] = self._checked_public
        self.library_public = lru_cache(kept)(parse) if kept else parse

    def with_encapsulator(self, encapsulator: Encapsulator) -> "MLKEM":
        """The same KEM with another Encaps, for tests."""
        return MLKEM(self.name, self.id, (self.public_size, self.ciphertext_size), self._library, encapsulator)

    def for_ephemeral_keys(self) -> "MLKEM":
        """The same KEM for public keys of which none comes twice: it keeps no parsed ones."""
        sizes = (self.public_size, self.ciphertext_size)
        return MLKEM(self.name, self.id, sizes, self._library, self._encapsulator, kept=0)

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
        if len(public) != self.public_size or not self._coefficients.are_reduced(public[:-MATRIX_SEED_SIZE]):
            raise CryptoError

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
