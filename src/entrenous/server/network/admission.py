"""Who may connect at all, and who has to give way when there is no room: the newest of those who hold most of it.

A flood of connections must not keep others out. So where there is no room for a newcomer, the oldest newcomer of the
network that has most of them goes, unless that is the newcomer's own network. Who has logged in stays.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from entrenous.server.configuration.limits import Limits
from entrenous.server.network.crowd import Crowd
from entrenous.server.rates import network_key
from entrenous.server.watching.counters import Count


class Newcomer(Protocol):
    """A connection, as it is sent away."""

    def abort(self) -> None:
        """Close at once."""
        ...


@dataclass(slots=True)
class _Tally:
    """One kind of thing, counted in all, by address and by network."""

    limits: Limits
    #: The name of the limit for one address.
    per_address_limit: Count
    total: int = 0
    per_address: Counter[str] = field(default_factory=Counter)
    per_network: Counter[str] = field(default_factory=Counter)

    def has_room_for_address(self, place: "_Place") -> bool:
        return self.per_address[place.address] < self._most

    def has_room_for_network(self, place: "_Place") -> bool:
        return self.per_network[place.network] < self._most * self.limits.addresses_per_network

    @property
    def _most(self) -> int:
        most: int = getattr(self.limits, self.per_address_limit)
        return most

    def add(self, place: "_Place") -> None:
        self.total += 1
        self.per_address[place.address] += 1
        self.per_network[place.network] += 1

    def remove(self, place: "_Place") -> None:
        self.total -= 1
        for counter, key in ((self.per_address, place.address), (self.per_network, place.network)):
            counter[key] -= 1
            if not counter[key]:
                del counter[key]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a connection comes from."""

    address: str
    network: str


class Admission:
    """Counts open connections, and among them who has not finished the handshake and who has not logged in.

    Args:
        limits: how many there may be.
        reached: called with each limit that was reached.
    """

    def __init__(self, limits: Limits, reached: Callable[[Count], None]) -> None:
        self._limits = limits
        self._reached = reached
        self._connections = _Tally(limits, Count.CONNECTIONS_PER_ADDRESS)
        self._handshakes = _Tally(limits, Count.HANDSHAKES_PER_ADDRESS)
        self._places: dict[Newcomer, _Place] = {}
        self._half_open: Crowd[Newcomer] = Crowd()
        self._anonymous: Crowd[Newcomer] = Crowd()

    @property
    def total(self) -> int:
        """Open connections."""
        return self._connections.total

    @property
    def handshakes(self) -> int:
        """Those that have not finished the handshake."""
        return self._handshakes.total

    def enter(self, connection: Newcomer, address: str) -> Count | None:
        """Count a connection from ``address``, in its handshake; the limit that refuses it, and then not counted."""
        place = _Place(address, network_key(address))
        refused = self._judge(place)
        if refused is not None:
            self._reached(refused)
            return refused
        self._places[connection] = place
        self._connections.add(place)
        self._handshakes.add(place)
        self._half_open.add(place.network, connection)
        self._anonymous.add(place.network, connection)
        return None

    def secured(self, connection: Newcomer) -> None:
        """An admitted connection has finished its handshake."""
        place = self._places.get(connection)
        if place is not None and self._half_open.remove(place.network, connection):
            self._handshakes.remove(place)

    def logged_in(self, connection: Newcomer) -> None:
        """An admitted connection has logged in: it gives way to nobody."""
        place = self._places.get(connection)
        if place is not None:
            self._anonymous.remove(place.network, connection)

    def leave(self, connection: Newcomer) -> None:
        """A connection is gone. Repeating it does no harm."""
        self.secured(connection)
        self.logged_in(connection)
        place = self._places.pop(connection, None)
        if place is not None:
            self._connections.remove(place)

    def _judge(self, place: _Place) -> Count | None:
        for tally in (self._connections, self._handshakes):
            if not tally.has_room_for_address(place):
                return tally.per_address_limit
            if not tally.has_room_for_network(place):
                return Count.ADDRESSES_PER_NETWORK
        if self._connections.total >= self._limits.connections and not self._make_room(
            self._anonymous, place, Count.CONNECTIONS
        ):
            return Count.CONNECTIONS
        if self._handshakes.total >= self._limits.handshakes and not self._make_room(
            self._half_open, place, Count.HANDSHAKES
        ):
            return Count.HANDSHAKES
        return None

    def _make_room(self, crowd: Crowd[Newcomer], place: _Place, count: Count) -> bool:
        """Send somebody away in favour of a newcomer from ``place``; whether there was somebody to send away."""
        oldest = crowd.oldest_of_largest(more_than=crowd.size(place.network))
        if oldest is None:
            return False
        self._reached(count)
        self.leave(oldest)
        oldest.abort()
        return True
