"""The curve edwards25519 in Python, and ristretto255's encodings over it (RFC 9496 §4).

Only the ``pynacl`` back end of ``ristretto`` uses this. It is not constant-time: where a secret scalar is multiplied,
libsodium does it; what runs here are encodings of points that a peer sees, or may see. For a server, prefer the
``libsodium`` back end.
"""

from dataclasses import dataclass

from entrenous.errors import CryptoError

#: The field's prime, 2^255 - 19.
P = 2**255 - 19
#: The order of ristretto255, a prime (RFC 9496 §4.4).
ORDER = 2**252 + 27742317777372353535851937790883648493

#: RFC 9496 §4.1: the curve's d, and constants of the encodings.
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def _is_negative(value: int) -> bool:
    return value % P & 1 == 1


def _absolute(value: int) -> int:
    value %= P
    return P - value if value & 1 else value


def sqrt_ratio_m1(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1 (RFC 9496 §4.2): whether u/v is square, and the non-negative root of u/v or of SQRT_M1 * u/v."""
    v3 = v * v * v % P
    r = u * v3 * pow(u * v3 * v3 * v, (P - 5) // 8, P) % P
    check = v * r * r % P
    u %= P
    if check in ((P - u) % P, (P - u) * SQRT_M1 % P):
        r = r * SQRT_M1 % P
    return check in (u, (P - u) % P), _absolute(r)


SQRT_AD_MINUS_ONE = P - sqrt_ratio_m1(-D - 1, 1)[1]
INVSQRT_A_MINUS_D = sqrt_ratio_m1(1, -1 - D)[1]
ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P


@dataclass(frozen=True, slots=True)
class Point:
    """A point in extended coordinates: x = X/Z, y = Y/Z, x * y = T/Z."""

    x: int
    y: int
    z: int
    t: int

    def __add__(self, other: "Point") -> "Point":
        """The complete addition law (RFC 8032 §5.1.4)."""
        a = (self.y - self.x) * (other.y - other.x) % P
        b = (self.y + self.x) * (other.y + other.x) % P
        c = 2 * D * self.t * other.t % P
        d = 2 * self.z * other.z % P
        e, f, g, h = b - a, d - c, d + c, b + a
        return Point(e * f % P, g * h % P, f * g % P, e * h % P)


def compress(point: Point) -> bytes:
    """The Ed25519 encoding (RFC 8032 §5.1.2)."""
    inverse = pow(point.z, -1, P)
    x, y = point.x * inverse % P, point.y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decompress(encoded: bytes) -> Point:
    """The point behind an Ed25519 encoding that libsodium gave us (RFC 8032 §5.1.3)."""
    value = int.from_bytes(encoded, "little")
    y = value & (1 << 255) - 1
    _, x = sqrt_ratio_m1(y * y - 1, D * y * y + 1)
    if x & 1 != value >> 255:
        x = (P - x) % P
    return Point(x, y, 1, x * y % P)


def decode(element: bytes) -> Point:
    """Decode (RFC 9496 §4.3.1), the identity included.

    Raises:
        CryptoError: ``element`` is not the one encoding of an element.
    """
    s = int.from_bytes(element, "little")
    if len(element) != 32 or s >= P or s & 1:
        raise CryptoError
    ss = s * s % P
    u1, u2 = 1 - ss, 1 + ss
    u2_squared = u2 * u2 % P
    v = (-D * u1 * u1 - u2_squared) % P
    was_square, inverse_root = sqrt_ratio_m1(1, v * u2_squared)
    denominator_x = inverse_root * u2 % P
    x = _absolute(2 * s * denominator_x)
    y = u1 * inverse_root * denominator_x * v % P
    t = x * y % P
    if not was_square or t & 1 or y == 0:
        raise CryptoError
    return Point(x, y, 1, t)


def encode(point: Point) -> bytes:
    """Encode (RFC 9496 §4.3.2): the same 32 bytes for every point of a coset."""
    u1 = (point.z + point.y) * (point.z - point.y) % P
    u2 = point.x * point.y % P
    _, inverse_root = sqrt_ratio_m1(1, u1 * u2 * u2)
    den1, den2 = inverse_root * u1 % P, inverse_root * u2 % P
    z_inverse = den1 * den2 * point.t % P
    if _is_negative(point.t * z_inverse):
        x, y, denominator = point.y * SQRT_M1 % P, point.x * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        x, y, denominator = point.x, point.y, den2
    if _is_negative(x * z_inverse):
        y = -y
    return _absolute(denominator * (point.z - y)).to_bytes(32, "little")


def from_uniform(uniform: bytes) -> Point:
    """Element derivation (RFC 9496 §4.3.4) from 64 uniform bytes."""
    mask = (1 << 255) - 1
    first, second = (int.from_bytes(half, "little") & mask for half in (uniform[:32], uniform[32:]))
    return _map(first) + _map(second)


def _map(t: int) -> Point:
    r = SQRT_M1 * t * t % P
    u = (r + 1) * ONE_MINUS_D_SQ % P
    v = (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio_m1(u, v)
    c = P - 1
    if not was_square:
        s, c = -_absolute(s * t) % P, r
    n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % P
    w0, w1 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return Point(w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P)
