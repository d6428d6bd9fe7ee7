"""What a connection writes reaches the socket whole and in order, whether the system or the transport takes it."""

import asyncio
import os
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from entrenous.channel import ServerConnection, State
from entrenous.server.clock import SystemClock
from entrenous.server.network.flushing import Flushes
from entrenous.server.network.sending import Outgoing

#: More than a socket's buffers hold.
LARGE = 4 << 20


@dataclass
class Channel:
    """A channel that seals nothing: each write is what was queued since the last one."""

    state: State = State.OPEN
    queued: int = 0
    parts: deque[bytes] = field(default_factory=deque)

    def queue_framed(self, data: bytes) -> None:
        self.parts.append(data)
        self.queued += len(data)

    def data_to_send(self, _now: float, _most: int) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        self.queued = 0
        return data


class Owner(asyncio.Protocol):
    """The connection."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.outgoing: Outgoing
        #: Whether the socket's number was still its own when this was told that the connection is gone.
        self.was_open = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.was_open = _is_open(self.outgoing._plug)
        self.outgoing.lost()
        self.lost.set()

    def label_log(self) -> None:
        raise AssertionError

    def flushed(self, *, wrote: bool) -> None:
        assert wrote


class Watched:
    """A transport, as it is written to."""

    def __init__(self, transport: asyncio.Transport, *, tells_socket: bool) -> None:
        self._transport = transport
        self._tells_socket = tells_socket
        self.written: list[bytes] = []

    def get_extra_info(self, name: str) -> object:
        return self._transport.get_extra_info(name) if self._tells_socket else None

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@asynccontextmanager
async def connected(*, tells_socket: bool = True) -> AsyncIterator[tuple[Outgoing, Watched, socket.socket]]:
    near, far = socket.socketpair()
    with far:
        far.setblocking(False)
        transport, owner = await asyncio.get_running_loop().create_connection(Owner, sock=near)
        owner.outgoing = Outgoing(owner, Flushes(SystemClock()), is_traced=False)
        watched = Watched(transport, tells_socket=tells_socket)
        owner.outgoing.open(cast("ServerConnection", Channel()), cast("asyncio.Transport", watched))
        try:
            yield owner.outgoing, watched, far
        finally:
            transport.abort()
            await owner.lost.wait()


async def read(far: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        found += await asyncio.get_running_loop().sock_recv(far, 1 << 20)
    return bytes(found)


async def say(outgoing: Outgoing, data: bytes) -> None:
    assert outgoing.push(data)
    await asyncio.sleep(0)


async def test_what_the_system_takes_is_not_given_to_the_transport() -> None:
    async with connected() as (outgoing, transport, far):
        await say(outgoing, b"one")
        await say(outgoing, b"two")
        assert far.recv(100) == b"onetwo"
        assert transport.written == []
        assert outgoing.backlog == 0


async def test_the_transport_has_what_the_system_does_not_take_and_nothing_gets_ahead_of_it() -> None:
    text = os.urandom(LARGE)
    async with connected() as (outgoing, transport, far):
        await say(outgoing, text)
        (rest,) = transport.written
        assert text.endswith(rest)
        assert outgoing.backlog == len(rest)
        for number in range(3):
            await say(outgoing, b"behind it %d" % number)
        assert outgoing.push(b"too much", most=len(rest)) is False
        assert outgoing.push(b", at last", most=2 * LARGE) is True
        behind = b"behind it 0behind it 1behind it 2, at last"
        assert await read(far, LARGE + len(behind)) == text + behind
        assert outgoing.backlog == 0
        given = len(transport.written)
        await say(outgoing, b"by itself again")
        assert await read(far, 15) == b"by itself again"
        assert len(transport.written) == given


async def test_a_transport_whose_socket_is_not_known_has_everything() -> None:
    async with connected(tells_socket=False) as (outgoing, transport, far):
        await say(outgoing, b"one")
        await say(outgoing, b"two")
        assert await read(far, 6) == b"onetwo"
        assert transport.written == [b"one", b"two"]


async def test_a_client_who_is_gone_ends_the_connection_and_who_gets_its_number_next_hears_nothing() -> None:
    near, other = socket.socketpair()
    with near, other:
        other.setblocking(False)
        async with connected() as (outgoing, _, far):
            owner, number = cast("Owner", outgoing._owner), outgoing._plug
            far.close()
            await say(outgoing, b"to nobody")
            await owner.lost.wait()
            assert owner.was_open
            assert not _is_open(number)
            os.dup2(near.fileno(), number)
            try:
                assert outgoing.push(b"and no more")
                outgoing.flush(0.0)
                assert outgoing.backlog == 0
                with pytest.raises(BlockingIOError):
                    other.recv(1)
            finally:
                os.close(number)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("state", [State.CLOSING, State.CLOSED])
async def test_nothing_is_queued_for_a_channel_that_is_closing(state: State) -> None:
    async with connected() as (outgoing, transport, _):
        channel = cast("Channel", outgoing._channel)
        channel.state = state
        assert outgoing.push(b"text")
        assert channel.queued == 0
        assert transport.written == []
