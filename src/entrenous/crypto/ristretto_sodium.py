"""ristretto255 from a libsodium on this machine, through ctypes: constant-time, some 60 µs a multiplication.

PyNaCl bundles a libsodium too, but its bindings leave the ristretto255 functions out.
"""

import ctypes
import sys

from entrenous.errors import CryptoError, UnavailableError

#: What the shared library is called, newest ABI first.
_NAMES = {
    "darwin": ("libsodium.dylib", "/opt/homebrew/lib/libsodium.dylib", "/usr/local/lib/libsodium.dylib"),
    "win32": ("libsodium.dll", "sodium.dll"),
}
_LINUX_NAMES = ("libsodium.so.26", "libsodium.so.23", "libsodium.so")
#: Every function used here, with the number of its arguments.
_FUNCTIONS = {
    "crypto_core_ristretto255_is_valid_point": 1,
    "crypto_core_ristretto255_from_hash": 2,
    "crypto_scalarmult_ristretto255": 3,
    "crypto_scalarmult_ristretto255_base": 2,
}


class SodiumRistretto:
    """The ``libsodium`` back end.

    Raises:
        UnavailableError: there is no libsodium here that has ristretto255 (1.0.18 or later).
    """

    name = "libsodium"

    def __init__(self) -> None:
        library = _load()
        if library.sodium_init() < 0:
            raise UnavailableError("libsodium does not start")
        for function, arguments in _FUNCTIONS.items():
            getattr(library, function).argtypes = [ctypes.c_char_p] * arguments
        self._is_valid = library.crypto_core_ristretto255_is_valid_point
        self._from_hash = library.crypto_core_ristretto255_from_hash
        self._multiply = library.crypto_scalarmult_ristretto255
        self._multiply_base = library.crypto_scalarmult_ristretto255_base

    def is_canonical(self, element: bytes) -> bool:
        """Whether 32 bytes encode an element, the identity included."""
        return bool(self._is_valid(element) == 1)

    def from_uniform_bytes(self, uniform: bytes) -> bytes:
        """The element derived from 64 bytes."""
        result = ctypes.create_string_buffer(32)
        self._from_hash(result, uniform)
        return result.raw

    def multiply(self, scalar: bytes, element: bytes) -> bytes:
        """``scalar`` times ``element``.

        Raises:
            CryptoError: ``element`` is invalid, or the result is the identity.
        """
        result = ctypes.create_string_buffer(32)
        if self._multiply(result, scalar, element) != 0:
            raise CryptoError
        return result.raw

    def multiply_base(self, scalar: bytes) -> bytes:
        """``scalar`` times the generator.

        Raises:
            CryptoError: the result is the identity.
        """
        result = ctypes.create_string_buffer(32)
        if self._multiply_base(result, scalar) != 0:
            raise CryptoError
        return result.raw


def _load() -> ctypes.CDLL:
    for name in _NAMES.get(sys.platform, _LINUX_NAMES):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        if all(hasattr(library, function) for function in _FUNCTIONS):
            return library
    raise UnavailableError("no libsodium with ristretto255 on this machine")
