"""FFDHE2048 (RFC 7919 appendix A.1), the finite-field group of the classic suite; DHLEN is 256.

The library deprecates finite-field Diffie-Hellman and will remove it. On that day this module's two calls into it
(``_private`` and ``exchange``) are to be replaced by ``pow`` with a fresh exponent and a blinded base, documented as
not constant-time, and the classic suite goes off by default; nothing outside this module changes.
"""

import warnings

from entrenous.crypto.dh import DH, DHKeyPair, DHPrivateKey
from entrenous.crypto.entropy import Entropy, draw
from entrenous.errors import CryptoError, UsageError

with warnings.catch_warnings():
    # The library warns when these names are read, never when they are used: once, here, is enough.
    warnings.filterwarnings("ignore", message="Diffie-Hellman over finite fields")
    from cryptography.hazmat.primitives.asymmetric.dh import (
        DHParameterNumbers,
        DHPrivateNumbers,
        DHPublicNumbers,
    )
    from cryptography.hazmat.primitives.asymmetric.dh import DHPrivateKey as LibraryPrivateKey

#: The safe prime p of RFC 7919 appendix A.1; (p - 1) / 2 is prime too.
PRIME = int(
    "FFFFFFFFFFFFFFFFADF85458A2BB4A9AAFDC5620273D3CF1D8B9C583CE2D3695A9E13641146433FBCC939DCE249B3EF97D2FE363630C75D8"
    "F681B202AEC4617AD3DF1ED5D5FD65612433F51F5F066ED0856365553DED1AF3B557135E7F57C935984F0C70E0E68B77E2A689DAF3EFE872"
    "1DF158A136ADE73530ACCA4F483A797ABC0AB182B324FB61D108A94BB2C8E3FBB96ADAB760D7F4681D4F42A3DE394DF4AE56EDE76372BB19"
    "0B07A7C8EE0A6D709E02FCE1CDF7E2ECC03404CD28342F619172FE9CE98583FF8E4F1232EEF28183C3FE3B1B4C6FAD733BB5FCBC2EC22005"
    "C58EF1837D1683B2C6F34A26C1B2EFFA886B423861285C97FFFFFFFFFFFFFFFF",
    16,
)
#: Generates the subgroup of quadratic residues, whose order (p - 1) / 2 is prime.
GENERATOR = 2
#: DHLEN.
LENGTH = 256
#: Bytes of a private exponent. RFC 7919 §5.2 asks for at least 225 bits.
PRIVATE_SIZE = 32

_PARAMETERS = DHParameterNumbers(PRIME, GENERATOR)
_GENERATOR_KEY = DHPublicNumbers(GENERATOR, _PARAMETERS).public_key()


def jacobi(a: int, n: int) -> int:
    """The Jacobi symbol (a/n) for odd n > 0: 1, -1 or 0. Not constant-time; ``a`` is a peer's public value here."""
    a %= n
    result = 1
    while a:
        twos = (a & -a).bit_length() - 1
        a >>= twos
        if twos & 1 and n & 7 in (3, 5):
            result = -result
        if a & n & 3 == 3:
            result = -result
        a, n = n % a, a
    return result if n == 1 else 0


class FFDHE2048Function:
    """Diffie-Hellman in the group FFDHE2048: big-endian public keys and shared secrets of 256 bytes."""

    name = "FFDHE2048"
    length = LENGTH

    def generate(self, entropy: Entropy) -> DHKeyPair:
        """A new key pair with a 256-bit exponent. Its top bit is set, so all exponents take the same time."""
        exponent = bytearray(draw(entropy, PRIVATE_SIZE))
        exponent[0] |= 0x80
        private = DHPrivateKey(bytes(exponent))
        return DHKeyPair(private, self.public(private))

    def public(self, private: DHPrivateKey | bytes) -> bytes:
        """2 to the power ``private``, 256 bytes.

        Raises:
            UsageError: ``private`` has not 32 bytes or is below 2.
        """
        key = private if isinstance(private, DHPrivateKey) else DHPrivateKey(private)
        return _private(key).exchange(_GENERATOR_KEY).rjust(LENGTH, b"\x00")

    def exchange(self, private: DHPrivateKey, public: bytes) -> bytes:
        """The shared secret, left-padded to 256 bytes.

        Raises:
            CryptoError: ``public`` has not 256 bytes, is outside [2, p - 2], or is no quadratic residue.
            UsageError: ``private`` has not 32 bytes or is below 2.
        """
        key = _private(private)
        y = int.from_bytes(public, "big")
        # RFC 7919 §5.1: y outside [2, p - 2] is refused. A non-residue lies outside the prime-order subgroup and
        # would tell its sender the lowest bit of our exponent.
        if len(public) != LENGTH or not 2 <= y <= PRIME - 2 or jacobi(y, PRIME) != 1:
            raise CryptoError
        try:
            shared = key.exchange(DHPublicNumbers(y, _PARAMETERS).public_key())
        except ValueError:
            raise CryptoError from None
        return shared.rjust(LENGTH, b"\x00")


def _private(private: DHPrivateKey) -> LibraryPrivateKey:
    parsed: LibraryPrivateKey | None = private.recall(FFDHE2048)
    if parsed is not None:
        return parsed
    exponent = int.from_bytes(private.reveal(), "big")
    if len(private) != PRIVATE_SIZE or exponent < 2:
        raise UsageError("an FFDHE2048 private key is a number from 2 up, in 32 bytes")
    # An exchange reads only the exponent. The generator stands where the public key belongs, because we ask the
    # library for the public key itself, as the exchange with the generator: constant-time, unlike Python's pow.
    key = DHPrivateNumbers(exponent, DHPublicNumbers(GENERATOR, _PARAMETERS)).private_key()
    private.remember(FFDHE2048, key)
    return key


FFDHE2048: DH = FFDHE2048Function()
