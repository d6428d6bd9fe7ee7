"""ML-KEM-768 against Wycheproof, and X-Wing against its draft, encapsulations included.

The library's Encaps takes no randomness, so the vectors that fix it run through a small ML-KEM.Encaps in Python
below (FIPS 203, algorithms 14, 17 and 20), which Wycheproof's encapsulation vectors hold to the standard first.
"""

import hashlib

import pytest

from conftest import Vectors
from entrenous.crypto import KEM, MLKEM768, XWING, Entropy, KEMPrivateKey
from entrenous.crypto.xwing import XWing, derive_seed_hpke_pq
from entrenous.errors import CryptoError, UsageError

Q, N, K, ETA, DU, DV = 3329, 256, 3, 2, 10, 4
Polynomial = list[int]


def fixed(*values: bytes) -> Entropy:
    """An Entropy that gives these values in turn."""
    remaining = iter(values)
    return lambda _: next(remaining)


def reversed_bits(value: int) -> int:
    return int(f"{value:07b}"[::-1], 2)


ZETAS = [pow(17, reversed_bits(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * reversed_bits(i) + 1, Q) for i in range(128)]


def ntt(f: Polynomial) -> Polynomial:
    f, i, length = f[:], 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = ZETAS[i] * f[j + length] % Q
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
            i += 1
        length //= 2
    return f


def inverse_ntt(f: Polynomial) -> Polynomial:
    f, i, length = f[:], 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, ZETAS[i] * (f[j + length] - t) % Q
            i -= 1
        length *= 2
    return [value * 3303 % Q for value in f]


def multiply(f: Polynomial, g: Polynomial) -> Polynomial:
    h = [0] * N
    for i, gamma in enumerate(GAMMAS):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h[2 * i], h[2 * i + 1] = (a * c + b * d * gamma) % Q, (a * d + b * c) % Q
    return h


def total(*polynomials: Polynomial) -> Polynomial:
    return [sum(column) % Q for column in zip(*polynomials, strict=True)]


def decode(data: bytes, bits: int) -> Polynomial:
    value = int.from_bytes(data, "little")
    return [value >> bits * i & (1 << bits) - 1 for i in range(N)]


def compress(f: Polynomial, bits: int) -> bytes:
    values = [((v << bits) + Q // 2) // Q & (1 << bits) - 1 for v in f]
    return sum(v << bits * i for i, v in enumerate(values)).to_bytes(32 * bits, "little")


def sample_ntt(seed: bytes) -> Polynomial:
    stream, f = hashlib.shake_128(seed).digest(3 * 512), []
    for a, b, c in zip(stream[::3], stream[1::3], stream[2::3], strict=True):
        f += [d for d in (a + 256 * (b % 16), b // 16 + 16 * c) if d < Q]
    return f[:N]


def sample_cbd(seed: bytes) -> Polynomial:
    bits = int.from_bytes(hashlib.shake_256(seed).digest(64 * ETA), "little")
    digits = [bits >> i & 1 for i in range(2 * ETA * N)]
    return [(digits[4 * i] + digits[4 * i + 1] - digits[4 * i + 2] - digits[4 * i + 3]) % Q for i in range(N)]


def encaps(m: bytes, ek: bytes) -> tuple[bytes, bytes]:
    """ML-KEM.Encaps_internal for ML-KEM-768: (shared secret, ciphertext)."""
    g = hashlib.sha3_512(m + hashlib.sha3_256(ek).digest()).digest()
    secret, randomness = g[:32], g[32:]
    t_hat = [decode(ek[384 * i : 384 * (i + 1)], 12) for i in range(K)]
    rho = ek[384 * K :]
    noise = [sample_cbd(randomness + bytes((counter,))) for counter in range(2 * K + 1)]
    y_hat = [ntt(f) for f in noise[:K]]
    u = []
    for i in range(K):
        column = [multiply(sample_ntt(rho + bytes((i, j))), y_hat[j]) for j in range(K)]
        u.append(total(inverse_ntt(total(*column)), noise[K + i]))
    mu = [(Q + 1) // 2 * bit for bit in decode(m, 1)]
    product = inverse_ntt(total(*(multiply(t_hat[i], y_hat[i]) for i in range(K))))
    v = total(product, noise[2 * K], mu)
    return secret, b"".join(compress(f, DU) for f in u) + compress(v, DV)


def seeded_encapsulator(entropy: Entropy, public: bytes) -> tuple[bytes, bytes]:
    return encaps(entropy(32), public)


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
