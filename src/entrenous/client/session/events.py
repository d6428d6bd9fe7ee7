"""What a session tells its engine, and the bounded queue in which it waits to be read."""

import asyncio
from collections import deque
from dataclasses import dataclass

from entrenous.identity import ServerIdentity
from entrenous.wire.events import AnyEvent, NewEntry
from entrenous.wire.replies import DeviceLoginDone


@dataclass(frozen=True, slots=True)
class Connected:
    """This device is logged in. What happened meanwhile is to be fetched.

    Attributes:
        login: what the server told at login.
        server: whom its certificate speaks for.
        rotated: the server has a new identity key, proved by the former one: show it once.
        rolled_back: the server has forgotten newer versions of what this device stored there: show it.
    """

    login: DeviceLoginDone
    server: ServerIdentity
    rotated: bool
    rolled_back: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is gone or could not be made.

    Attributes:
        reason: for people.
        retry_in: seconds until the next attempt; None when there will be none.
    """

    reason: str
    retry_in: float | None


@dataclass(frozen=True, slots=True)
class PushesDropped:
    """The engine read too slowly: events of the server were dropped. Everything is to be fetched as after Connected."""


SessionEvent = Connected | Disconnected | PushesDropped | AnyEvent


class EventQueue:
    """Waiting events, in order. The server's are hints: when they are too many, one PushesDropped takes their place."""

    def __init__(self, *, capacity: int = 1024, capacity_bytes: int = 16 << 20) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._events: deque[SessionEvent] = deque()
        self._bytes = 0
        self._ready = asyncio.Event()

    def put(self, event: SessionEvent) -> None:
        """Add an event. Never waits and never fails."""
        self._events.append(event)
        self._bytes += _size(event)
        if len(self._events) > self._capacity or self._bytes > self._capacity_bytes:
            self._drop()
        self._ready.set()

    async def get(self) -> SessionEvent:
        """The oldest event; waits for one."""
        while not self._events:
            self._ready.clear()
            await self._ready.wait()
        event = self._events.popleft()
        self._bytes -= _size(event)
        return event

    def _drop(self) -> None:
        """Keep the newest word on the connection, and say that the rest is gone."""
        states = [event for event in self._events if isinstance(event, Connected | Disconnected)]
        self._events = deque([*states[-1:], PushesDropped()])
        self._bytes = 0


def _size(event: SessionEvent) -> int:
    return len(event.entry.body) if isinstance(event, NewEntry) else 0
