"""Devices' connections, as those see them who tell devices something."""

from typing import Protocol

import structlog

_log = structlog.get_logger(__name__)


class Outlet(Protocol):
    """Where what a device is told goes."""

    @property
    def backlog(self) -> int:
        """Bytes queued that the client has not taken."""
        ...

    def push(self, framed: bytes, most: int | None = None) -> bool:
        """Queue framed messages, unless more than ``most`` bytes are queued that the client has not taken.

        Never raises; on a connection that is closing it does nothing. False where too much was queued.
        """
        ...

    def abort(self) -> None:
        """Close at once; what follows from it comes in a later turn of the loop."""
        ...


class Subscriber(Protocol):
    """A device's connection, as the fan-out sees it."""

    @property
    def account(self) -> bytes:
        """Whose it is."""
        ...

    @property
    def device(self) -> bytes:
        """Which device's."""
        ...

    @property
    def outlet(self) -> Outlet:
        """Where what it is told goes, from when it is attached on."""
        ...

    def end(self, reason: str) -> None:
        """Say why, and close."""
        ...


def tell(outlet: Outlet, framed: bytes) -> None:
    """Have a connection queue framed messages, however much is queued already."""
    try:
        outlet.push(framed)
    except Exception as error:  # noqa: BLE001 a bug of ours: one connection ends, the others are told
        give_up(outlet, error)


def give_up(outlet: Outlet, error: Exception) -> None:
    """A bug of ours was met with one connection: it ends, and the others are told."""
    _log.exception("fanout.push_failed", error=repr(error))
    outlet.abort()
