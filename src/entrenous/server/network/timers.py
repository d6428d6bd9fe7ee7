"""A connection's deadlines, by name."""

import asyncio
from collections.abc import Callable
from enum import StrEnum


class Deadline(StrEnum):
    """What a connection waits for."""

    HANDSHAKE = "handshake"
    LOGIN = "login"
    #: A word from the client.
    WORD = "word"
    #: The rest of a message.
    MESSAGE = "message"
    #: The client to take what it was sent.
    READER = "reader"
    #: The end, after a goodbye.
    END = "end"


class Timers:
    """At most one timer for each deadline.

    Args:
        late: called with the deadline that has passed.
    """

    __slots__ = ("_late", "_loop", "_running")

    def __init__(self, late: Callable[[Deadline], None]) -> None:
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._running: dict[Deadline, asyncio.TimerHandle] = {}

    def arm(self, deadline: Deadline, seconds: float) -> None:
        """Set, or set anew."""
        self.disarm(deadline)
        self._running[deadline] = self._loop.call_later(seconds, self._pass, deadline)

    def is_armed(self, deadline: Deadline) -> bool:
        """Whether it is waited for."""
        return deadline in self._running

    def disarm(self, deadline: Deadline) -> None:
        """Wait for it no longer. Repeating it does no harm."""
        timer = self._running.pop(deadline, None)
        if timer is not None:
            timer.cancel()

    def clear(self) -> None:
        """Wait for nothing any more."""
        for timer in self._running.values():
            timer.cancel()
        self._running.clear()

    def _pass(self, deadline: Deadline) -> None:
        del self._running[deadline]
        self._late(deadline)
