"""Signatures against Wycheproof, and every MLS scheme against MLS's own vectors."""

import pytest

from conftest import Vectors
from entrenous.crypto import SignatureScheme, load_signer, verify, verify_signature
from entrenous.errors import CryptoError

#: RFC 9420 §17.1.
SCHEME_OF_SUITE = {
    1: SignatureScheme.ED25519,
    2: SignatureScheme.ECDSA_P256,
    3: SignatureScheme.ED25519,
    4: SignatureScheme.ED448,
    5: SignatureScheme.ECDSA_P521,
    6: SignatureScheme.ED448,
    7: SignatureScheme.ECDSA_P384,
}


def test_ed25519_agrees_with_wycheproof(vectors: Vectors) -> None:
    accepted = refused = 0
    for group in vectors.load("wycheproof/ed25519_test.json")["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            if test["result"] == "valid":
                verify(public, message, signature)
                accepted += 1
            else:
                with pytest.raises(CryptoError):
                    verify(public, message, signature)
                refused += 1
    assert (accepted, refused) == (88, 63)


def mls_signed(label: str, content: bytes) -> bytes:
    """SignContent of RFC 9420 §5.1.2, for vectors under 16 KiB."""

    def vector(value: bytes) -> bytes:
        if len(value) < 64:
            return bytes((len(value),)) + value
        return (0x4000 | len(value)).to_bytes(2, "big") + value

    return vector(b"MLS 1.0 " + label.encode()) + vector(content)


def test_every_mls_signature_scheme_verifies_mls_vectors_and_signs_its_own(vectors: Vectors) -> None:
    suites = vectors.load("mls/crypto-basics.json")
    for suite in suites:
        scheme, test = SCHEME_OF_SUITE[suite["cipher_suite"]], suite["sign_with_label"]
        public = bytes.fromhex(test["pub"])
        message = mls_signed(test["label"], bytes.fromhex(test["content"]))
        verify_signature(scheme, public, message, bytes.fromhex(test["signature"]))
        signer = load_signer(scheme, bytes.fromhex(test["priv"]))
        assert signer.public == public
        assert signer.scheme is scheme
        verify_signature(scheme, public, message, signer.sign(message))
        assert signer.sign(message) == signer.sign(message)
        for wrong in (message + b"\0", message[:-1], b""):
            with pytest.raises(CryptoError):
                verify_signature(scheme, public, wrong, bytes.fromhex(test["signature"]))
    assert [suite["cipher_suite"] for suite in suites] == [1, 2, 3, 4, 5, 6, 7]
