"""Cipher suites (RFC 9420 §5, §17.1): which primitives a group uses, and the labelled functions built on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from entrenous.crypto import (
    HPKE_P256_SHA256_AES128,
    HPKE_P384_SHA384_AES256,
    HPKE_P521_SHA512_AES256,
    HPKE_X448_SHA512_AES256,
    HPKE_X448_SHA512_CHACHA20,
    HPKE_X25519_SHA256_AES128,
    HPKE_X25519_SHA256_CHACHA20,
    HPKE_XWING_SHA384_AES256,
    HPKE_XWING_SHA512_AES256_TSMLS,
    AeadId,
    AeadKey,
    Entropy,
    Hash,
    HpkeSuite,
    KEMKeyPair,
    KEMPrivateKey,
    SignatureScheme,
    Signer,
    constant_time_equal,
    hkdf_expand,
    hkdf_extract,
    verify_signature,
)
from entrenous.errors import CryptoError, RejectedError, UsageError
from entrenous.mls.labels import kdf_label, labelled, ref_hash_input


@dataclass(frozen=True, slots=True, eq=False)
class CipherSuite:
    """One cipher suite. There is one object per suite, so suites compare by identity.

    Attributes:
        id: its number in the registry of RFC 9420 §17.1, or a private one.
        name: its registered name.
        hash: transcript, tree and reference hashes, and the hash of its HMAC.
        kdf: the hash of the HKDF behind every derivation; the RFC's suites take ``hash`` for it.
        aead: seals messages and a Welcome's GroupInfo.
        hpke: seals path secrets and group secrets.
        signature: what every member signs with.
        secret_size: KDF.Nh: bytes of every secret of the key schedule.
        zero_secret: KDF.Nh zero bytes, which the RFC writes as ``0``.
    """

    id: int
    name: str
    hash: Hash
    kdf: Hash
    aead: AeadId
    hpke: HpkeSuite
    signature: SignatureScheme
    secret_size: int = field(init=False)
    zero_secret: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "secret_size", self.kdf.size)
        object.__setattr__(self, "zero_secret", bytes(self.kdf.size))

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """KDF.Extract."""
        return hkdf_extract(self.kdf, salt, ikm)

    def expand_with_label(self, secret: bytes, label: str, context: bytes, length: int) -> bytes:
        """Derive ``length`` bytes from ``secret`` for one named purpose (ExpandWithLabel, RFC 9420 §8).

        Args:
            secret: a pseudorandom key of KDF.Nh bytes.
            label: the RFC's label without its "MLS 1.0 ", e.g. "epoch".
            context: bytes bound into the result; b"" where the RFC writes "".
            length: bytes wanted, at most 255 * KDF.Nh.

        Raises:
            UsageError: ``length`` is out of range.
        """
        return hkdf_expand(self.kdf, secret, kdf_label(label, context, length), length)

    def derive_secret(self, secret: bytes, label: str) -> bytes:
        """DeriveSecret (RFC 9420 §8): a child secret of KDF.Nh bytes."""
        size = self.secret_size
        return hkdf_expand(self.kdf, secret, kdf_label(label, b"", size), size)

    def derive_tree_secret(self, secret: bytes, label: str, generation: int, length: int) -> bytes:
        """DeriveTreeSecret (RFC 9420 §9.1), bound to a 32-bit ``generation``."""
        return self.expand_with_label(secret, label, generation.to_bytes(4, "big"), length)

    def ref_hash(self, label: str, value: bytes) -> bytes:
        """RefHash (RFC 9420 §5.2); ``label`` is whole, nothing is put in front of it."""
        return self.hash.digest(ref_hash_input(label, value))

    def key_package_ref(self, key_package: bytes) -> bytes:
        """MakeKeyPackageRef (RFC 9420 §5.2) of an encoded KeyPackage."""
        return self.ref_hash("MLS 1.0 KeyPackage Reference", key_package)

    def proposal_ref(self, authenticated_content: bytes) -> bytes:
        """MakeProposalRef (RFC 9420 §5.2) of the encoded AuthenticatedContent that carried the proposal."""
        return self.ref_hash("MLS 1.0 Proposal Reference", authenticated_content)

    def mac(self, key: bytes, first: bytes, *more: bytes) -> bytes:
        """The suite's MAC of all parts, joined: HMAC with its hash (RFC 9420 §17.1)."""
        return self.hash.hmac(key, first, *more)

    def verify_mac(self, key: bytes, tag: bytes, first: bytes, *more: bytes) -> None:
        """Check a MAC in constant time.

        Raises:
            CryptoError: ``tag`` is not the MAC of all parts, joined, under ``key``.
        """
        if not constant_time_equal(self.mac(key, first, *more), tag):
            raise CryptoError

    def sign_with_label(self, signer: Signer, label: str, content: bytes) -> bytes:
        """SignWithLabel (RFC 9420 §5.1.2).

        Raises:
            UsageError: ``signer`` signs with another scheme than the suite's.
        """
        if signer.scheme is not self.signature:
            raise UsageError(f"{self.name} signs with {self.signature.name}, not {signer.scheme.name}")
        return signer.sign(labelled(label, content))

    def verify_with_label(self, public: bytes, label: str, content: bytes, signature: bytes) -> None:
        """VerifyWithLabel (RFC 9420 §5.1.2). An absent (empty) signature fails like any wrong one.

        Raises:
            CryptoError: ``signature`` is not ``public``'s over ``content`` under ``label``.
        """
        verify_signature(self.signature, public, labelled(label, content), signature)

    def encrypt_with_label(
        self, public: bytes, label: str, context: bytes, plaintext: bytes, entropy: Entropy
    ) -> tuple[bytes, bytes]:
        """EncryptWithLabel (RFC 9420 §5.1.3); returns (kem_output, ciphertext).

        Raises:
            CryptoError: ``public`` is no public key of the suite's KEM.
        """
        return self.hpke.seal(public, labelled(label, context), b"", plaintext, entropy)

    def encrypter_with_label(
        self, label: str, context: bytes, entropy: Entropy
    ) -> Callable[[bytes, bytes], tuple[bytes, bytes]]:
        """``encrypt_with_label`` for many receivers: a function of (public, plaintext)."""
        return self.hpke.sealer(labelled(label, context), entropy)

    def decrypt_with_label(
        self, private: KEMPrivateKey, label: str, context: bytes, kem_output: bytes, ciphertext: bytes
    ) -> bytes:
        """DecryptWithLabel (RFC 9420 §5.1.3).

        Raises:
            CryptoError: it was not sealed to ``private`` under this label and context.
        """
        return self.hpke.open(private, kem_output, labelled(label, context), b"", ciphertext)

    def derive_key_pair(self, secret: bytes) -> KEMKeyPair:
        """KEM.DeriveKeyPair of the suite's HPKE (RFC 9420 §7.4, §8)."""
        return self.hpke.derive_key_pair(secret)

    def aead_key(self, key: bytes) -> AeadKey:
        """A key of the suite's AEAD, ready to seal and open."""
        return AeadKey(self.aead, key)

    def __repr__(self) -> str:
        return self.name


#: The suite of every room: "TBD2" of draft-ietf-mls-pq-ciphersuites-06 under a number for private use.
ROOM_SUITE_ID = 0xF0E2


def _suite(number: int, name: str, hash_: Hash, hpke: HpkeSuite, signature: SignatureScheme) -> CipherSuite:
    # RFC 9420 §17.1: messages and derivations use the KDF and AEAD of the suite's HPKE
    return CipherSuite(number, name, hash_, hpke.kdf, hpke.aead, hpke, signature)


_X25519_AES = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"
_P256 = "MLS_128_DHKEMP256_AES128GCM_SHA256_P256"
_X25519_CHACHA = "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519"
_X448_AES = "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448"
_P521 = "MLS_256_DHKEMP521_AES256GCM_SHA512_P521"
_X448_CHACHA = "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448"
_P384 = "MLS_256_DHKEMP384_AES256GCM_SHA384_P384"
#: What ts-mls 1.x calls its X-Wing suite; its KEM derives key pairs in its own way. For interop only.
_XWING_TSMLS = "MLS_256_XWING_AES256GCM_SHA512_Ed25519"
_XWING = "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519"

_REGISTERED = (
    _suite(0x0001, _X25519_AES, Hash.SHA256, HPKE_X25519_SHA256_AES128, SignatureScheme.ED25519),
    _suite(0x0002, _P256, Hash.SHA256, HPKE_P256_SHA256_AES128, SignatureScheme.ECDSA_P256),
    _suite(0x0003, _X25519_CHACHA, Hash.SHA256, HPKE_X25519_SHA256_CHACHA20, SignatureScheme.ED25519),
    _suite(0x0004, _X448_AES, Hash.SHA512, HPKE_X448_SHA512_AES256, SignatureScheme.ED448),
    _suite(0x0005, _P521, Hash.SHA512, HPKE_P521_SHA512_AES256, SignatureScheme.ECDSA_P521),
    _suite(0x0006, _X448_CHACHA, Hash.SHA512, HPKE_X448_SHA512_CHACHA20, SignatureScheme.ED448),
    _suite(0x0007, _P384, Hash.SHA384, HPKE_P384_SHA384_AES256, SignatureScheme.ECDSA_P384),
    _suite(0x0053, _XWING_TSMLS, Hash.SHA512, HPKE_XWING_SHA512_AES256_TSMLS, SignatureScheme.ED25519),
    _suite(ROOM_SUITE_ID, _XWING, Hash.SHA384, HPKE_XWING_SHA384_AES256, SignatureScheme.ED25519),
)

#: Every suite this library speaks, by its number.
SUITES: Mapping[int, CipherSuite] = MappingProxyType({suite.id: suite for suite in _REGISTERED})

#: The suite of every room.
ROOM_SUITE = SUITES[ROOM_SUITE_ID]


def cipher_suite(number: int) -> CipherSuite:
    """The suite with this number.

    Raises:
        RejectedError: MLS-SUITE-UNKNOWN, this library does not speak it.
    """
    suite = SUITES.get(number)
    if suite is None:
        raise RejectedError("MLS-SUITE-UNKNOWN", f"cipher suite {number:#06x}")
    return suite
