"""Ed25519 as docs/spec/README.md has it verified, and ristretto255 (RFC 9496), on edwards25519 in plain numbers."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from independent_check.forms import CryptoError, labelled

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
#: RFC 9496 §4.1.
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578
assert SQRT_AD_MINUS_ONE**2 % P == (-D - 1) % P
assert INVSQRT_A_MINUS_D**2 * (-1 - D) % P == 1

#: x, y, z, t with x/z and y/z on the curve and xy = zt.
Point = tuple[int, int, int, int]
IDENTITY: Point = (0, 1, 1, 0)


def add(one: Point, other: Point) -> Point:
    """RFC 8032 §5.1.4."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def magnitude(number: int) -> int:
    """The one of a number and its negative that is even."""
    number %= P
    return P - number if number & 1 else number


def sqrt_ratio(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1."""
    root = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * root * root % P
    if check in (-u % P, -u * SQRT_M1 % P):
        root = root * SQRT_M1 % P
    return check in (u % P, -u % P), magnitude(root)


def is_weak(public: bytes) -> bool:
    """Whether an Ed25519 key is of low order, or no point in its one form."""
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    if y >= P:
        return True
    is_square, x = sqrt_ratio(y * y - 1, D * y * y + 1)
    return not is_square or times(8, (x, y, 1, x * y % P))[0] == 0


def verify(public: bytes, label: str, body: bytes, signature: bytes) -> None:
    """What a signature covers is the label and the body."""
    if is_weak(public) or int.from_bytes(signature[32:], "little") >= ORDER:
        raise CryptoError
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, labelled(label, body))
    except InvalidSignature:
        raise CryptoError from None


def sign(seed: bytes, label: str, body: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(labelled(label, body))


def public_of(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def decode(element: bytes) -> Point:
    """RFC 9496 §4.3.1. The identity is no element that anybody sends."""
    s = int.from_bytes(element, "little")
    if s >= P or s & 1 or s == 0:
        raise CryptoError
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    is_square, root = sqrt_ratio(1, v * u2 * u2)
    x = magnitude(2 * s * root * u2)
    y = u1 * root * root * u2 * v % P
    t = x * y % P
    if not is_square or t & 1 or y == 0:
        raise CryptoError
    return x, y, 1, t


def encode(point: Point) -> bytes:
    """RFC 9496 §4.3.2."""
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    _, root = sqrt_ratio(1, u1 * u2 * u2)
    inverse, other = root * u1 % P, root * u2 % P
    z_inverse = inverse * other * t % P
    if t * z_inverse % P & 1:
        x, y, other = y * SQRT_M1 % P, x * SQRT_M1 % P, inverse * INVSQRT_A_MINUS_D % P
    if x * z_inverse % P & 1:
        y = -y % P
    return magnitude(other * (z - y)).to_bytes(32, "little")


def map_to_point(data: bytes) -> Point:
    """MAP of RFC 9496 §4.3.4."""
    t = int.from_bytes(data, "little") & (1 << 255) - 1
    r = SQRT_M1 * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    is_square, s = sqrt_ratio(u, v)
    c = -1
    if not is_square:
        s, c = -magnitude(s * t) % P, r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def from_uniform(data: bytes) -> Point:
    """An element from 64 bytes."""
    return add(map_to_point(data[:32]), map_to_point(data[32:]))


#: ristretto255's generator: the curve's base point, whose y is 4/5 and whose x is even.
_Y = 4 * pow(5, -1, P) % P
_X = sqrt_ratio(_Y * _Y - 1, D * _Y * _Y + 1)[1]
BASE: Point = (_X, _Y, 1, _X * _Y % P)
