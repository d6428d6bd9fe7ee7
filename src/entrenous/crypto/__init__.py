"""The primitives: hashes, AEAD, Diffie-Hellman, signatures, KEMs, HPKE, ristretto255, Argon2id.

The only importer of ``cryptography`` and PyNaCl. Synchronous, bytes in and bytes out, no I/O, no clock; randomness
comes as an ``Entropy``. Every failure is a ``CryptoError`` (a peer's bytes) or a ``UsageError`` (ours).
"""

from entrenous.crypto import ristretto
from entrenous.crypto.aead import NONCE_SIZE, TAG_SIZE, AeadId, AeadKey, open_, seal
from entrenous.crypto.dh import DH, X25519, DHKeyPair, DHPrivateKey
from entrenous.crypto.dhkem import DHKEM_P256, DHKEM_P384, DHKEM_P521, DHKEM_X448, DHKEM_X25519
from entrenous.crypto.entropy import Entropy, draw, system_entropy
from entrenous.crypto.ffdhe import FFDHE2048
from entrenous.crypto.hashes import Hash, constant_time_equal, sha3_256, shake256
from entrenous.crypto.hpke import (
    HPKE_MLKEM768_SHA384_AES256,
    HPKE_MLKEM1024_SHA384_AES256,
    HPKE_P256_SHA256_AES128,
    HPKE_P384_SHA384_AES256,
    HPKE_P521_SHA512_AES256,
    HPKE_X448_SHA512_AES256,
    HPKE_X448_SHA512_CHACHA20,
    HPKE_X25519_SHA256_AES128,
    HPKE_X25519_SHA256_CHACHA20,
    HPKE_XWING_SHA384_AES256,
    HPKE_XWING_SHA512_AES256_TSMLS,
    HpkeSuite,
)
from entrenous.crypto.kdf import hkdf, hkdf_expand, hkdf_extract
from entrenous.crypto.kem import KEM, KEMKeyPair, KEMPrivateKey
from entrenous.crypto.ksf import CEILING, FLOOR, Argon2Parameters, argon2id, check
from entrenous.crypto.mlkem import MLKEM768, MLKEM1024
from entrenous.crypto.secret import PrivateKey, Secret
from entrenous.crypto.signature import (
    SignatureScheme,
    Signer,
    SigningKey,
    SigningSeed,
    load_signer,
    verify,
    verify_signature,
)
from entrenous.crypto.xwing import XWING, XWING_TSMLS

__all__ = [
    "CEILING",
    "DH",
    "DHKEM_P256",
    "DHKEM_P384",
    "DHKEM_P521",
    "DHKEM_X448",
    "DHKEM_X25519",
    "FFDHE2048",
    "FLOOR",
    "HPKE_MLKEM768_SHA384_AES256",
    "HPKE_MLKEM1024_SHA384_AES256",
    "HPKE_P256_SHA256_AES128",
    "HPKE_P384_SHA384_AES256",
    "HPKE_P521_SHA512_AES256",
    "HPKE_X448_SHA512_AES256",
    "HPKE_X448_SHA512_CHACHA20",
    "HPKE_X25519_SHA256_AES128",
    "HPKE_X25519_SHA256_CHACHA20",
    "HPKE_XWING_SHA384_AES256",
    "HPKE_XWING_SHA512_AES256_TSMLS",
    "KEM",
    "MLKEM768",
    "MLKEM1024",
    "NONCE_SIZE",
    "TAG_SIZE",
    "X25519",
    "XWING",
    "XWING_TSMLS",
    "AeadId",
    "AeadKey",
    "Argon2Parameters",
    "DHKeyPair",
    "DHPrivateKey",
    "Entropy",
    "Hash",
    "HpkeSuite",
    "KEMKeyPair",
    "KEMPrivateKey",
    "PrivateKey",
    "Secret",
    "SignatureScheme",
    "Signer",
    "SigningKey",
    "SigningSeed",
    "argon2id",
    "check",
    "constant_time_equal",
    "draw",
    "hkdf",
    "hkdf_expand",
    "hkdf_extract",
    "load_signer",
    "open_",
    "ristretto",
    "seal",
    "sha3_256",
    "shake256",
    "system_entropy",
    "verify",
    "verify_signature",
]
