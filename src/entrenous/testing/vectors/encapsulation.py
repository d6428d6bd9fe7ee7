"""ML-KEM-768's Encaps with randomness that a vector names (FIPS 203, algorithms 14, 17 and 20).

The library's Encaps draws its own and takes none. In plain Python and in no constant time: for vectors alone, whose
secrets anybody may know. Wycheproof's vectors hold it to the standard (tests/vectors/test_crypto_mlkem.py).
"""

import hashlib

from entrenous.crypto import Entropy, draw

#: The field's prime, coefficients of a polynomial, polynomials of a vector; the noise's width; bits kept of u and v.
Q, N, K, ETA, DU, DV = 3329, 256, 3, 2, 10, 4
#: Bytes of the randomness ``m``.
RANDOMNESS_SIZE = 32

Polynomial = list[int]


def _reversed_bits(value: int) -> int:
    return int(f"{value:07b}"[::-1], 2)


_ZETAS = [pow(17, _reversed_bits(i), Q) for i in range(128)]
_GAMMAS = [pow(17, 2 * _reversed_bits(i) + 1, Q) for i in range(128)]


def encapsulate(randomness: bytes, public: bytes) -> tuple[bytes, bytes]:
    """ML-KEM.Encaps_internal: the shared secret, 32 bytes, and the ciphertext, 1088 bytes.

    Args:
        randomness: ``m``, 32 bytes.
        public: an encapsulation key that was checked.
    """
    g = hashlib.sha3_512(randomness + hashlib.sha3_256(public).digest()).digest()
    secret, coins = g[:32], g[32:]
    t_hat = [_decode(public[384 * i : 384 * (i + 1)], 12) for i in range(K)]
    rho = public[384 * K :]
    noise = [_sample_cbd(coins + bytes((counter,))) for counter in range(2 * K + 1)]
    y_hat = [_ntt(f) for f in noise[:K]]
    u = []
    for i in range(K):
        column = [_multiply(_sample_ntt(rho + bytes((i, j))), y_hat[j]) for j in range(K)]
        u.append(_total(_inverse_ntt(_total(*column)), noise[K + i]))
    mu = [(Q + 1) // 2 * bit for bit in _decode(randomness, 1)]
    product = _inverse_ntt(_total(*(_multiply(t_hat[i], y_hat[i]) for i in range(K))))
    v = _total(product, noise[2 * K], mu)
    return secret, b"".join(_compress(f, DU) for f in u) + _compress(v, DV)


def seeded_encapsulator(entropy: Entropy, public: bytes) -> tuple[bytes, bytes]:
    """An ``Encapsulator`` for ``MLKEM.with_encapsulator`` that ``entropy`` decides."""
    return encapsulate(draw(entropy, RANDOMNESS_SIZE), public)


def _ntt(f: Polynomial) -> Polynomial:
    f, i, length = f[:], 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = _ZETAS[i] * f[j + length] % Q
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
            i += 1
        length //= 2
    return f


def _inverse_ntt(f: Polynomial) -> Polynomial:
    f, i, length = f[:], 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, _ZETAS[i] * (f[j + length] - t) % Q
            i -= 1
        length *= 2
    return [value * 3303 % Q for value in f]


def _multiply(f: Polynomial, g: Polynomial) -> Polynomial:
    h = [0] * N
    for i, gamma in enumerate(_GAMMAS):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h[2 * i], h[2 * i + 1] = (a * c + b * d * gamma) % Q, (a * d + b * c) % Q
    return h


def _total(*polynomials: Polynomial) -> Polynomial:
    return [sum(column) % Q for column in zip(*polynomials, strict=True)]


def _decode(data: bytes, bits: int) -> Polynomial:
    value = int.from_bytes(data, "little")
    return [value >> bits * i & (1 << bits) - 1 for i in range(N)]


def _compress(f: Polynomial, bits: int) -> bytes:
    values = [((v << bits) + Q // 2) // Q & (1 << bits) - 1 for v in f]
    return sum(v << bits * i for i, v in enumerate(values)).to_bytes(32 * bits, "little")


def _sample_ntt(seed: bytes) -> Polynomial:
    stream, f = hashlib.shake_128(seed).digest(3 * 512), []
    for a, b, c in zip(stream[::3], stream[1::3], stream[2::3], strict=True):
        f += [d for d in (a + 256 * (b % 16), b // 16 + 16 * c) if d < Q]
    return f[:N]


def _sample_cbd(seed: bytes) -> Polynomial:
    bits = int.from_bytes(hashlib.shake_256(seed).digest(64 * ETA), "little")
    digits = [bits >> i & 1 for i in range(2 * ETA * N)]
    return [(digits[4 * i] + digits[4 * i + 1] - digits[4 * i + 2] - digits[4 * i + 3]) % Q for i in range(N)]
