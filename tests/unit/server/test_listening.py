"""Taking connections: a few in one turn, all in the end, and never for good without."""

import asyncio
import errno
import socket
from typing import Any

import pytest

from entrenous.server import listening
from entrenous.server.limits import Rate
from entrenous.server.listening import Listener
from entrenous.server.pacing import Courtesy

CROWD = 40


class Guests:
    """Whom a listener has taken."""

    def __init__(self) -> None:
        self.taken = 0
        self.came = asyncio.Event()

    def factory(self) -> asyncio.Protocol:
        return _Guest(self)

    async def all(self, number: int) -> None:
        while self.taken < number:
            await self.came.wait()
            self.came.clear()


class _Guest(asyncio.Protocol):
    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._guests.taken += 1
        self._guests.came.set()
        transport.close()


async def listen(guests: Guests, host: str | None = "127.0.0.1", **options: Any) -> Listener:
    return await Listener.open(host, 0, guests.factory, Rate(4, 0.002), Courtesy(), **options)


async def test_more_than_one_turn_takes_are_all_taken_in_the_end_and_counted() -> None:
    guests, reached = Guests(), list[int]()
    listener = await listen(guests, reached=lambda: reached.append(1))
    crowd = [socket.create_connection(listener.address) for _ in range(CROWD)]
    await guests.all(CROWD)
    assert 1 <= len(reached) <= CROWD // 4
    for each in crowd:
        each.close()
    await listener.close()


async def test_every_interface_is_one_port() -> None:
    guests = Guests()
    listener = await listen(guests, None)
    port = listener.address[1]
    with socket.create_connection(("127.0.0.1", port)):
        await guests.all(1)
    if listener.address[0] == "::":
        with socket.create_connection(("::1", port)):
            await guests.all(2)
    await listener.close()


async def test_nobody_is_taken_after_the_end() -> None:
    listener = await listen(Guests())
    address = listener.address
    await listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


async def test_a_machine_without_descriptors_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, guests, failures = asyncio.get_running_loop(), Guests(), [errno.ECONNABORTED, errno.EMFILE]
    accept = loop.sock_accept

    async def sometimes(plug: socket.socket) -> tuple[socket.socket, Any]:
        if failures:
            raise OSError(failures.pop(), "")
        return await accept(plug)

    monkeypatch.setattr(loop, "sock_accept", sometimes)
    monkeypatch.setattr(listening, "RETRY_SECONDS", 0.01)
    listener = await listen(guests)
    with socket.create_connection(listener.address):
        await guests.all(1)
    assert not failures
    await listener.close()


async def test_an_address_that_is_taken_is_an_error_and_leaves_nothing_open() -> None:
    first = await listen(Guests())
    with pytest.raises(OSError, match="in use") as caught:
        await Listener.open(*first.address, Guests().factory, Rate(1, 0.001), Courtesy())
    assert caught.value.errno == errno.EADDRINUSE
    with pytest.raises(socket.gaierror):
        await listen(Guests(), "no.such.host.invalid")
    await first.close()
