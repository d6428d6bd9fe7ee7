"""ristretto255 out of PyNaCl's edwards25519: the scalar multiplication in C, the encodings in Python, 0.5 ms each.

ristretto255 is edwards25519 modulo its eight points of torsion, so s * P may be computed as (s/8 mod L) * (8 * P):
8 * P is in the prime-order subgroup, where libsodium multiplies, and the encoding forgets the torsion.
"""

from nacl.bindings import (
    crypto_core_ed25519_scalar_mul,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)
from nacl.exceptions import RuntimeError as SodiumError

from entrenous.crypto import edwards
from entrenous.errors import CryptoError

#: 1/8 modulo the group's order.
_ONE_EIGHTH = pow(8, -1, edwards.ORDER).to_bytes(32, "little")


class PynaclRistretto:
    """The ``pynacl`` back end, for machines without a libsodium of their own."""

    name = "pynacl"

    def is_canonical(self, element: bytes) -> bool:
        """Whether 32 bytes encode an element, the identity included."""
        try:
            edwards.decode(element)
        except CryptoError:
            return False
        return True

    def from_uniform_bytes(self, uniform: bytes) -> bytes:
        """The element derived from 64 bytes."""
        return edwards.encode(edwards.from_uniform(uniform))

    def multiply(self, scalar: bytes, element: bytes) -> bytes:
        """``scalar`` times ``element``.

        Raises:
            CryptoError: ``element`` is invalid, or the result is the identity.
        """
        point = edwards.decode(element)
        for _ in range(3):
            point += point
        eighth = crypto_core_ed25519_scalar_mul(scalar, _ONE_EIGHTH)
        try:
            product = crypto_scalarmult_ed25519_noclamp(eighth, edwards.compress(point))
        except SodiumError:
            raise CryptoError from None
        return edwards.encode(edwards.decompress(product))

    def multiply_base(self, scalar: bytes) -> bytes:
        """``scalar`` times the generator.

        Raises:
            CryptoError: the result is the identity.
        """
        try:
            product = crypto_scalarmult_ed25519_base_noclamp(scalar)
        except SodiumError:
            raise CryptoError from None
        return edwards.encode(edwards.decompress(product))
