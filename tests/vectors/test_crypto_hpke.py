"""HPKE and its KEMs against RFC 9180's, hpke-pq's, MLS's and ts-mls's vectors."""

from typing import Any

import pytest

from conftest import Vectors
from entrenous.crypto import (
    DHKEM_P256,
    DHKEM_P384,
    DHKEM_P521,
    DHKEM_X448,
    DHKEM_X25519,
    HPKE_P256_SHA256_AES128,
    HPKE_P384_SHA384_AES256,
    HPKE_P521_SHA512_AES256,
    HPKE_X448_SHA512_AES256,
    HPKE_X448_SHA512_CHACHA20,
    HPKE_X25519_SHA256_AES128,
    HPKE_X25519_SHA256_CHACHA20,
    HPKE_XWING_SHA512_AES256_TSMLS,
    KEM,
    MLKEM768,
    MLKEM1024,
    XWING,
    AeadId,
    Entropy,
    Hash,
    HpkeSuite,
    KEMPrivateKey,
    seal,
    system_entropy,
)
from entrenous.errors import CryptoError

KEMS: dict[int, KEM] = {
    kem.id: kem for kem in (DHKEM_P256, DHKEM_P384, DHKEM_P521, DHKEM_X25519, DHKEM_X448, MLKEM768, MLKEM1024, XWING)
}
HKDFS = {kdf.hpke_id: kdf for kdf in Hash}
AEADS = {aead.value: aead for aead in AeadId}
SUITE_OF_MLS = {
    1: HPKE_X25519_SHA256_AES128,
    2: HPKE_P256_SHA256_AES128,
    3: HPKE_X25519_SHA256_CHACHA20,
    4: HPKE_X448_SHA512_AES256,
    5: HPKE_P521_SHA512_AES256,
    6: HPKE_X448_SHA512_CHACHA20,
    7: HPKE_P384_SHA384_AES256,
}


def fixed(value: bytes) -> Entropy:
    """An Entropy that gives one value."""
    return lambda _: value


def unhex(test: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(test[name]) for name in names]


def check_kem(kem: KEM, test: dict[str, Any]) -> None:
    ikm, private, public, kem_output, shared = unhex(test, "ikmR", "skRm", "pkRm", "enc", "shared_secret")
    pair = kem.derive_key_pair(ikm)
    assert pair.public == public
    if kem is not DHKEM_X448:  # hpke-pq writes X448 private keys clamped; to X448 that is the same key
        assert pair.private == KEMPrivateKey(private)
    assert kem.key_pair(private).public == public
    assert kem.decapsulate(pair.private, kem_output) == shared
    sizes = (len(private), len(public), len(kem_output), len(shared))
    assert (kem.private_size, kem.public_size, kem.ciphertext_size, kem.secret_size) == sizes


def check_suite(suite: HpkeSuite, test: dict[str, Any]) -> None:
    info, private, kem_output, shared = unhex(test, "info", "skRm", "enc", "shared_secret")
    expected = tuple(unhex(test, "key", "base_nonce", "exporter_secret"))
    assert suite.key_schedule(shared, info) == expected
    key = suite.key_pair(private).private
    for number, encryption in enumerate(test["encryptions"]):
        aad, nonce, plaintext, ciphertext = unhex(encryption, "aad", "nonce", "pt", "ct")
        assert seal(suite.aead, expected[0], nonce, plaintext, aad) == ciphertext
        if number == 0:
            assert suite.open(key, kem_output, info, aad, ciphertext) == plaintext
            without_aad = seal(suite.aead, expected[0], nonce, plaintext, b"")
            assert suite.open(key, kem_output, info, b"", without_aad) == plaintext
    for export in test["exports"]:
        (context, value) = unhex(export, "exporter_context", "exported_value")
        assert suite.export_receiver(key, kem_output, info, context, export["L"]) == value


def test_base_mode_agrees_with_rfc_9180(vectors: Vectors) -> None:
    ran = []
    for test in vectors.load("hpke/rfc9180-base-mode-subset.json"):
        kem = KEMS[test["kem_id"]]
        check_kem(kem, test)
        ikm, public, kem_output, shared = unhex(test, "ikmE", "pkRm", "enc", "shared_secret")
        assert kem.encapsulate(public, fixed(ikm)) == (kem_output, shared)
        if test["aead_id"] not in AEADS:
            continue  # export-only suites: MLS has none
        suite = HpkeSuite(kem, HKDFS[test["kdf_id"]], AEADS[test["aead_id"]])
        check_suite(suite, test)
        aad, plaintext, ciphertext = unhex(test["encryptions"][0], "aad", "pt", "ct")
        info = bytes.fromhex(test["info"])
        assert suite.seal(public, info, aad, plaintext, fixed(ikm)) == (kem_output, ciphertext)
        context, value = unhex(test["exports"][2], "exporter_context", "exported_value")
        exported = suite.export_sender(public, info, context, 32, fixed(ikm))
        assert exported == (kem_output, value)
        ran.append((test["kem_id"], test["kdf_id"], test["aead_id"]))
    assert ran == [(0x20, 1, 1), (0x20, 1, 2), (0x20, 1, 3), (0x20, 3, 2), (0x10, 1, 1)]


def test_post_quantum_kems_and_suites_agree_with_hpke_pq(vectors: Vectors) -> None:
    kems, suites = [], []
    for test in vectors.load("hpke/hpke-pq-test-vectors.json"):
        kem = KEMS.get(test["kem_id"])
        if kem is None:
            continue  # ML-KEM-512 and the hybrids with NIST curves: no suite of ours has them
        check_kem(kem, test)
        kems.append(test["kem_id"])
        if test["kdf_id"] in HKDFS:  # the others are single-stage KDFs, which MLS cannot use
            check_suite(HpkeSuite(kem, HKDFS[test["kdf_id"]], AEADS[test["aead_id"]]), test)
            suites.append(test["kem_id"])
    assert kems == [0x41, 0x42, 0x647A, 0x10, 0x11, 0x20, 0x21, 0x647A, 0x42]
    assert suites == [0x41, 0x42, 0x647A]


def test_dhkem_encapsulations_agree_with_hpke_pq(vectors: Vectors) -> None:
    ran = []
    for test in vectors.load("hpke/hpke-pq-test-vectors.json"):
        if test["kem_id"] not in (0x10, 0x11, 0x20, 0x21):
            continue
        ikm, public, kem_output, shared = unhex(test, "ikmE", "pkRm", "enc", "shared_secret")
        assert KEMS[test["kem_id"]].encapsulate(public, fixed(ikm)) == (kem_output, shared)
        ran.append(test["kem_id"])
    assert ran == [0x10, 0x11, 0x20, 0x21]


def mls_context(label: str, context: bytes) -> bytes:
    """EncryptContext of RFC 9420 §5.1.3, for values under 16 KiB."""

    def vector(value: bytes) -> bytes:
        if len(value) < 64:
            return bytes((len(value),)) + value
        return (0x4000 | len(value)).to_bytes(2, "big") + value

    return vector(b"MLS 1.0 " + label.encode()) + vector(context)


def test_every_suite_of_rfc_9420_opens_what_mls_vectors_sealed(vectors: Vectors) -> None:
    ran = []
    for entry in vectors.load("mls/crypto-basics.json"):
        suite, test = SUITE_OF_MLS[entry["cipher_suite"]], entry["encrypt_with_label"]
        private, public, kem_output, context = unhex(test, "priv", "pub", "kem_output", "context")
        ciphertext, plaintext = unhex(test, "ciphertext", "plaintext")
        info = mls_context(test["label"], context)
        pair = suite.key_pair(private)
        assert pair.public == public
        assert suite.open(pair.private, kem_output, info, b"", ciphertext) == plaintext
        again = suite.seal(public, info, b"", plaintext, system_entropy)
        assert suite.open(pair.private, again[0], info, b"", again[1]) == plaintext
        with pytest.raises(CryptoError):
            suite.open(pair.private, kem_output, info + b"\0", b"", ciphertext)
        ran.append(entry["cipher_suite"])
    assert ran == [1, 2, 3, 4, 5, 6, 7]


#: What ts-mls derived the receiver's key pair from in the two interop files.
TS_MLS_IKM = b"\x07" * 64


def test_ts_mls_key_derivation_and_seal_are_ours(vectors: Vectors) -> None:
    test = vectors.load("interop/ts-mls-xwing-hpke-seal.json")
    public, kem_output, ciphertext = unhex(test, "pub", "enc", "ct")
    suite = HPKE_XWING_SHA512_AES256_TSMLS
    pair = suite.derive_key_pair(TS_MLS_IKM)
    assert pair.public == public
    assert XWING.derive_key_pair(TS_MLS_IKM).public != public
    assert suite.open(pair.private, kem_output, b"info", b"", ciphertext) == b"pt"


def test_ts_mls_external_init_secret_is_ours(vectors: Vectors) -> None:
    kem_output, secret = unhex(vectors.load("interop/ts-mls-xwing-hpke-export.json"), "enc", "secret")
    suite = HPKE_XWING_SHA512_AES256_TSMLS
    pair = suite.derive_key_pair(TS_MLS_IKM)
    exported = suite.export_receiver(pair.private, kem_output, b"", b"MLS 1.0 external init secret", 64)
    assert exported == secret
