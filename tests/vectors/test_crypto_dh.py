"""X25519 and P-256 exchanges against Wycheproof."""

from typing import Any

import pytest

from conftest import Vectors
from entrenous.crypto import DHKEM_P256, X25519, DHPrivateKey, KEMPrivateKey
from entrenous.errors import CryptoError


def test_x25519_agrees_with_wycheproof_and_refuses_every_all_zero_secret(vectors: Vectors) -> None:
    agreed = refused = 0
    for group in vectors.load("wycheproof/x25519_test.json")["testGroups"]:
        for test in group["tests"]:
            private, public, shared = (bytes.fromhex(test[name]) for name in ("private", "public", "shared"))
            if shared == bytes(32):
                with pytest.raises(CryptoError):
                    X25519.exchange(DHPrivateKey(private), public)
                refused += 1
            else:
                assert X25519.exchange(DHPrivateKey(private), public) == shared, test["tcId"]
                agreed += 1
    assert (agreed, refused) == (487, 31)


def test_p256_agrees_with_wycheproof_and_refuses_bad_and_compressed_points(vectors: Vectors) -> None:
    kem: Any = DHKEM_P256
    agreed = refused = 0
    for group in vectors.load("wycheproof/ecdh_secp256r1_ecpoint_test.json")["testGroups"]:
        for test in group["tests"]:
            scalar = int(test["private"], 16).to_bytes(32, "big")
            public = bytes.fromhex(test["public"])
            if test["result"] == "valid":
                private = kem.library_private(KEMPrivateKey(scalar))
                assert kem._exchange(private, kem.library_public(public)).hex() == test["shared"], test["tcId"]
                agreed += 1
            else:
                with pytest.raises(CryptoError):
                    kem.library_public(public)
                with pytest.raises(CryptoError):
                    kem.decapsulate(KEMPrivateKey(scalar), public)
                refused += 1
    assert (agreed, refused) == (330, 25)
