"""Who the client on a connection has proved to be.

    Anonymous ──RegisterStart──> Registering ──RegisterFinish──> Anonymous
    Anonymous ──LoginStart──> LoggingIn ──LoginFinish──> OfAccount
    Anonymous, OfAccount ──DeviceLogin──> OfDevice

A step that is refused leads back to Anonymous, or leaves an OfAccount what it is.
"""

from dataclasses import dataclass

from entrenous.server.people.login import PendingLogin
from entrenous.server.people.registration import PendingRegistration
from entrenous.server.rooms.appending import Caller


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody has logged in."""


@dataclass(frozen=True, slots=True)
class Registering:
    """An invite was shown; the account's records are awaited."""

    pending: PendingRegistration


@dataclass(frozen=True, slots=True)
class LoggingIn:
    """KE2 was sent, KE3 is awaited."""

    pending: PendingLogin


@dataclass(frozen=True, slots=True)
class OfAccount:
    """The password was right; the client may become a device."""

    account: bytes


@dataclass(frozen=True, slots=True)
class OfDevice:
    """A device of an account."""

    caller: Caller


State = Anonymous | Registering | LoggingIn | OfAccount | OfDevice
