"""The ways in which one client can try to keep a server from everybody else. Each runs in a process of its own."""

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Callable
from enum import StrEnum
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

from entrenous.bench.guest import RETENTION, Guest
from entrenous.bench.line import Line
from entrenous.channel import HYBRID, ClientConnection
from entrenous.crypto import system_entropy
from entrenous.opaque import start_login
from entrenous.server import SystemClock
from entrenous.wire import replies, requests
from entrenous.wire.limits import MAX_FETCH

#: Requests kept in flight: twice as many as the server takes from one connection.
DEPTH = 128
#: Connections that shake hands at once.
WIDTH = 64
#: Bytes of a flood's message, and of those in the room that a flood fetches: 4 MB an answer.
MESSAGE_SIZE = 200
ENTRY_SIZE = 8_000
#: Bytes of a GroupInfo and of a tree that fill one answer, and of a vault.
STATE_SIZE, VAULT_SIZE = 4_190_000, 4_000_000
#: Rooms of an account that lists them, and accounts that a Commit is to remove.
ROOM_COUNT, ROSTER_SIZE = 1_000, 4_000
#: Records without content, sealed at once.
RECORD_COUNT = 2_000
#: The niceness of a flood's process.
LOWEST_PRIORITY = 19
#: Seconds between two looks whether to flood.
PATIENCE = 0.005


class Flood(StrEnum):
    """What the flood is made of."""

    MESSAGES = "messages"
    FETCHES = "fetches"
    PINGS = "pings"
    UNREAD = "unread"
    HANDSHAKES = "handshakes"
    LOGINS = "logins"
    RECORDS = "records"
    RESETS = "resets"
    STATES = "states"
    ROOMS = "rooms"
    VAULTS = "vaults"
    ROSTERS = "rosters"


class Tap:
    """Lets the measuring process turn a flood on and off, and counts what came of it."""

    def __init__(self, running: Event, answered: "Synchronized[int]") -> None:
        self._running = running
        self._answered = answered

    async def closed(self) -> None:
        """Wait until the flood is to stop."""
        while self._running.is_set():  # noqa: ASYNC110 another process's event, which nothing can await
            await asyncio.sleep(PATIENCE)

    async def opened(self) -> None:
        """Wait until it is time to flood."""
        while not self._running.is_set():  # noqa: ASYNC110 another process's event, which nothing can await
            await asyncio.sleep(PATIENCE)

    def count(self, _number: int = 0) -> None:
        """One request was answered."""
        self._answered.value += 1


def flood(guest: Guest, kind: Flood, running: Event, answered: "Synchronized[int]") -> None:
    """The process: floods whenever ``running`` is set, until it is ended."""
    _stand_back()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_FLOODS[kind](guest, Tap(running, answered)))


def _stand_back() -> None:
    """Run only while nobody else wants to: on one machine the flood's own work would pass for the server's delay."""
    if sys.platform == "linux":
        # A low priority alone still keeps who wakes up waiting until its slice of some milliseconds ends.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    elif sys.platform != "win32":
        os.setpriority(os.PRIO_PROCESS, 0, LOWEST_PRIORITY)


async def _fill(guest: Guest, line: Line) -> None:
    for _ in range(MAX_FETCH):
        await line.call(guest.message(ENTRY_SIZE), replies.Published)


async def _repeat(line: Line, tap: Tap, make: Callable[[], requests.Request]) -> None:
    """Keep ``DEPTH`` requests in flight."""
    news, in_flight = asyncio.Event(), 0

    def answered(number: int) -> None:
        nonlocal in_flight
        in_flight -= 1
        tap.count(number)
        news.set()

    line.answered = answered
    while not line.lost.is_set():
        await tap.opened()
        while in_flight < DEPTH:
            line.send(make())
            in_flight += 1
        line.flush()
        news.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), 1)


async def _messages(guest: Guest, tap: Tap) -> None:
    await _repeat(await guest.come(), tap, lambda: guest.message(MESSAGE_SIZE))


async def _fetches(guest: Guest, tap: Tap) -> None:
    line = await guest.come()
    await _fill(guest, line)
    await _repeat(line, tap, lambda: requests.Fetch(guest.room, 0, MAX_FETCH))


async def _pings(guest: Guest, tap: Tap) -> None:
    await _repeat(await guest.come(), tap, requests.Ping)


async def _logins(guest: Guest, tap: Tap) -> None:
    ke1 = start_login(b"a guess", system_entropy)[1]
    await _repeat(await guest.place.connect(), tap, lambda: requests.LoginStart("somebody", recovery=False, ke1=ke1))


async def _unread(guest: Guest, tap: Tap) -> None:
    """Ask for everything and read nothing."""
    await _fill(guest, await guest.come())
    while True:
        await tap.opened()
        line = await guest.come()
        line.transport.pause_reading()
        for _ in range(DEPTH):
            line.send(requests.Fetch(guest.room, 0, MAX_FETCH))
            tap.count()
        line.flush()
        await tap.closed()
        line.transport.abort()


async def _handshakes(guest: Guest, tap: Tap) -> None:
    """The same first message again and again: it costs the server a handshake, and who sends it nothing."""
    channel = ClientConnection(HYBRID, pin=guest.place.server_id, entropy=system_entropy, now=SystemClock().now())
    first = channel.data_to_send(SystemClock().now())

    async def one_after_another() -> None:
        while True:
            await tap.opened()
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(guest.place.host, guest.place.port)
                writer.write(first)
                if await reader.read(1):
                    tap.count()
                writer.transport.abort()

    await asyncio.gather(*(one_after_another() for _ in range(WIDTH)))


async def _records(guest: Guest, tap: Tap) -> None:
    """Records that carry nothing, from somebody who has not even logged in."""
    line = await guest.place.connect()
    while True:
        await tap.opened()
        padding = []
        for _ in range(RECORD_COUNT):
            line.channel.send_padding(0, SystemClock().now())
            padding.append(line.channel.data_to_send(SystemClock().now()))
        line.transport.write(b"".join(padding))
        await line.call(requests.Ping(), replies.Done)
        tap.count()


async def _resets(guest: Guest, tap: Tap) -> None:
    """Connections that are reset as soon as they are there."""

    async def one_after_another() -> None:
        while True:
            await tap.opened()
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(guest.place.host, guest.place.port)
                plug: socket.socket = writer.get_extra_info("socket")
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                tap.count()

    await asyncio.gather(*(one_after_another() for _ in range(WIDTH)))


async def _states(guest: Guest, tap: Tap) -> None:
    """The largest answer that there is."""
    line, room = await guest.come(), system_entropy(len(guest.room))
    await line.call(requests.CreateRoom(room, RETENTION, bytes(STATE_SIZE), bytes(STATE_SIZE)), replies.Done)
    await _repeat(line, tap, lambda: requests.FetchGroupState(room, 0))


async def _rooms(guest: Guest, tap: Tap) -> None:
    line = await guest.come()
    for _ in range(ROOM_COUNT):
        room = system_entropy(len(guest.room))
        await line.call(requests.CreateRoom(room, RETENTION, b"info", b"tree"), replies.Done)
    await _repeat(line, tap, requests.ListRooms)


async def _vaults(guest: Guest, tap: Tap) -> None:
    """Large requests that are refused, because their version is not the next one."""
    await _repeat(await guest.come(), tap, lambda: requests.PutVault(0, bytes(VAULT_SIZE)))


async def _rosters(guest: Guest, tap: Tap) -> None:
    """Commits that remove thousands of accounts that nobody has."""
    await _repeat(await guest.come(), tap, lambda: guest.commit(ROSTER_SIZE))


_FLOODS = {
    Flood.MESSAGES: _messages,
    Flood.FETCHES: _fetches,
    Flood.PINGS: _pings,
    Flood.UNREAD: _unread,
    Flood.HANDSHAKES: _handshakes,
    Flood.LOGINS: _logins,
    Flood.RECORDS: _records,
    Flood.RESETS: _resets,
    Flood.STATES: _states,
    Flood.ROOMS: _rooms,
    Flood.VAULTS: _vaults,
    Flood.ROSTERS: _rosters,
}
