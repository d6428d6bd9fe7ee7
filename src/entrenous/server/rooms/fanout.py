"""Telling the members' connections about new entries, in this process. ``following`` says what is new, in any process.

An entry is encoded and framed once and shared by every connection. Entries of a room that are published in one turn of
the loop are pushed together, which costs each connection hardly more than one of them. A connection that reads too
slowly is not buffered for without bound: it is told once, per room, that the log moved on, and hears no more of that
room until it fetches.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, TypeVar

from entrenous.channel import frame_message
from entrenous.server.configuration.limits import Live, live
from entrenous.server.rooms.outlets import Outlet, Subscriber, give_up, tell
from entrenous.server.watching.counters import uncounted
from entrenous.wire import encode_event
from entrenous.wire.events import InboxChanged, LogAdvanced, NewEntry
from entrenous.wire.types import Entry

#: Bytes of a room's entries that are pushed together: what a slow connection is given before it is looked at again.
PUSH_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a device that has logged in stands.

    Attributes:
        rooms: its account's rooms, and the newest entry of each.
        launch: its launch counter: of two connections of a device, the one with the higher stays.
    """

    rooms: Mapping[bytes, int]
    launch: int


@dataclass(slots=True)
class _Unsent:
    """Entries of one room that are not pushed yet: framed, how many bytes, and the newest one's number."""

    frames: list[bytes] = field(default_factory=list)
    size: int = 0
    newest: int = 0


class Offer(Enum):
    """What became of an entry that was to be pushed."""

    #: It was the next one of its room, or nobody here listens to the room.
    PUSHED = auto()
    #: It had been pushed before.
    KNOWN = auto()
    #: There are entries before it that were not pushed here; it was not either.
    EARLY = auto()


#: Who listens to a room that nobody listens to.
_NOBODY: Final[Mapping[Subscriber, Outlet]] = {}


def at_once(work: Callable[[], None]) -> None:
    """Do it now."""
    work()


class Fanout:
    """Who listens to which room.

    Args:
        backlog: bytes that a connection may have queued before it is switched to pull, or what says so each time.
        switched: called whenever one is, for one room.
        soon: calls something at the end of the loop's turn; what is published before that is pushed together.
    """

    def __init__(
        self,
        backlog: Live[int],
        switched: Callable[[], None] = uncounted,
        soon: Callable[[Callable[[], None]], object] = at_once,
    ) -> None:
        self._limit = live(backlog)
        #: See ``soon``.
        self.soon = soon
        self._unsent: dict[bytes, _Unsent] = {}
        #: Told the device and the launch counter of every connection that is attached.
        self.arrived: Callable[[bytes, int], None] = lambda _device, _launch: None
        self._switched = switched
        self._rooms: dict[bytes, dict[Subscriber, Outlet]] = {}
        #: The newest entry that was pushed, of the rooms that somebody listens to.
        self._newest: dict[bytes, int] = {}
        self._accounts: dict[bytes, dict[Subscriber, None]] = {}
        self._devices: dict[bytes, Subscriber] = {}
        self._launches: dict[bytes, int] = {}
        self._listening: dict[Subscriber, set[bytes]] = {}
        self._behind: dict[Subscriber, set[bytes]] = {}
        #: Entries that were pushed, counted once for each connection.
        self.pushed = 0

    @property
    def devices(self) -> int:
        """How many devices are connected."""
        return len(self._devices)

    def attach(self, subscriber: Subscriber, arrival: Arrival) -> Subscriber | None:
        """Let a connection hear of its rooms; returns the device's former connection, now detached, if it has one."""
        former = self._devices.get(subscriber.device)
        if former is not None:
            self.detach(former)
        self._devices[subscriber.device] = subscriber
        self._accounts.setdefault(subscriber.account, {})[subscriber] = None
        self._launches[subscriber.device] = arrival.launch
        self._listening[subscriber] = set()
        for room, newest in arrival.rooms.items():
            self._listen(subscriber, room, newest)
        self.arrived(subscriber.device, arrival.launch)
        return former

    def detach(self, subscriber: Subscriber) -> None:
        """Forget a connection. Repeating it does no harm."""
        for room in self._listening.pop(subscriber, ()):
            self._unlisten(subscriber, room)
        self._behind.pop(subscriber, None)
        _discard(self._accounts, subscriber.account, subscriber)
        if self._devices.get(subscriber.device) is subscriber:
            del self._devices[subscriber.device]
            del self._launches[subscriber.device]

    def connection(self, device: bytes) -> Subscriber | None:
        """The device's connection, if it is here."""
        return self._devices.get(device)

    def listeners(self, room: bytes) -> tuple[Subscriber, ...]:
        """The connections that hear of a room."""
        return tuple(self._rooms.get(room, ()))

    def launch(self, device: bytes) -> int | None:
        """The launch counter of the device's connection, if it is here."""
        return self._launches.get(device)

    def newest(self, room: bytes) -> int | None:
        """The newest entry of a room that was pushed here; None where nobody listens."""
        return self._newest.get(room)

    def present(self) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]:
        """The rooms, the accounts and the devices that connections here listen to or are of."""
        return tuple(self._rooms), tuple(self._accounts), tuple(self._devices)

    def hears(self, room: bytes, account: bytes) -> bool:
        """Whether all connections of an account hear of a room."""
        return all(room in self._listening[subscriber] for subscriber in self._accounts.get(account, ()))

    def join(self, room: bytes, account: bytes, newest: int) -> None:
        """Let an account's connections hear of a room, from the entry after ``newest`` on if nobody else listens."""
        for subscriber in self._accounts.get(account, ()):
            self._listen(subscriber, room, newest)

    def advanced(self, room: bytes, account: bytes, newest: int) -> None:
        """Tell an account's connections that there are entries up to ``newest`` which were not pushed to them."""
        framed = frame_message(encode_event(LogAdvanced(room, newest)))
        for subscriber in self._accounts.get(account, ()):
            tell(subscriber.outlet, framed)

    def leave(self, room: bytes, account: bytes) -> None:
        """Let an account's connections hear no more of a room."""
        self.push_now(room)
        for subscriber in self._accounts.get(account, ()):
            self._listening[subscriber].discard(room)
            self._unlisten(subscriber, room)
            self.caught_up(subscriber, room)

    def offer(self, room: bytes, entry: Entry) -> Offer:
        """Push an entry if it is the room's next one."""
        newest = self._newest.get(room)
        if newest is not None:
            if entry.sequence != newest + 1:
                return Offer.EARLY if entry.sequence > newest else Offer.KNOWN
            self._newest[room] = entry.sequence
        self.publish(room, entry)
        return Offer.PUSHED

    def skip(self, room: bytes, newest: int) -> None:
        """Entries up to ``newest`` cannot be pushed any more: who listens is told to fetch, if he is not told yet."""
        if self._newest.get(room, newest) >= newest:
            return
        self.push_now(room)
        self._newest[room] = newest
        framed = frame_message(encode_event(LogAdvanced(room, newest)))
        for subscriber, outlet in self._rooms[room].items():
            if room not in self._behind.get(subscriber, ()):
                tell(outlet, framed)

    def publish(self, room: bytes, entry: Entry) -> None:
        """Push an entry to everybody who listens to its room, together with others of this turn."""
        if room not in self._rooms:
            return
        is_first = not self._unsent
        unsent = self._unsent.get(room)
        if unsent is None:
            unsent = self._unsent[room] = _Unsent()
        framed = frame_message(encode_event(NewEntry(room, entry)))
        unsent.frames.append(framed)
        unsent.size += len(framed)
        unsent.newest = entry.sequence
        if unsent.size >= PUSH_BYTES:
            self.push_now(room)
        elif is_first:
            self.soon(self._push_all)

    def after_push(self, work: Callable[[], None]) -> None:
        """Do something once all that was published is pushed: whoever is told then has been sent the entry before."""
        if self._unsent:
            self.soon(work)
        else:
            work()

    def caught_up(self, subscriber: Subscriber, room: bytes) -> None:
        """The connection fetches from the room again: push to it again."""
        behind = self._behind.get(subscriber)
        if behind is not None:
            self.push_now(room)
            behind.discard(room)
            if not behind:
                del self._behind[subscriber]

    def welcome(self, devices: Iterable[bytes]) -> None:
        """Tell devices that something waits in their inboxes."""
        framed = frame_message(encode_event(InboxChanged()))
        for device in devices:
            subscriber = self._devices.get(device)
            if subscriber is not None:
                tell(subscriber.outlet, framed)

    def _push_all(self) -> None:
        for room in tuple(self._unsent):
            self.push_now(room)

    def push_now(self, room: bytes) -> None:
        """Push what was published in a room. Before anybody comes to it or goes, it is for those who are there."""
        unsent = self._unsent.pop(room, None)
        if unsent is None:
            return
        framed, count, limit = b"".join(unsent.frames), len(unsent.frames), self._limit()
        for subscriber, outlet in self._rooms.get(room, _NOBODY).items():
            if self._behind and room in self._behind.get(subscriber, ()):
                continue
            try:
                if outlet.push(framed, limit):
                    self.pushed += count
                else:
                    self._fall_behind(subscriber, outlet, room, unsent.newest)
            except Exception as error:  # noqa: BLE001 a bug of ours: one connection ends, the others are told
                give_up(outlet, error)

    def _fall_behind(self, subscriber: Subscriber, outlet: Outlet, room: bytes, newest: int) -> None:
        """Switch a connection to pull."""
        self._behind.setdefault(subscriber, set()).add(room)
        self._switched()
        outlet.push(frame_message(encode_event(LogAdvanced(room, newest))))

    def _listen(self, subscriber: Subscriber, room: bytes, newest: int) -> None:
        self.push_now(room)
        listeners = self._rooms.get(room)
        if listeners is None:
            listeners = self._rooms[room] = {}
            self._newest[room] = newest
        listeners[subscriber] = subscriber.outlet
        self._listening[subscriber].add(room)

    def _unlisten(self, subscriber: Subscriber, room: bytes) -> None:
        _discard(self._rooms, room, subscriber)
        if room not in self._rooms:
            self._newest.pop(room, None)


_Member = TypeVar("_Member")


def _discard(table: dict[bytes, dict[Subscriber, _Member]], key: bytes, subscriber: Subscriber) -> None:
    found = table.get(key)
    if found is not None:
        found.pop(subscriber, None)
        if not found:
            del table[key]
