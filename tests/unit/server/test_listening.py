"""Taking connections: a few in one turn, all in the end, and never for good without."""

import asyncio
import errno
import socket
from typing import Any

import pytest

from entrenous.server.configuration.hosts import from_here, is_everywhere
from entrenous.server.configuration.limits import Rate
from entrenous.server.network import listening
from entrenous.server.network.listening import Listener
from entrenous.server.sessions.pacing import Courtesy

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


@pytest.mark.parametrize("host", [None, "0.0.0.0", "::", "127.0.0.1"])  # noqa: S104 it is what is tested
async def test_what_listens_at_every_address_is_found_from_beside_it(host: str | None) -> None:
    if host == "::" and not _has_ipv6():
        pytest.skip("there is no IPv6 here")
    guests = Guests()
    listener = await listen(guests, host)
    assert is_everywhere(host) == (host != "127.0.0.1")
    assert is_everywhere(listener.address[0]) == is_everywhere(host)
    for where in (host, listener.address[0]):
        with socket.create_connection((from_here(where), listener.address[1])):
            await guests.all(1)
    await listener.close()


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as plug:
            plug.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_nobody_is_taken_after_the_end() -> None:
    listener = await listen(Guests())
    address = listener.address
    await listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


@pytest.mark.parametrize("turns", range(3))
async def test_who_ends_it_may_be_cancelled_himself_and_nobody_is_taken_all_the_same(turns: int) -> None:
    listener = await listen(Guests())
    address = listener.address
    await asyncio.sleep(0)
    closing = asyncio.create_task(listener.close())
    for _ in range(turns):
        await asyncio.sleep(0)
    is_over = closing.done()
    closing.cancel()
    await asyncio.wait([closing])
    assert closing.cancelled() == (not is_over)
    if turns == 0:
        # It was never begun.
        await listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


async def test_a_machine_without_descriptors_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    guests, failures = Guests(), [errno.ECONNABORTED, errno.EMFILE]
    accept = socket.socket.accept

    def sometimes(plug: socket.socket) -> tuple[socket.socket, Any]:
        if failures:
            raise OSError(failures.pop(), "")
        return accept(plug)

    monkeypatch.setattr(socket.socket, "accept", sometimes)
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


async def test_a_name_whose_address_is_told_twice_is_listened_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    look_up = loop.getaddrinfo

    async def twice(*args: Any, **options: Any) -> Any:
        return 2 * await look_up(*args, **options)

    monkeypatch.setattr(loop, "getaddrinfo", twice)
    guests = Guests()
    listener = await listen(guests)
    with socket.create_connection(listener.address):
        await guests.all(1)
    await listener.close()


@pytest.mark.parametrize("number", [errno.EADDRINUSE, errno.EACCES])
async def test_a_port_that_is_free_in_one_family_only_is_given_back_where_any_will_do(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    bind, failures, made = listening._bind, [number], list[socket.socket]()

    def sometimes(family: int, address: tuple[object, ...], port: int) -> socket.socket:
        if made and failures:
            raise OSError(failures.pop(), "")
        made.append(bind(family, ("127.0.0.1", 0), 0))
        return made[-1]

    monkeypatch.setattr(listening, "_bind", sometimes)
    places = [(socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET, ("127.0.0.2", 0))]
    if number == errno.EADDRINUSE:
        plugs = listening._bind_all(places, 0)
        assert plugs == made[1:]
        for plug in plugs:
            plug.close()
    else:
        with pytest.raises(OSError, match="Errno"):
            listening._bind_all(places, 0)
    assert all(plug.fileno() == -1 for plug in made)


async def test_a_connection_that_cannot_be_made_ends_and_the_next_one_is_taken() -> None:
    guests, failures = Guests(), ["a bug"]

    def factory() -> asyncio.Protocol:
        if failures:
            raise LookupError(failures.pop())
        return guests.factory()

    listener = await Listener.open("127.0.0.1", 0, factory, Rate(4, 0.002), Courtesy())
    with socket.create_connection(listener.address) as first, socket.create_connection(listener.address):
        await guests.all(1)
        assert first.recv(1) == b""
    await listener.close()


@pytest.mark.parametrize("turns", range(4))
async def test_whoever_comes_in_the_turn_of_the_end_troubles_nobody(turns: int) -> None:
    loop, troubles = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _loop, context: troubles.append(context))
    listener = await listen(Guests())
    await asyncio.sleep(0)
    with socket.socket() as late:
        late.setblocking(False)
        late.connect_ex(listener.address)
        for _ in range(turns):
            await asyncio.sleep(0)
        address = listener.address
        await listener.close()
        await asyncio.sleep(0)
    assert listener.address == address
    assert not troubles
