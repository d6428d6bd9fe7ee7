"""Signatures, by their TLS SignatureScheme numbers (RFC 8446 §4.2.3), as MLS cipher suites use them (RFC 9420 §17.1).

Ed25519 (RFC 8032) is what Entrenous signs with: strongly unforgeable, one encoding. libsodium does it, twice as fast as
the other library and stricter: it refuses keys of low order. Only what is long, a Commit of a megabyte, is verified by
the other library, which hashes three times as fast. The other schemes exist for MLS interop.
"""

from enum import Enum
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from entrenous.crypto.entropy import Entropy, draw
from entrenous.crypto.low_order import is_weak_ed25519
from entrenous.crypto.secret import Secret
from entrenous.errors import CryptoError, UsageError

#: Bytes of an Ed25519 seed, public key and signature.
ED25519_SEED_SIZE = 32
ED25519_PUBLIC_SIZE = 32
ED25519_SIGNATURE_SIZE = 64
#: Bytes of a message from which Ed25519 signatures are verified by the library that hashes faster.
LONG_MESSAGE = 1 << 16


class SignatureScheme(Enum):
    """A signature algorithm."""

    ED25519 = 0x0807
    ED448 = 0x0808
    ECDSA_P256 = 0x0403
    ECDSA_P384 = 0x0503
    ECDSA_P521 = 0x0603


class SigningSeed(Secret):
    """The private part of a signing key: an EdDSA seed, or an ECDSA scalar, big-endian."""

    __slots__ = ()


class Signer(Protocol):
    """Signs with one key."""

    @property
    def scheme(self) -> SignatureScheme:
        """The algorithm."""
        ...

    @property
    def public(self) -> bytes:
        """The encoded public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A signature over ``message``."""
        ...


class SigningKey:
    """An Ed25519 private key (RFC 8032 §5.1)."""

    __slots__ = ("_expanded", "public", "seed")

    #: The algorithm, for ``Signer``.
    scheme = SignatureScheme.ED25519

    def __init__(self, seed: SigningSeed) -> None:
        if len(seed) != ED25519_SEED_SIZE:
            raise UsageError(f"an Ed25519 seed has {ED25519_SEED_SIZE} bytes, not {len(seed)}")
        self.seed = seed
        self.public, expanded = crypto_sign_seed_keypair(seed.reveal())
        self._expanded = Secret(expanded)

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """The key that a stored seed of 32 bytes stands for.

        Raises:
            UsageError: ``seed`` has not 32 bytes.
        """
        return cls(SigningSeed(seed))

    @classmethod
    def generate(cls, entropy: Entropy) -> "SigningKey":
        """A new key."""
        return cls(SigningSeed(draw(entropy, ED25519_SEED_SIZE)))

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``, 64 bytes; always the same one."""
        return crypto_sign(message, self._expanded.reveal())[:ED25519_SIGNATURE_SIZE]

    def __repr__(self) -> str:
        return f"SigningKey({self.public.hex()[:8]}…)"


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature. Refuses malleable signatures and public keys of low order.

    Raises:
        CryptoError: ``signature`` is not ``public``'s signature over ``message``.
    """
    if len(public) != ED25519_PUBLIC_SIZE or len(signature) != ED25519_SIGNATURE_SIZE:
        raise CryptoError  # checked first: the library takes signature and message joined
    try:
        if len(message) < LONG_MESSAGE:
            crypto_sign_open(signature + message, public)
            return
        if is_weak_ed25519(public):
            raise CryptoError  # which only libsodium refuses by itself
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (BadSignatureError, InvalidSignature, ValueError):
        raise CryptoError from None


class Ed448Signer:
    """An Ed448 private key (RFC 8032 §5.2), 57 bytes; for MLS interop."""

    __slots__ = ("_key", "public")

    #: The algorithm, for ``Signer``.
    scheme = SignatureScheme.ED448

    def __init__(self, seed: SigningSeed) -> None:
        if len(seed) != 57:
            raise UsageError(f"an Ed448 seed has 57 bytes, not {len(seed)}")
        self._key = Ed448PrivateKey.from_private_bytes(seed.reveal())
        self.public: bytes = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``, 114 bytes."""
        return self._key.sign(message)


#: Curve, the hash MLS pairs with it, bytes of a scalar.
_CURVES: dict[SignatureScheme, tuple[ec.EllipticCurve, hashes.HashAlgorithm, int]] = {
    SignatureScheme.ECDSA_P256: (ec.SECP256R1(), hashes.SHA256(), 32),
    SignatureScheme.ECDSA_P384: (ec.SECP384R1(), hashes.SHA384(), 48),
    SignatureScheme.ECDSA_P521: (ec.SECP521R1(), hashes.SHA512(), 66),
}


class EcdsaSigner:
    """An ECDSA private key: signatures in DER, deterministic (RFC 6979), so that it needs no entropy to sign."""

    __slots__ = ("_algorithm", "_key", "public", "scheme")

    def __init__(self, scheme: SignatureScheme, scalar: SigningSeed) -> None:
        curve, hash_algorithm, size = _CURVES[scheme]
        if len(scalar) != size:
            raise UsageError(f"a private key for {scheme.name} has {size} bytes, not {len(scalar)}")
        self.scheme = scheme
        self._algorithm = ec.ECDSA(hash_algorithm, deterministic_signing=True)
        try:
            self._key = ec.derive_private_key(int.from_bytes(scalar.reveal(), "big"), curve)
        except ValueError as error:
            raise UsageError(f"no private key for {scheme.name}") from error
        self.public: bytes = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message`` in DER."""
        return self._key.sign(message, self._algorithm)


def load_signer(scheme: SignatureScheme, private: bytes) -> Signer:
    """The signer that stored private bytes stand for.

    Args:
        scheme: the algorithm.
        private: an EdDSA seed (32 or 57 bytes) or an ECDSA scalar, big-endian (32, 48 or 66 bytes).

    Raises:
        UsageError: ``private`` is no private key of ``scheme``.
    """
    seed = SigningSeed(private)
    if scheme is SignatureScheme.ED25519:
        return SigningKey(seed)
    if scheme is SignatureScheme.ED448:
        return Ed448Signer(seed)
    return EcdsaSigner(scheme, seed)


def verify_signature(scheme: SignatureScheme, public: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature of any scheme.

    Args:
        scheme: the algorithm, known from the cipher suite, never from the message.
        public: 32 or 57 bytes for EdDSA; an uncompressed point (X9.62) for ECDSA.
        message: what was signed.
        signature: 64 or 114 bytes for EdDSA; DER for ECDSA.

    Raises:
        CryptoError: ``signature`` is not ``public``'s signature over ``message``.
    """
    if scheme is SignatureScheme.ED25519:
        verify(public, message, signature)
        return
    try:
        if scheme is SignatureScheme.ED448:
            Ed448PublicKey.from_public_bytes(public).verify(signature, message)
            return
        curve, hash_algorithm, size = _CURVES[scheme]
        if len(public) != 1 + 2 * size:  # one encoding per key: no compressed points
            raise CryptoError
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve, public)
        point.verify(signature, message, ec.ECDSA(hash_algorithm))
    except (InvalidSignature, ValueError):
        raise CryptoError from None
