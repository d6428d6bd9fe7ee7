"""ML-KEM-768's Encaps with given randomness, by FIPS 203: ``cryptography`` draws its own."""

import hashlib
from itertools import chain

from independent_check.forms import Reader

Q = 3329
#: FIPS 203 appendix A: powers of 17 in bit-reversed order.
ZETAS = [pow(17, int(format(i, "07b")[::-1], 2), Q) for i in range(128)]
Ring = list[int]


def ntt(f: Ring) -> Ring:
    """Algorithm 9."""
    f, zetas, length = list(f), iter(ZETAS[1:]), 128
    while length > 1:
        for start in range(0, 256, 2 * length):
            zeta = next(zetas)
            for j in range(start, start + length):
                turned = zeta * f[j + length]
                f[j], f[j + length] = (f[j] + turned) % Q, (f[j] - turned) % Q
        length >>= 1
    return f


def inverse(f: Ring) -> Ring:
    """Algorithm 10."""
    f, zetas, length = list(f), iter(ZETAS[:0:-1]), 2
    while length < 256:
        for start in range(0, 256, 2 * length):
            zeta = next(zetas)
            for j in range(start, start + length):
                low, high = f[j], f[j + length]
                f[j], f[j + length] = (low + high) % Q, zeta * (high - low) % Q
        length <<= 1
    return [each * pow(128, -1, Q) % Q for each in f]


def product(f: Ring, g: Ring) -> Ring:
    """Algorithms 11 and 12: pairs of coefficients modulo X^2 minus an odd power of 17."""
    h = []
    for i in range(128):
        gamma = ZETAS[i] ** 2 * 17 % Q
        (a, b), (c, d) = f[2 * i : 2 * i + 2], g[2 * i : 2 * i + 2]
        h += [(a * c + b * d * gamma) % Q, (a * d + b * c) % Q]
    return h


def plus(*rings: Ring) -> Ring:
    return [sum(each) % Q for each in zip(*rings, strict=True)]


def bits(data: bytes) -> list[int]:
    return [byte >> i & 1 for byte in data for i in range(8)]


def numbers(data: bytes, width: int) -> Ring:
    """ByteDecode."""
    all_bits = bits(data)
    return [sum(all_bits[at + i] << i for i in range(width)) for at in range(0, len(all_bits), width)]


def compressed(f: Ring, width: int) -> bytes:
    """ByteEncode of Compress, which rounds to the nearest."""
    values = [(2 * each * 2**width + Q) // (2 * Q) % 2**width for each in f]
    number: int = sum(value << width * i for i, value in enumerate(values))
    return number.to_bytes(32 * width, "little")


def uniform(seed: bytes) -> Ring:
    """SampleNTT: three bytes are two candidates."""
    data = hashlib.shake_128(seed).digest(1500)
    threes = (data[at : at + 3] for at in range(0, 1500, 3))
    candidates = chain.from_iterable((a | (b & 15) << 8, b >> 4 | c << 4) for a, b, c in threes)
    return [each for each in candidates if each < Q][:256]


def small(seed: bytes, counter: int) -> Ring:
    """SamplePolyCBD of the PRF's output, with eta 2."""
    all_bits = bits(hashlib.shake_256(seed + bytes([counter])).digest(128))
    return [(sum(all_bits[at : at + 2]) - sum(all_bits[at + 2 : at + 4])) % Q for at in range(0, 1024, 4)]


def encapsulate(m: bytes, key: bytes) -> tuple[bytes, bytes]:
    """The shared secret and the ciphertext (algorithms 14 and 17)."""
    g = hashlib.sha3_512(m + hashlib.sha3_256(key).digest()).digest()
    reader = Reader(key)
    t = [numbers(reader.take(384), 12) for _ in range(3)]
    rho = reader.rest()
    y = [ntt(small(g[32:], i)) for i in range(3)]
    rows = [[uniform(rho + bytes((i, j))) for j in range(3)] for i in range(3)]
    u = [plus(inverse(plus(*map(product, row, y))), small(g[32:], 3 + i)) for i, row in enumerate(rows)]
    message = [bit * 1665 for bit in bits(m)]
    v = plus(inverse(plus(*map(product, t, y))), small(g[32:], 6), message)
    return g[:32], b"".join(compressed(each, 10) for each in u) + compressed(v, 4)
