"""The prime-order group ristretto255 (RFC 9496), for OPRF and OPAQUE.

An element is its 32-byte encoding, a scalar 32 bytes little-endian below the group's order. The identity is refused
wherever an element comes in or goes out (RFC 9497 §2.1, RFC 9807 §10.7): an honest peer never sends it.
"""

from functools import cache
from typing import Protocol

from nacl.bindings import (
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_invert,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
)

from entrenous.crypto.edwards import ORDER
from entrenous.crypto.entropy import Entropy, draw
from entrenous.crypto.ristretto_pynacl import PynaclRistretto
from entrenous.crypto.ristretto_sodium import SodiumRistretto
from entrenous.errors import CryptoError, UnavailableError, UsageError

#: Bytes of an element and of a scalar.
ELEMENT_SIZE = 32
SCALAR_SIZE = 32
#: Bytes that are reduced to a scalar or mapped to an element without bias.
UNIFORM_SIZE = 64

#: The identity's encoding.
_IDENTITY = bytes(ELEMENT_SIZE)
#: The scalar that has no inverse.
_ZERO = bytes(SCALAR_SIZE)


class RistrettoBackend(Protocol):
    """Who does the group arithmetic. Callers have checked every length and that scalars are canonical."""

    @property
    def name(self) -> str:
        """What `doctor` shows."""
        ...

    def is_canonical(self, element: bytes) -> bool:
        """Whether 32 bytes encode an element, the identity included."""
        ...

    def from_uniform_bytes(self, uniform: bytes) -> bytes:
        """The element derived from 64 bytes."""
        ...

    def multiply(self, scalar: bytes, element: bytes) -> bytes:
        """``scalar`` times ``element``; CryptoError if ``element`` is invalid or the result the identity."""
        ...

    def multiply_base(self, scalar: bytes) -> bytes:
        """``scalar`` times the generator; CryptoError if that is the identity."""
        ...


@cache
def backend() -> RistrettoBackend:
    """The fastest back end this machine has: ``libsodium``, else ``pynacl``."""
    try:
        return SodiumRistretto()
    except UnavailableError:
        return PynaclRistretto()


def backend_name() -> str:
    """The name of the back end in use."""
    return backend().name


def is_valid(element: bytes) -> bool:
    """Whether ``element`` is the encoding of an element other than the identity."""
    return _may_be_element(element) and backend().is_canonical(element)


def from_uniform_bytes(uniform: bytes) -> bytes:
    """Element derivation (RFC 9496 §4.3.4): an element nobody knows the logarithm of.

    Raises:
        UsageError: ``uniform`` has not 64 bytes.
        CryptoError: the result is the identity, which has a chance of 2^-252.
    """
    if len(uniform) != UNIFORM_SIZE:
        raise UsageError(f"an element is derived from {UNIFORM_SIZE} bytes, not {len(uniform)}")
    element = backend().from_uniform_bytes(uniform)
    if element == _IDENTITY:
        raise CryptoError
    return element


def multiply(scalar: bytes, element: bytes) -> bytes:
    """``scalar`` times ``element``.

    Raises:
        CryptoError: ``element`` is no canonical encoding, or it or the result is the identity.
        UsageError: ``scalar`` is not canonical.
    """
    _check_scalar(scalar)
    if not _may_be_element(element):
        raise CryptoError
    return backend().multiply(scalar, element)


def multiply_base(scalar: bytes) -> bytes:
    """``scalar`` times the group's generator.

    Raises:
        CryptoError: ``scalar`` is zero.
        UsageError: ``scalar`` is not canonical.
    """
    _check_scalar(scalar)
    return backend().multiply_base(scalar)


def random_scalar(entropy: Entropy) -> bytes:
    """A uniform scalar other than zero, from 64 bytes of ``entropy``.

    Raises:
        UsageError: they reduce to zero, which in good entropy has a chance of 2^-252.
    """
    scalar = scalar_reduce(draw(entropy, UNIFORM_SIZE))
    if scalar == _ZERO:
        raise UsageError("the entropy source gives a scalar of zero")
    return scalar


def scalar_reduce(uniform: bytes) -> bytes:
    """A little-endian number of 64 bytes modulo the group's order.

    Raises:
        UsageError: ``uniform`` has not 64 bytes.
    """
    if len(uniform) != UNIFORM_SIZE:
        raise UsageError(f"a scalar is reduced from {UNIFORM_SIZE} bytes, not {len(uniform)}")
    return crypto_core_ed25519_scalar_reduce(uniform)


def scalar_add(a: bytes, b: bytes) -> bytes:
    """A + b modulo the order.

    Raises:
        UsageError: one of them is not canonical.
    """
    _check_scalar(a)
    _check_scalar(b)
    return crypto_core_ed25519_scalar_add(a, b)


def scalar_mul(a: bytes, b: bytes) -> bytes:
    """A * b modulo the order.

    Raises:
        UsageError: one of them is not canonical.
    """
    _check_scalar(a)
    _check_scalar(b)
    return crypto_core_ed25519_scalar_mul(a, b)


def scalar_invert(a: bytes) -> bytes:
    """1/a modulo the order.

    Raises:
        UsageError: ``a`` is zero or not canonical.
    """
    _check_scalar(a)
    if a == _ZERO:
        raise UsageError("zero has no inverse")
    return crypto_core_ed25519_scalar_invert(a)


def is_scalar(value: bytes) -> bool:
    """Whether ``value`` is 32 bytes that stand for a number below the group's order."""
    return len(value) == SCALAR_SIZE and int.from_bytes(value, "little") < ORDER


def _may_be_element(element: bytes) -> bool:
    # libsodium before 1.0.19 ignores the top bit, so each element had two encodings (RFC 9496 §4.3.1, step 1).
    return len(element) == ELEMENT_SIZE and element[-1] < 0x80 and element != _IDENTITY


def _check_scalar(scalar: bytes) -> None:
    if not is_scalar(scalar):
        raise UsageError("a scalar is 32 bytes, little-endian, below the group's order")
