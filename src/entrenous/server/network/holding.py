"""How much memory all connections hold together; when it is too much, who holds most of it goes: newcomers first."""

from collections.abc import Callable
from typing import Protocol

from entrenous.server.configuration.limits import Live, live

#: Bytes below which a connection is not worth counting: it has them for a moment, as every busy one has.
SMALL = 32 << 10


class Holder(Protocol):
    """A connection, as it is ended."""

    @property
    def is_known(self) -> bool:
        """Whether the client has logged in."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Holdings:
    """Bytes that connections hold: of messages that are not whole, of requests that wait, of what is not taken.

    Args:
        limit: bytes that all of them may hold, or what says so each time.
        reached: called whenever one has to go.
    """

    def __init__(self, limit: Live[int], reached: Callable[[], None]) -> None:
        self._limit = live(limit)
        self._reached = reached
        self._held: dict[Holder, int] = {}
        self.total = 0

    def note(self, holder: Holder, size: int) -> None:
        """A connection holds ``size`` bytes now; the greediest is ended if they are too many in all."""
        if size < SMALL:
            if self._held:
                self.forget(holder)
            return
        self.total += size - self._held.get(holder, 0)
        self._held[holder] = size
        while self.total > self._limit():
            # Thousands of strangers with a little each must not end somebody who has logged in and asks for more.
            greediest = max(self._held, key=lambda each: (not each.is_known, self._held[each]))
            self.forget(greediest)
            self._reached()
            greediest.abort()

    def forget(self, holder: Holder) -> None:
        """A connection is gone, or holds nothing worth counting. Repeating it does no harm."""
        self.total -= self._held.pop(holder, 0)
