"""HPKE in base mode (RFC 9180), single-shot, and its secret export, as MLS uses both (RFC 9420 §5.1.3, §8.3).

Sealing goes to the library in one call where it covers it. Its interface has no associated data, no seeded ephemeral
key and no export, and to open it wants an object of each private key, which costs as much as an exchange: all of that
runs through our own KEMs and the key schedule below. Tests hold both ways to the same vectors.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives import hpke

from entrenous.crypto.aead import AeadId, open_, seal
from entrenous.crypto.dhkem import DHKEM_P256, DHKEM_P384, DHKEM_P521, DHKEM_X448, DHKEM_X25519
from entrenous.crypto.entropy import Entropy, system_entropy
from entrenous.crypto.hashes import Hash
from entrenous.crypto.kdf import labeled_expand, labeled_extract
from entrenous.crypto.kem import KEM, KEMKeyPair, KEMPrivateKey
from entrenous.crypto.mlkem import MLKEM768, MLKEM1024
from entrenous.crypto.xwing import XWING, XWING_TSMLS
from entrenous.errors import CryptoError

#: Our KEMs' numbers to the library's.
_LIBRARY_KEMS = {
    0x0010: hpke.KEM.P256,
    0x0011: hpke.KEM.P384,
    0x0012: hpke.KEM.P521,
    0x0020: hpke.KEM.X25519,
    0x0041: hpke.KEM.MLKEM768,
    0x0042: hpke.KEM.MLKEM1024,
    0x647A: hpke.KEM.MLKEM768_X25519,
}
_LIBRARY_KDFS = {
    Hash.SHA256: hpke.KDF.HKDF_SHA256,
    Hash.SHA384: hpke.KDF.HKDF_SHA384,
    Hash.SHA512: hpke.KDF.HKDF_SHA512,
}
_LIBRARY_AEADS = {
    AeadId.AES_128_GCM: hpke.AEAD.AES_128_GCM,
    AeadId.AES_256_GCM: hpke.AEAD.AES_256_GCM,
    AeadId.CHACHA20_POLY1305: hpke.AEAD.CHACHA20_POLY1305,
}
#: Bytes of an ``info`` from which hashing it costs more than what the library saves elsewhere.
LONG_INFO = 1 << 15
#: RFC 9180 §5: mode_base, the first byte of key_schedule_context.
_MODE_BASE = b"\x00"


class HpkeSuite:
    """One KEM, KDF and AEAD (RFC 9180 §7)."""

    def __init__(self, kem: KEM, kdf: Hash, aead: AeadId) -> None:
        self.kem = kem
        self.kdf = kdf
        self.aead = aead
        numbers = (kem.id, kdf.hpke_id, aead.value)
        self._suite_id = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in numbers)
        self._context_start = _MODE_BASE + labeled_extract(kdf, self._suite_id, b"", b"psk_id_hash", b"")
        library_kem = _LIBRARY_KEMS.get(kem.id)
        self._library = (
            None if library_kem is None else hpke.Suite(library_kem, _LIBRARY_KDFS[kdf], _LIBRARY_AEADS[aead])
        )

    def key_pair(self, private: bytes) -> KEMKeyPair:
        """The key pair that stored private bytes stand for.

        Raises:
            UsageError: ``private`` is no private key of the KEM.
        """
        return self.kem.key_pair(private)

    def derive_key_pair(self, ikm: bytes) -> KEMKeyPair:
        """DeriveKeyPair: always the same key pair for the same ``ikm``, in the flavour of this suite's KEM.

        Raises:
            UsageError: ``ikm`` has fewer than 32 bytes.
        """
        return self.kem.derive_key_pair(ikm)

    def generate(self, entropy: Entropy) -> KEMKeyPair:
        """A new key pair from ``entropy``."""
        return self.kem.generate(entropy)

    def seal(self, public: bytes, info: bytes, aad: bytes, plaintext: bytes, entropy: Entropy) -> tuple[bytes, bytes]:
        """SealBase (RFC 9180 §6.1): encrypt to ``public`` and return (kem_output, ciphertext).

        With ``system_entropy`` and no ``aad`` the library draws the ephemeral key itself.

        Raises:
            CryptoError: ``public`` is no public key of the KEM.
        """
        if self._library is None or aad or entropy is not system_entropy:
            kem_output, shared = self.kem.encapsulate(public, entropy)
            key, nonce, _ = self.key_schedule(shared, info)
            return kem_output, seal(self.aead, key, nonce, plaintext, aad)
        try:
            joined = self._library.encrypt(plaintext, self.kem.library_public(public), info)
        except ValueError:
            raise CryptoError from None
        return joined[: self.kem.ciphertext_size], joined[self.kem.ciphertext_size :]

    def sealer(self, info: bytes, entropy: Entropy) -> Callable[[bytes, bytes], tuple[bytes, bytes]]:
        """``seal`` for many receivers under one ``info``: a function of (public, plaintext), without associated data.

        A long ``info`` is hashed once, where the library would hash it for everybody.
        """
        if self._library is not None and len(info) < LONG_INFO:
            return lambda public, plaintext: self.seal(public, info, b"", plaintext, entropy)
        context = self._context(info)

        def seal_to(public: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
            kem_output, shared = self.kem.encapsulate(public, entropy)
            key, nonce = self._key_and_nonce(self._secret(shared), context)
            return kem_output, seal(self.aead, key, nonce, plaintext, b"")

        return seal_to

    def open(self, private: KEMPrivateKey, kem_output: bytes, info: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """OpenBase (RFC 9180 §6.1).

        Raises:
            CryptoError: it was not sealed to this key with this ``info`` and ``aad``, or was changed.
            UsageError: ``private`` is no private key of the KEM.
        """
        if len(kem_output) != self.kem.ciphertext_size:
            raise CryptoError
        secret = self._secret(self.kem.decapsulate(private, kem_output))
        key, nonce = self._key_and_nonce(secret, self._context(info))
        return open_(self.aead, key, nonce, ciphertext, aad)

    def export_sender(
        self, public: bytes, info: bytes, exporter_context: bytes, length: int, entropy: Entropy
    ) -> tuple[bytes, bytes]:
        """SendExportBase (RFC 9180 §6.2): (kem_output, a secret of ``length`` bytes for the holder of the key).

        Raises:
            CryptoError: ``public`` is no public key of the KEM.
            UsageError: ``length`` is out of HKDF's range.
        """
        kem_output, shared = self.kem.encapsulate(public, entropy)
        return kem_output, self._export(shared, info, exporter_context, length)

    def export_receiver(
        self, private: KEMPrivateKey, kem_output: bytes, info: bytes, exporter_context: bytes, length: int
    ) -> bytes:
        """ReceiveExportBase (RFC 9180 §6.2): the secret that the sender of ``kem_output`` exported.

        Nothing authenticates ``kem_output``: a changed one may give another secret instead of an error.

        Raises:
            CryptoError: ``kem_output`` is no encapsulation of the KEM.
            UsageError: ``length`` is out of HKDF's range, or ``private`` is no private key of the KEM.
        """
        return self._export(self.kem.decapsulate(private, kem_output), info, exporter_context, length)

    def key_schedule(self, shared_secret: bytes, info: bytes) -> tuple[bytes, bytes, bytes]:
        """KeySchedule in base mode (RFC 9180 §5.1): (key, base_nonce, exporter_secret)."""
        context, secret = self._context(info), self._secret(shared_secret)
        exporter_secret = labeled_expand(self.kdf, self._suite_id, secret, b"exp", context, self.kdf.size)
        return *self._key_and_nonce(secret, context), exporter_secret

    def _context(self, info: bytes) -> bytes:
        return self._context_start + labeled_extract(self.kdf, self._suite_id, b"", b"info_hash", info)

    def _secret(self, shared_secret: bytes) -> bytes:
        return labeled_extract(self.kdf, self._suite_id, shared_secret, b"secret", b"")

    def _key_and_nonce(self, secret: bytes, context: bytes) -> tuple[bytes, bytes]:
        kdf, suite_id = self.kdf, self._suite_id
        return (
            labeled_expand(kdf, suite_id, secret, b"key", context, self.aead.key_size),
            labeled_expand(kdf, suite_id, secret, b"base_nonce", context, self.aead.nonce_size),
        )

    def _export(self, shared_secret: bytes, info: bytes, exporter_context: bytes, length: int) -> bytes:
        exporter_secret = self.key_schedule(shared_secret, info)[2]
        return labeled_expand(self.kdf, self._suite_id, exporter_secret, b"sec", exporter_context, length)

    def __repr__(self) -> str:
        return f"HpkeSuite({self.kem.name}, HKDF-{self.kdf.name}, {self.aead.name})"


#: MLS cipher suites 1 to 7 (RFC 9420 §17.1).
HPKE_X25519_SHA256_AES128 = HpkeSuite(DHKEM_X25519, Hash.SHA256, AeadId.AES_128_GCM)
HPKE_P256_SHA256_AES128 = HpkeSuite(DHKEM_P256, Hash.SHA256, AeadId.AES_128_GCM)
HPKE_X25519_SHA256_CHACHA20 = HpkeSuite(DHKEM_X25519, Hash.SHA256, AeadId.CHACHA20_POLY1305)
HPKE_X448_SHA512_AES256 = HpkeSuite(DHKEM_X448, Hash.SHA512, AeadId.AES_256_GCM)
HPKE_P521_SHA512_AES256 = HpkeSuite(DHKEM_P521, Hash.SHA512, AeadId.AES_256_GCM)
HPKE_X448_SHA512_CHACHA20 = HpkeSuite(DHKEM_X448, Hash.SHA512, AeadId.CHACHA20_POLY1305)
HPKE_P384_SHA384_AES256 = HpkeSuite(DHKEM_P384, Hash.SHA384, AeadId.AES_256_GCM)
#: What rooms use: draft-ietf-mls-pq-ciphersuites' MLKEM768X25519, AES-256-GCM, SHA-384.
HPKE_XWING_SHA384_AES256 = HpkeSuite(XWING, Hash.SHA384, AeadId.AES_256_GCM)
#: ts-mls's X-Wing suite, with its own DeriveKeyPair; interop only.
HPKE_XWING_SHA512_AES256_TSMLS = HpkeSuite(XWING_TSMLS, Hash.SHA512, AeadId.AES_256_GCM)
#: Pure ML-KEM, from draft-ietf-mls-pq-ciphersuites.
HPKE_MLKEM768_SHA384_AES256 = HpkeSuite(MLKEM768, Hash.SHA384, AeadId.AES_256_GCM)
HPKE_MLKEM1024_SHA384_AES256 = HpkeSuite(MLKEM1024, Hash.SHA384, AeadId.AES_256_GCM)
