"""Who may connect at all: how many connections there are, in all and from one address, and how many half-open ones."""

from collections import Counter
from dataclasses import dataclass, field

from entrenous.server.counters import Count
from entrenous.server.settings import Limits


@dataclass(slots=True)
class _Tally:
    """One kind of thing, counted in all and by address."""

    limit: int
    limit_per_address: int
    total: int = 0
    per_address: Counter[str] = field(default_factory=Counter)

    def has_room(self) -> bool:
        return self.total < self.limit

    def has_room_for(self, address: str) -> bool:
        return self.per_address[address] < self.limit_per_address

    def add(self, address: str) -> None:
        self.total += 1
        self.per_address[address] += 1

    def remove(self, address: str) -> None:
        self.total -= 1
        self.per_address[address] -= 1
        if not self.per_address[address]:
            del self.per_address[address]


class Admission:
    """Counts open connections, and those among them that have not finished the handshake."""

    def __init__(self, limits: Limits) -> None:
        self._connections = _Tally(limits.connections, limits.connections_per_address)
        self._handshakes = _Tally(limits.handshakes, limits.handshakes_per_address)

    @property
    def total(self) -> int:
        """Open connections."""
        return self._connections.total

    @property
    def handshakes(self) -> int:
        """Those that have not finished the handshake."""
        return self._handshakes.total

    def enter(self, address: str) -> Count | None:
        """Count a connection from ``address``, in its handshake; the limit that refuses it, and then not counted."""
        if not self._connections.has_room():
            return Count.CONNECTIONS
        if not self._connections.has_room_for(address):
            return Count.CONNECTIONS_PER_ADDRESS
        if not self._handshakes.has_room():
            return Count.HANDSHAKES
        if not self._handshakes.has_room_for(address):
            return Count.HANDSHAKES_PER_ADDRESS
        self._connections.add(address)
        self._handshakes.add(address)
        return None

    def secured(self, address: str) -> None:
        """An admitted connection has finished its handshake."""
        self._handshakes.remove(address)

    def leave(self, address: str, *, secured: bool) -> None:
        """An admitted connection is gone; ``secured`` says whether it had finished its handshake."""
        self._connections.remove(address)
        if not secured:
            self._handshakes.remove(address)
