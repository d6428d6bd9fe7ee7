"""HMAC, HKDF and AEAD against Wycheproof."""

import hmac

import pytest

from conftest import Vectors
from entrenous.crypto import AeadId, AeadKey, Hash, hkdf, hkdf_expand, hkdf_extract, open_, seal
from entrenous.errors import CryptoError, UsageError

AES_BY_KEY_BITS = {128: AeadId.AES_128_GCM, 256: AeadId.AES_256_GCM}


def test_aes_gcm_with_96_bit_nonces_seals_and_opens_what_wycheproof_does(vectors: Vectors) -> None:
    opened = refused = 0
    for group in vectors.load("wycheproof/aes_gcm_test.json")["testGroups"]:
        aead = AES_BY_KEY_BITS.get(group["keySize"])
        if aead is None or group["ivSize"] != 96:
            continue
        for test in group["tests"]:
            key, nonce, aad, plaintext = (bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg"))
            ciphertext = bytes.fromhex(test["ct"] + test["tag"])
            if test["result"] == "valid":
                assert seal(aead, key, nonce, plaintext, aad) == ciphertext, test["tcId"]
                assert open_(aead, key, nonce, ciphertext, aad) == plaintext, test["tcId"]
                opened += 1
            else:
                with pytest.raises(CryptoError):
                    AeadKey(aead, key).open(nonce, ciphertext, aad)
                refused += 1
    assert (opened, refused) == (79, 54)


def test_a_nonce_of_another_length_is_our_bug(vectors: Vectors) -> None:
    count = 0
    for group in vectors.load("wycheproof/aes_gcm_test.json")["testGroups"]:
        aead = AES_BY_KEY_BITS.get(group["keySize"])
        if aead is None or group["ivSize"] == 96:
            continue
        for test in group["tests"]:
            with pytest.raises(UsageError):
                open_(aead, bytes.fromhex(test["key"]), bytes.fromhex(test["iv"]), bytes.fromhex(test["ct"]), b"")
            count += 1
    assert count == 80


@pytest.mark.parametrize(
    ("file", "hash_function", "valid", "invalid"),
    [("hkdf_sha256", Hash.SHA256, 83, 3), ("hkdf_sha512", Hash.SHA512, 80, 3)],
)
def test_hkdf_agrees_with_wycheproof_and_rfc_5869(
    vectors: Vectors, file: str, hash_function: Hash, valid: int, invalid: int
) -> None:
    derived = refused = 0
    for group in vectors.load(f"wycheproof/{file}_test.json")["testGroups"]:
        for test in group["tests"]:
            ikm, salt, info = (bytes.fromhex(test[name]) for name in ("ikm", "salt", "info"))
            if test["result"] == "valid":
                okm = bytes.fromhex(test["okm"])
                assert hkdf(hash_function, salt, ikm, info, test["size"]) == okm, test["tcId"]
                assert hkdf_expand(hash_function, hkdf_extract(hash_function, salt, ikm), info, test["size"]) == okm
                derived += 1
            else:
                with pytest.raises(UsageError):
                    hkdf(hash_function, salt, ikm, info, test["size"])
                refused += 1
    assert (derived, refused) == (valid, invalid)


def test_hmac_sha256_agrees_with_wycheproof(vectors: Vectors) -> None:
    equal = different = 0
    for group in vectors.load("wycheproof/hmac_sha256_test.json")["testGroups"]:
        for test in group["tests"]:
            message, tag = bytes.fromhex(test["msg"]), bytes.fromhex(test["tag"])
            ours = Hash.SHA256.hmac(bytes.fromhex(test["key"]), message[:7], message[7:])[: group["tagSize"] // 8]
            assert hmac.compare_digest(ours, tag) is (test["result"] == "valid"), test["tcId"]
            equal += ours == tag
            different += ours != tag
    assert (equal, different) == (66, 108)
