"""ML-KEM-768 against Wycheproof, and X-Wing against its draft, encapsulations included.

The library's Encaps takes no randomness, so the vectors that fix it run through the small ML-KEM.Encaps in Python of
``entrenous.testing.vectors``, which Wycheproof's encapsulation vectors hold to the standard first.
"""

import pytest

from conftest import Vectors
from entrenous.crypto import KEM, MLKEM768, XWING, Entropy, KEMPrivateKey
from entrenous.crypto.xwing import XWing, derive_seed_hpke_pq
from entrenous.errors import CryptoError, UsageError
from entrenous.testing.vectors.encapsulation import seeded_encapsulator


def fixed(*values: bytes) -> Entropy:
    """An Entropy that gives these values in turn."""
    remaining = iter(values)
    return lambda _: next(remaining)


def test_encaps_agrees_with_wycheproof_and_keys_outside_the_field_are_refused(vectors: Vectors) -> None:
    kem = MLKEM768.with_encapsulator(seeded_encapsulator)
    accepted = refused = 0
    for group in vectors.load("wycheproof/mlkem_768_encaps_test.json")["testGroups"]:
        for test in group["tests"]:
            public, m = bytes.fromhex(test["ek"]), bytes.fromhex(test["m"])
            if test["result"] == "valid":
                ciphertext, shared = kem.encapsulate(public, fixed(m))
                assert (ciphertext.hex(), shared.hex()) == (test["c"], test["K"]), test["tcId"]
                assert len(MLKEM768.encapsulate(public, lambda _: b"")[0]) == MLKEM768.ciphertext_size
                accepted += 1
            else:
                with pytest.raises(CryptoError):
                    MLKEM768.encapsulate(public, lambda _: b"")
                refused += 1
    assert (accepted, refused) == (133, 132)


def test_key_generation_from_a_seed_agrees_with_wycheproof(vectors: Vectors) -> None:
    count = 0
    for group in vectors.load("wycheproof/mlkem_768_keygen_seed_test.json")["testGroups"]:
        for test in group["tests"]:
            seed = bytes.fromhex(test["seed"])
            assert MLKEM768.key_pair(seed).public.hex() == test["ek"], test["tcId"]
            assert MLKEM768.generate(fixed(seed)).public.hex() == test["ek"]
            count += 1
    assert count == 100


def test_decapsulation_agrees_with_wycheproof(vectors: Vectors) -> None:
    agreed = bad_seed = bad_ciphertext = 0
    for group in vectors.load("wycheproof/mlkem_768_test.json")["testGroups"]:
        for test in group["tests"]:
            private, ciphertext = KEMPrivateKey(bytes.fromhex(test["seed"])), bytes.fromhex(test["c"])
            if test["result"] == "valid":
                assert MLKEM768.decapsulate(private, ciphertext).hex() == test["K"], test["tcId"]
                agreed += 1
            elif len(private) != MLKEM768.private_size:
                with pytest.raises(UsageError):
                    MLKEM768.decapsulate(private, ciphertext)
                bad_seed += 1
            else:
                with pytest.raises(CryptoError):
                    MLKEM768.decapsulate(private, ciphertext)
                bad_ciphertext += 1
    assert (agreed, bad_seed + bad_ciphertext) == (153, 40)
    assert bad_seed
    assert bad_ciphertext


def test_xwing_agrees_with_its_draft(vectors: Vectors) -> None:
    tests = vectors.load("hpke/xwing-test-vectors.json")
    xwing = XWing(derive_seed_hpke_pq, MLKEM768.with_encapsulator(seeded_encapsulator))
    for test in tests:
        seed, eseed = bytes.fromhex(test["seed"]), bytes.fromhex(test["eseed"])
        pair = xwing.key_pair(seed)
        assert (pair.public.hex(), pair.private.reveal().hex()) == (test["pk"], test["sk"])
        draws = (eseed[:32], eseed[32:])
        ciphertext, shared = xwing.encapsulate(pair.public, fixed(*draws))
        assert (ciphertext.hex(), shared.hex()) == (test["ct"], test["ss"])
        assert xwing.decapsulate(pair.private, ciphertext) == shared
        assert XWING.decapsulate(XWING.key_pair(seed).private, ciphertext) == shared
    assert len(tests) == 3


def test_post_quantum_encapsulations_agree_with_hpke_pq(vectors: Vectors) -> None:
    mlkem = MLKEM768.with_encapsulator(seeded_encapsulator)
    kems: dict[int, KEM] = {mlkem.id: mlkem, XWING.id: XWing(derive_seed_hpke_pq, mlkem)}
    ran = []
    for test in vectors.load("hpke/hpke-pq-test-vectors.json"):
        kem = kems.get(test["kem_id"])
        if kem is None:
            continue
        randomness = bytes.fromhex(test["ikmE"])
        draws = (randomness[:32], randomness[32:])
        ciphertext, shared = kem.encapsulate(bytes.fromhex(test["pkRm"]), fixed(*draws))
        assert (ciphertext.hex(), shared.hex()) == (test["enc"], test["shared_secret"])
        ran.append(test["kem_id"])
    assert ran == [0x41, 0x647A, 0x647A]
