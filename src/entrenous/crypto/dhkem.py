"""DHKEM (RFC 9180 §4.1): a KEM out of a Diffie-Hellman group and HKDF, over X25519, X448, P-256, P-384 and P-521."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from entrenous.crypto.dh import X25519, X25519_SIZE, DHPrivateKey
from entrenous.crypto.entropy import Entropy, draw
from entrenous.crypto.hashes import Hash
from entrenous.crypto.kdf import labeled_expand, labeled_extract
from entrenous.crypto.kem import KEM, KEMKeyPair, KEMPrivateKey, check_ikm
from entrenous.crypto.low_order import is_low_order
from entrenous.errors import CryptoError, UsageError

#: Parsed public keys kept per KEM: a member seals to the same leaves again and again.
CACHED_PUBLIC_KEYS = 256


class DHKEM(ABC):
    """What RFC 9180 §4.1 says for every group; a subclass knows the group."""

    def __init__(self, name: str, number: int, kdf: Hash, *, public_size: int, private_size: int) -> None:
        self.name = name
        self.id = number
        self.public_size = self.ciphertext_size = public_size
        self.private_size = private_size
        self.secret_size = kdf.size
        self._kdf = kdf
        self._suite_id = b"KEM" + number.to_bytes(2, "big")
        self.library_public: Callable[[bytes], Any] = lru_cache(CACHED_PUBLIC_KEYS)(self._checked_public)

    def key_pair(self, private: bytes) -> KEMKeyPair:
        """The key pair that stored private bytes stand for.

        Raises:
            UsageError: ``private`` is no private key of this KEM.
        """
        key = KEMPrivateKey(private)
        return KEMKeyPair(key, self._encode(self.library_private(key)))

    def derive_key_pair(self, ikm: bytes) -> KEMKeyPair:
        """DeriveKeyPair (RFC 9180 §7.1.3).

        Raises:
            UsageError: ``ikm`` has fewer than 32 bytes.
        """
        check_ikm(ikm)
        prk = labeled_extract(self._kdf, self._suite_id, b"", b"dkp_prk", ikm)
        return self._derive(prk)

    def generate(self, entropy: Entropy) -> KEMKeyPair:
        """GenerateKeyPair (RFC 9180 §4): DeriveKeyPair of random bytes."""
        return self.derive_key_pair(draw(entropy, self.private_size))

    def encapsulate(self, public: bytes, entropy: Entropy) -> tuple[bytes, bytes]:
        """Encap (RFC 9180 §4.1), its ephemeral key derived from ``private_size`` bytes of ``entropy``.

        Raises:
            CryptoError: ``public`` is no public key of this KEM, or of low order.
        """
        receiver = self.library_public(public)
        ephemeral = self.generate(entropy)
        shared = self._exchange(self.library_private(ephemeral.private), receiver)
        return ephemeral.public, self._extract_and_expand(shared, ephemeral.public + public)

    def decapsulate(self, private: KEMPrivateKey, ciphertext: bytes) -> bytes:
        """Decap (RFC 9180 §4.1).

        Raises:
            CryptoError: ``ciphertext`` is no public key of the group, or of low order.
            UsageError: ``private`` is no private key of this KEM.
        """
        key = self.library_private(private)
        shared = self._exchange(key, self._checked_public(ciphertext))
        return self._extract_and_expand(shared, ciphertext + self._encode(key))

    def check_public(self, public: bytes) -> None:
        """Check that one can encapsulate to ``public``.

        Raises:
            CryptoError: ``public`` is no public key of this KEM, or of low order.
        """
        self.library_public(public)

    def library_private(self, private: KEMPrivateKey) -> Any:  # noqa: ANN401 -- the library's class differs per group
        """The library's object for a private key, made once.

        Raises:
            UsageError: ``private`` is no private key of this KEM.
        """
        parsed = private.recall(self)
        if parsed is None:
            if len(private) != self.private_size:
                raise UsageError(f"a {self.name} private key has {self.private_size} bytes, not {len(private)}")
            parsed = self._parse_private(private.reveal())
            private.remember(self, parsed)
        return parsed

    def _checked_public(self, public: bytes) -> Any:  # noqa: ANN401 -- the library's class differs per group
        if len(public) != self.public_size:
            raise CryptoError
        try:
            return self._parse_public(public)
        except ValueError:
            raise CryptoError from None

    def _exchange(self, private: Any, public: Any) -> bytes:  # noqa: ANN401 -- the library's class differs per group
        try:
            return self._dh(private, public)
        except ValueError:
            raise CryptoError from None

    def _extract_and_expand(self, shared: bytes, kem_context: bytes) -> bytes:
        prk = labeled_extract(self._kdf, self._suite_id, b"", b"eae_prk", shared)
        return labeled_expand(self._kdf, self._suite_id, prk, b"shared_secret", kem_context, self.secret_size)

    @abstractmethod
    def _derive(self, prk: bytes) -> KEMKeyPair: ...

    @abstractmethod
    def _parse_private(self, private: bytes) -> Any: ...  # noqa: ANN401 -- the library's class differs per group

    @abstractmethod
    def _parse_public(self, public: bytes) -> Any: ...  # noqa: ANN401 -- the library's class differs per group

    @abstractmethod
    def _encode(self, private: Any) -> bytes: ...  # noqa: ANN401 -- the library's class differs per group

    @abstractmethod
    def _dh(self, private: Any, public: Any) -> bytes: ...  # noqa: ANN401 -- the library's class differs per group


class MontgomeryKEM(DHKEM):
    """DHKEM over X25519 or X448. The library refuses an all-zero result (RFC 9180 §7.1.4)."""

    def __init__(
        self,
        name: str,
        number: int,
        kdf: Hash,
        size: int,
        library: tuple[type[X25519PrivateKey | X448PrivateKey], type[X25519PublicKey | X448PublicKey]],
    ) -> None:
        super().__init__(name, number, kdf, public_size=size, private_size=size)
        self._private, self._public = library

    def _derive(self, prk: bytes) -> KEMKeyPair:
        return self.key_pair(labeled_expand(self._kdf, self._suite_id, prk, b"sk", b"", self.private_size))

    def _parse_private(self, private: bytes) -> Any:  # noqa: ANN401 -- the library's class differs per group
        return self._private.from_private_bytes(private)

    def _parse_public(self, public: bytes) -> X25519PublicKey | X448PublicKey:
        if is_low_order(public):
            raise CryptoError
        return self._public.from_public_bytes(public)

    def _encode(self, private: Any) -> bytes:  # noqa: ANN401 -- the library's class differs per group
        encoded: bytes = private.public_key().public_bytes_raw()
        return encoded

    def _dh(self, private: Any, public: Any) -> bytes:  # noqa: ANN401 -- the library's classes differ per instance
        shared: bytes = private.exchange(public)
        return shared


class X25519KEM(MontgomeryKEM):
    """DHKEM over X25519 by libsodium, which makes key pairs in half the time and has no objects to make of keys.

    Only ``library_public`` is the other library's, for its HPKE to seal to.
    """

    def __init__(self) -> None:
        library = X25519PrivateKey, X25519PublicKey
        super().__init__("DHKEM(X25519, HKDF-SHA256)", 0x0020, Hash.SHA256, X25519_SIZE, library)

    def check_public(self, public: bytes) -> None:
        """Check that one can encapsulate to ``public``, which its bytes tell: the library's object is not needed.

        Raises:
            CryptoError: ``public`` has not 32 bytes, or is of low order.
        """
        if len(public) != X25519_SIZE or is_low_order(public):
            raise CryptoError

    def encapsulate(self, public: bytes, entropy: Entropy) -> tuple[bytes, bytes]:
        """Encap (RFC 9180 §4.1), its ephemeral key derived from 32 bytes of ``entropy``.

        Raises:
            CryptoError: ``public`` is no public key of X25519, or of low order.
        """
        self.check_public(public)
        ephemeral = self.generate(entropy)
        shared = X25519.exchange(DHPrivateKey(ephemeral.private.reveal()), public)
        return ephemeral.public, self._extract_and_expand(shared, ephemeral.public + public)

    def decapsulate(self, private: KEMPrivateKey, ciphertext: bytes) -> bytes:
        """Decap (RFC 9180 §4.1).

        Raises:
            CryptoError: ``ciphertext`` has not 32 bytes, or is of low order.
            UsageError: ``private`` has not 32 bytes.
        """
        shared = X25519.exchange(DHPrivateKey(private.reveal()), ciphertext)
        return self._extract_and_expand(shared, ciphertext + self.library_private(private))

    def key_pair(self, private: bytes) -> KEMKeyPair:
        """The key pair that stored private bytes stand for.

        Raises:
            UsageError: ``private`` has not 32 bytes.
        """
        key, public = KEMPrivateKey(private), X25519.public(private)
        key.remember(self, public)
        return KEMKeyPair(key, public)

    def _parse_private(self, private: bytes) -> bytes:
        return X25519.public(private)  # all that decapsulation needs beside the private key itself


class NistKEM(DHKEM):
    """DHKEM over a NIST curve: uncompressed points only (by their length), the shared secret is the x coordinate."""

    def __init__(self, name: str, number: int, kdf: Hash, curve: ec.EllipticCurve, bitmask: int) -> None:
        size = -(-curve.key_size // 8)
        super().__init__(name, number, kdf, public_size=1 + 2 * size, private_size=size)
        self._curve = curve
        self._bitmask = bitmask

    def _derive(self, prk: bytes) -> KEMKeyPair:
        for counter in range(256):
            candidate = bytearray(
                labeled_expand(self._kdf, self._suite_id, prk, b"candidate", bytes((counter,)), self.private_size)
            )
            candidate[0] &= self._bitmask
            try:
                return self.key_pair(bytes(candidate))
            except UsageError:
                continue  # zero or not below the order: the next candidate
        raise CryptoError  # RFC 9180 §7.1.3: DeriveKeyPairError, with probability below 2^-256

    def _parse_private(self, private: bytes) -> ec.EllipticCurvePrivateKey:
        try:
            return ec.derive_private_key(int.from_bytes(private, "big"), self._curve)
        except ValueError as error:
            raise UsageError(f"no private key of {self.name}") from error

    def _parse_public(self, public: bytes) -> ec.EllipticCurvePublicKey:
        return ec.EllipticCurvePublicKey.from_encoded_point(self._curve, public)

    def _encode(self, private: ec.EllipticCurvePrivateKey) -> bytes:
        return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def _dh(self, private: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey) -> bytes:
        return private.exchange(ec.ECDH(), public)


DHKEM_P256: KEM = NistKEM("DHKEM(P-256, HKDF-SHA256)", 0x0010, Hash.SHA256, ec.SECP256R1(), 0xFF)
DHKEM_P384: KEM = NistKEM("DHKEM(P-384, HKDF-SHA384)", 0x0011, Hash.SHA384, ec.SECP384R1(), 0xFF)
DHKEM_P521: KEM = NistKEM("DHKEM(P-521, HKDF-SHA512)", 0x0012, Hash.SHA512, ec.SECP521R1(), 0x01)
DHKEM_X25519: KEM = X25519KEM()
DHKEM_X448: KEM = MontgomeryKEM("DHKEM(X448, HKDF-SHA512)", 0x0021, Hash.SHA512, 56, (X448PrivateKey, X448PublicKey))
