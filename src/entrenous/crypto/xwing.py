"""X-Wing, the hybrid KEM of ML-KEM-768 and X25519 (draft-connolly-cfrg-xwing-kem), HPKE number 0x647A.

A secret stays secret while either half holds. The standards gave X-Wing two ways to derive a key pair over time: that
of draft-ietf-hpke-pq, which we use, and an older one that ts-mls still uses.
"""

from collections.abc import Callable
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

from entrenous.crypto.dh import X25519, X25519_SIZE, DHPrivateKey
from entrenous.crypto.entropy import Entropy, draw
from entrenous.crypto.hashes import sha3_256, shake256
from entrenous.crypto.kem import KEMKeyPair, KEMPrivateKey, check_ikm
from entrenous.crypto.low_order import is_low_order
from entrenous.crypto.mlkem import CACHED_PUBLIC_KEYS, MLKEM, MLKEM768, labeled_derive
from entrenous.errors import CryptoError, UsageError

#: HPKE's number for X-Wing.
XWING_ID = 0x647A
#: Bytes of a private key: the seed that both halves are expanded from.
SEED_SIZE = 32
#: The combiner's label, X-Wing's emblem.
LABEL = rb"\./" + rb"/^" + b"\\"


def derive_seed_hpke_pq(ikm: bytes) -> bytes:
    """The seed for DeriveKeyPair, as draft-ietf-hpke-pq has it."""
    return labeled_derive(XWING_ID, ikm, b"DeriveKeyPair", b"", SEED_SIZE)


def derive_seed_connolly(ikm: bytes) -> bytes:
    """The seed for DeriveKeyPair, as draft-connolly-cfrg-xwing-kem-06 had it."""
    return shake256(ikm, SEED_SIZE)


class _Private:
    """Both halves of a private key."""

    __slots__ = ("mlkem", "x25519", "x25519_public")

    def __init__(self, seed: bytes) -> None:
        expanded = shake256(seed, 96)
        self.mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        self.x25519 = DHPrivateKey(expanded[64:])
        self.x25519_public = X25519.public(self.x25519)


class XWing:
    """X-Wing: public key ML-KEM-768 (1184 bytes) ‖ X25519 (32), ciphertext ML-KEM-768 (1088) ‖ X25519 (32)."""

    name = "X-Wing"
    id = XWING_ID
    private_size = SEED_SIZE
    secret_size = 32

    def __init__(self, derive_seed: Callable[[bytes], bytes], mlkem: MLKEM = MLKEM768) -> None:
        self._derive_seed = derive_seed
        self._mlkem = mlkem
        self.public_size = mlkem.public_size + X25519_SIZE
        self.ciphertext_size = mlkem.ciphertext_size + X25519_SIZE
        self.library_public: Callable[[bytes], MLKEM768X25519PublicKey] = lru_cache(CACHED_PUBLIC_KEYS)(
            self._hpke_public
        )

    def key_pair(self, private: bytes) -> KEMKeyPair:
        """The key pair of a stored seed.

        Raises:
            UsageError: ``private`` has not 32 bytes.
        """
        key = KEMPrivateKey(private)
        parsed = self._parse(key)
        return KEMKeyPair(key, parsed.mlkem.public_key().public_bytes_raw() + parsed.x25519_public)

    def derive_key_pair(self, ikm: bytes) -> KEMKeyPair:
        """DeriveKeyPair, in this instance's flavour.

        Raises:
            UsageError: ``ikm`` has fewer than 32 bytes.
        """
        check_ikm(ikm)
        return self.key_pair(self._derive_seed(ikm))

    def generate(self, entropy: Entropy) -> KEMKeyPair:
        """GenerateKeyPair: a new key pair from 32 bytes of ``entropy``."""
        return self.key_pair(draw(entropy, SEED_SIZE))

    def encapsulate(self, public: bytes, entropy: Entropy) -> tuple[bytes, bytes]:
        """Encapsulate; the X25519 half's ephemeral key is 32 bytes of ``entropy``.

        Raises:
            CryptoError: ``public`` has the wrong size, or one of its halves is no public key or of low order.
        """
        mlkem_public, x25519_public = self._split(public, self.public_size)
        mlkem_ciphertext, mlkem_secret = self._mlkem.encapsulate(mlkem_public, entropy)
        ephemeral = X25519.generate(entropy)
        # X-Wing itself tolerates an all-zero X25519 secret; HPKE and our rule for every DH do not.
        x25519_secret = X25519.exchange(ephemeral.private, x25519_public)
        shared = _combine(mlkem_secret, x25519_secret, ephemeral.public, x25519_public)
        return mlkem_ciphertext + ephemeral.public, shared

    def decapsulate(self, private: KEMPrivateKey, ciphertext: bytes) -> bytes:
        """Decapsulate; a wrong ML-KEM half gives a secret that nobody else knows.

        Raises:
            CryptoError: ``ciphertext`` has the wrong size, or its X25519 half is of low order.
            UsageError: ``private`` has not 32 bytes.
        """
        key = self._parse(private)
        mlkem_ciphertext, x25519_ciphertext = self._split(ciphertext, self.ciphertext_size)
        mlkem_secret = key.mlkem.decapsulate(mlkem_ciphertext)
        x25519_secret = X25519.exchange(key.x25519, x25519_ciphertext)
        return _combine(mlkem_secret, x25519_secret, x25519_ciphertext, key.x25519_public)

    def check_public(self, public: bytes) -> None:
        """Check that one can encapsulate to ``public``.

        Raises:
            CryptoError: ``public`` has the wrong size, or one of its halves is no public key or of low order.
        """
        mlkem_public, x25519_public = self._split(public, self.public_size)
        if is_low_order(x25519_public):
            raise CryptoError
        self._mlkem.check_public(mlkem_public)

    def _hpke_public(self, public: bytes) -> MLKEM768X25519PublicKey:
        mlkem_public, x25519_public = self._split(public, self.public_size)
        if is_low_order(x25519_public):
            raise CryptoError
        return MLKEM768X25519PublicKey(
            self._mlkem.library_public(mlkem_public), X25519PublicKey.from_public_bytes(x25519_public)
        )

    @staticmethod
    def _split(value: bytes, size: int) -> tuple[bytes, bytes]:
        if len(value) != size:
            raise CryptoError
        return value[:-X25519_SIZE], value[-X25519_SIZE:]

    def _parse(self, private: KEMPrivateKey) -> _Private:
        parsed: _Private | None = private.recall(self)
        if parsed is not None:
            return parsed
        if len(private) != SEED_SIZE:
            raise UsageError(f"an X-Wing private key has {SEED_SIZE} bytes, not {len(private)}")
        parsed = _Private(private.reveal())
        private.remember(self, parsed)
        return parsed


def _combine(mlkem_secret: bytes, x25519_secret: bytes, x25519_ciphertext: bytes, x25519_public: bytes) -> bytes:
    return sha3_256(mlkem_secret + x25519_secret + x25519_ciphertext + x25519_public + LABEL)


#: X-Wing as draft-ietf-hpke-pq derives its key pairs: what rooms use.
XWING = XWing(derive_seed_hpke_pq)
#: X-Wing as ts-mls derives its key pairs: interop only.
XWING_TSMLS = XWing(derive_seed_connolly)
