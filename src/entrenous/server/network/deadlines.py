"""What a connection is waited for, how long, and what becomes of it when the time is over."""

from typing import Protocol

from entrenous.server.configuration.limits import Limits
from entrenous.server.network.timers import Deadline, Timers
from entrenous.server.watching.counters import Count, Counters

_SILENT = "nothing was heard for too long"
_SLOW = "a message took too long to arrive"
_COUNTS = {
    Deadline.HANDSHAKE: Count.HANDSHAKE_SECONDS,
    Deadline.LOGIN: Count.LOGIN_SECONDS,
    Deadline.WORD: Count.IDLE_SECONDS,
    Deadline.MESSAGE: Count.MESSAGE_SECONDS,
    Deadline.READER: Count.STALL_SECONDS,
    Deadline.END: Count.STALL_SECONDS,
}
_GOODBYES = {Deadline.LOGIN: _SILENT, Deadline.WORD: _SILENT, Deadline.MESSAGE: _SLOW}


class Waited(Protocol):
    """A connection that is waited for."""

    @property
    def silence(self) -> float:
        """Seconds since the client's last byte."""
        ...

    @property
    def is_reading(self) -> bool:
        """Whether the client's bytes are taken; else it is we who let it wait."""
        ...

    def end_if_old(self) -> bool:
        """End a connection that is a day old; whether it was."""
        ...

    def timed_out(self, deadline: Deadline, goodbye: str | None) -> None:
        """End it: with a goodbye, or at once."""
        ...


class Deadlines:
    """One connection's deadlines."""

    __slots__ = ("_counters", "_limits", "_link", "_timers")

    def __init__(self, limits: Limits, counters: Counters, link: Waited) -> None:
        self._limits = limits
        self._counters = counters
        self._link = link
        self._timers = Timers(self._late)

    def connected(self) -> None:
        """The handshake is awaited."""
        self._timers.arm(Deadline.HANDSHAKE, self._limits.handshake_seconds)

    def secured(self) -> None:
        """A login is awaited. Nothing but a login ends this waiting."""
        self._timers.disarm(Deadline.HANDSHAKE)
        self._timers.arm(Deadline.LOGIN, self._limits.login_seconds)

    def logged_in(self) -> None:
        """A word is awaited."""
        self._timers.disarm(Deadline.LOGIN)
        self._timers.arm(Deadline.WORD, self._limits.idle_seconds)

    def heard(self, *, unread: int, whole: bool) -> None:
        """The rest of a message is awaited where there are ``unread`` bytes; ``whole`` says whether one ended."""
        if not unread:
            self._timers.disarm(Deadline.MESSAGE)
        elif whole or not self._timers.is_armed(Deadline.MESSAGE):
            self._timers.arm(Deadline.MESSAGE, self._limits.message_seconds)

    def stalled(self) -> None:
        """That the client reads is awaited."""
        self._timers.arm(Deadline.READER, self._limits.stall_seconds)

    def reads(self) -> None:
        """The client has taken what it was sent."""
        self._timers.disarm(Deadline.READER)

    def ending(self) -> None:
        """The client is given time for the last that it was sent."""
        self._timers.arm(Deadline.END, self._limits.stall_seconds)

    def clear(self) -> None:
        """The connection is gone."""
        self._timers.clear()

    def _late(self, deadline: Deadline) -> None:
        if deadline is Deadline.WORD:
            # Said here too: who sends a message byte by byte never finishes the one after which it would be said.
            if self._link.end_if_old():
                return
            wait = self._limits.idle_seconds - self._link.silence
            if wait > 0:
                self._timers.arm(deadline, wait)
                return
        if deadline is Deadline.MESSAGE and not self._link.is_reading:
            self._timers.arm(deadline, self._limits.message_seconds)
            return
        self._counters.add(_COUNTS[deadline])
        self._link.timed_out(deadline, _GOODBYES.get(deadline))
