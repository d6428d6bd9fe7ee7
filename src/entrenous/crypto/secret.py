"""Bytes that do not print, compare in constant time and have one way out."""

import hmac
from typing import Any, NoReturn

from entrenous.errors import UsageError


class Secret:
    """A secret value. Subclass it once per secret, so that the type checker tells a JoinerSecret from an EpochSecret.

    ``repr`` and ``str`` show the class and the length. Two secrets are equal only if they are of the same class
    and hold the same bytes. A Secret has no hash, and can be neither pickled nor copied: whoever stores one calls
    ``reveal`` and says so in his own code.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """The bytes. The only way out."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return True  # an empty secret is still a secret, not an absent one

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment] # a hash table would compare secrets by a value that is not constant-time

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._value)} bytes)"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise UsageError(f"a {type(self).__name__} is neither pickled nor copied")


class PrivateKey(Secret):
    """A secret that is a private key. It keeps the library's parsed object, since parsing can cost as much as using."""

    __slots__ = ("_remembered",)

    def __init__(self, value: bytes) -> None:
        super().__init__(value)
        self._remembered: tuple[object, Any] = (None, None)

    def recall(self, algorithm: object) -> Any:  # noqa: ANN401 -- each algorithm knows the class of what it left here
        """What ``algorithm`` remembered here; None if it did not, or another one did since."""
        owner, parsed = self._remembered
        return parsed if owner is algorithm else None

    def remember(self, algorithm: object, parsed: object) -> None:
        """Keep the library's object for this key, as ``algorithm`` parsed it."""
        self._remembered = (algorithm, parsed)  # one assignment, so that a second thread sees both or neither
