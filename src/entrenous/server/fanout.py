"""Telling the members' connections about new entries, in this process.

An entry is encoded and framed once and shared by every connection. A connection that reads too slowly is not buffered
for without bound: it is told once, per room, that the log moved on, and hears no more of that room until it fetches.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from entrenous.channel import frame_message
from entrenous.server.counters import uncounted
from entrenous.wire import encode_event
from entrenous.wire.events import InboxChanged, LogAdvanced, NewEntry
from entrenous.wire.types import Entry


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
    def backlog(self) -> int:
        """Bytes queued that the client has not taken."""
        ...

    def push(self, framed: bytes) -> None:
        """Queue framed messages. Never raises, also on a connection that is closing."""
        ...

    def end(self, reason: str) -> None:
        """Say why, and close."""
        ...


class Fanout:
    """Who listens to which room.

    Args:
        backlog: bytes that a connection may have queued before it is switched to pull.
        switched: called whenever one is, for one room.
    """

    def __init__(self, backlog: int, switched: Callable[[], None] = uncounted) -> None:
        self._limit = backlog
        self._switched = switched
        self._rooms: dict[bytes, dict[Subscriber, None]] = {}
        self._accounts: dict[bytes, dict[Subscriber, None]] = {}
        self._devices: dict[bytes, Subscriber] = {}
        self._listening: dict[Subscriber, set[bytes]] = {}
        self._behind: dict[Subscriber, set[bytes]] = {}
        #: Entries that were pushed, counted once for each connection.
        self.pushed = 0

    @property
    def devices(self) -> int:
        """How many devices are connected."""
        return len(self._devices)

    def attach(self, subscriber: Subscriber, rooms: Iterable[bytes]) -> Subscriber | None:
        """Let a connection hear of ``rooms``; returns the device's former connection, now detached, if it has one."""
        former = self._devices.get(subscriber.device)
        if former is not None:
            self.detach(former)
        self._devices[subscriber.device] = subscriber
        self._accounts.setdefault(subscriber.account, {})[subscriber] = None
        self._listening[subscriber] = set()
        for room in rooms:
            self._listen(subscriber, room)
        return former

    def detach(self, subscriber: Subscriber) -> None:
        """Forget a connection. Repeating it does no harm."""
        for room in self._listening.pop(subscriber, ()):
            _discard(self._rooms, room, subscriber)
        self._behind.pop(subscriber, None)
        _discard(self._accounts, subscriber.account, subscriber)
        if self._devices.get(subscriber.device) is subscriber:
            del self._devices[subscriber.device]

    def connection(self, device: bytes) -> Subscriber | None:
        """The device's connection, if it is here."""
        return self._devices.get(device)

    def listeners(self, room: bytes) -> tuple[Subscriber, ...]:
        """The connections that hear of a room."""
        return tuple(self._rooms.get(room, ()))

    def join(self, room: bytes, account: bytes) -> None:
        """Let an account's connections hear of a room from now on."""
        for subscriber in self._accounts.get(account, ()):
            self._listen(subscriber, room)

    def leave(self, room: bytes, account: bytes) -> None:
        """Let an account's connections hear no more of a room."""
        for subscriber in self._accounts.get(account, ()):
            self._listening[subscriber].discard(room)
            _discard(self._rooms, room, subscriber)
            self.caught_up(subscriber, room)

    def publish(self, room: bytes, entry: Entry) -> None:
        """Push an entry to everybody who listens to its room; entries of a room come in their order."""
        subscribers = self._rooms.get(room)
        if not subscribers:
            return
        self.pushed += len(subscribers)
        framed = frame_message(encode_event(NewEntry(room, entry)))
        for subscriber in subscribers:
            behind = self._behind.get(subscriber)
            if behind is not None and room in behind:
                self.pushed -= 1
                continue
            if subscriber.backlog > self._limit:
                self.pushed -= 1
                self._behind.setdefault(subscriber, set()).add(room)
                self._switched()
                subscriber.push(frame_message(encode_event(LogAdvanced(room, entry.sequence))))
            else:
                subscriber.push(framed)

    def caught_up(self, subscriber: Subscriber, room: bytes) -> None:
        """The connection fetches from the room again: push to it again."""
        behind = self._behind.get(subscriber)
        if behind is not None:
            behind.discard(room)
            if not behind:
                del self._behind[subscriber]

    def welcome(self, devices: Iterable[bytes]) -> None:
        """Tell devices that something waits in their inboxes."""
        framed = frame_message(encode_event(InboxChanged()))
        for device in devices:
            subscriber = self._devices.get(device)
            if subscriber is not None:
                subscriber.push(framed)

    def _listen(self, subscriber: Subscriber, room: bytes) -> None:
        self._rooms.setdefault(room, {})[subscriber] = None
        self._listening[subscriber].add(room)


def _discard(table: dict[bytes, dict[Subscriber, None]], key: bytes, subscriber: Subscriber) -> None:
    found = table.get(key)
    if found is not None:
        found.pop(subscriber, None)
        if not found:
            del table[key]
