"""A real server in memory, and three connections that ask it anything in any order.

An input is a script of steps, each an opcode, a length of two bytes and that many bytes. The server, its people and
its ids are the same for every input, so that what a seed names is there. A witness on another connection must be served
when the script is over, whatever was in it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import structlog

from entrenous.channel import MessageReceived, State
from entrenous.server import Limits
from entrenous.testing import run_virtual
from entrenous.wire import EVENT_NUMBER, RosterAction, decode_from_server, encode_call, replies, requests
from fuzz import real, rooms
from fuzz.frames import CALLS
from fuzz.target import Target
from server_people import Person, RawClient, World

#: Opcodes, modulo their number: what the connection ``opcode // 8 % 3`` does.
_CALL, _MESSAGE, _LOG_IN, _CALL_NOW, _RECONNECT, _PASSWORD, _BYTES, _FILL = range(8)
#: Steps of a script that are played; the rest is left out.
_MOST_STEPS = 40
_CONNECTIONS = 3


def server_calls(data: bytes) -> None:
    """Play the script."""
    with _errors_logged() as errors:
        run_virtual(_play(list(_steps(data))))
    assert not errors, errors


def _steps(data: bytes) -> Iterator[tuple[int, bytes]]:
    for _ in range(_MOST_STEPS):
        if len(data) < 3:
            return
        size = int.from_bytes(data[1:3], "big")
        yield data[0], data[3 : 3 + size]
        data = data[3 + size :]


def script(*steps: tuple[int, int, bytes]) -> bytes:
    """An input of steps: opcode, connection, bytes."""
    return b"".join(
        bytes([opcode + 8 * connection]) + len(body).to_bytes(2, "big") + body for opcode, connection, body in steps
    )


@contextlib.contextmanager
def _errors_logged() -> Iterator[list[Any]]:
    """What the server logs as its own mistake; the rest is not even written, for speed."""
    found: list[Any] = []
    before = structlog.get_config()

    def keep(_logger: Any, _method: str, event: Any) -> Any:
        found.append(event)
        raise structlog.DropEvent

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), processors=[keep])
    try:
        yield found
    finally:
        structlog.configure(**before)


class _Client(RawClient):
    """Takes any answer, asked for or not."""

    def _take(self, event: object) -> None:
        if isinstance(event, MessageReceived):
            number, _ = decode_from_server(event.data)
            if number != EVENT_NUMBER and number not in self._calls:
                return
        super()._take(event)


async def _play(steps: list[tuple[int, bytes]]) -> None:
    leaks: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: leaks.append(context))
    async with await World.start(limits=Limits(login_seconds=1e6)) as world:
        stage = await Stage.set_up(world)
        for opcode, body in steps:
            await stage.step(opcode, body)
        assert await stage.witness.publish(stage.home, base=1) == replies.Published(2), "the witness is not served"
    assert not leaks, leaks


class Stage:
    """A witness with a room, Alice and Bob in one room, and the connections of the script."""

    def __init__(self, world: World, witness: Person, people: list[Person]) -> None:
        self.world, self.witness, self.people = world, witness, people
        self.home, self.room = (99).to_bytes(16, "big"), (1).to_bytes(16, "big")
        self.clients: list[_Client] = []

    @classmethod
    async def set_up(cls, world: World) -> "Stage":
        """Everybody is there, and nobody on the script's connections has logged in."""
        witness = await world.person("witness")
        alice, bob = await world.person("alice"), await world.person("bob")
        stage = cls(world, witness, [alice, bob, alice])
        await witness.create_room(99)
        assert await witness.add(stage.home) == 1
        await alice.create_room(1)
        assert await alice.add(stage.room, bob) == 1
        for _ in range(_CONNECTIONS):
            stage.clients.append(await stage.connect())
        return stage

    async def connect(self) -> _Client:
        """A new connection."""
        memory = self.world.memory
        client = await memory.connector().connect(
            lambda: _Client(pin=memory.server.server_id, now=memory.clock.now(), seed=f"script {len(self.clients)}")
        )
        await client.secured.wait()
        return client

    async def step(self, opcode: int, body: bytes) -> None:
        """One step, and time enough for all that it leads to, except before _CALL_NOW."""
        index = opcode // 8 % _CONNECTIONS
        client, person = self.clients[index], self.people[index]
        opcode %= 8
        if opcode == _RECONNECT or client.ended.is_set() or client.channel.state is not State.OPEN:
            self.clients[index] = client = await self.connect()
        match opcode:
            case x if x in (_CALL, _CALL_NOW, _MESSAGE):
                client.channel.send_message(body if x == _MESSAGE else _as_call(body))
                client.flush()
            case x if x == _LOG_IN:
                await asyncio.wait([client.start(person.login_request(client))], timeout=60)
                client.channel.max_message = 8 << 20
            case x if x == _PASSWORD:
                login = asyncio.ensure_future(person.password_login(client, recovery=bool(body)))
                await asyncio.wait([login], timeout=60)
                if not login.cancel():
                    login.exception()
            case x if x == _BYTES:
                client.transport.write(body)
            case x if x == _FILL:
                for _ in range(40):
                    client.channel.send_message(_as_call(body))
                client.flush()
        if opcode != _CALL_NOW:
            await asyncio.sleep(1)


def _as_call(body: bytes) -> bytes:
    """A request with a number in front: [7, body]."""
    return b"\x92\x07" + body


def _body(request: requests.Request) -> bytes:
    return encode_call(7, request)[2:]


async def _record() -> list[bytes]:
    """Scripts that mean something: ids of accounts, devices and rooms that are there, and whole conversations."""
    async with await World.start() as world:
        stage = await Stage.set_up(world)
        alice, bob = stage.people[0], stage.people[1]
        token = (await world.memory.server.create_invite(1, 3_600)).token
        known = (
            alice.publish_request(stage.room, base=1),
            alice.commit_request(stage.room, 1, {bob: RosterAction.MAY_MANAGE}, tree=b"tree"),
            alice.commit_request(stage.room, 2, {bob: RosterAction.REMOVE}, newest=2),
            bob.publish_request(stage.room, base=1),
            requests.Fetch(stage.room, 0, 100),
            requests.FetchGroupState(stage.room, 1),
            requests.FetchRoster(stage.room),
            requests.Acknowledge(stage.room, 1),
            requests.GetAccount(bob.account),
            requests.FindAccount("bob"),
            requests.ClaimKeyPackages(bob.account),
            requests.PutKeyPackages((rooms.mls_messages()[5],), rooms.mls_messages()[5]),
            requests.FetchInbox(0),
            requests.DropInbox(1),
            requests.PutDeviceList(1, real.device_list()),
            requests.RegisterStart(token, "dave", bytes(32), bytes(32)),
        )
    logged_in = [(_LOG_IN, connection, b"") for connection in range(_CONNECTIONS)]
    at_once = [(_CALL_NOW, number % 2, _body(request)) for number, request in enumerate(known)]
    return [
        script(*logged_in, *((_CALL, 0, _body(request)) for request in known)),
        script(*logged_in, *at_once),
        script((_PASSWORD, 0, b""), *((_CALL, 0, _body(request)) for request in CALLS)),
        script((_PASSWORD, 0, b"recovery"), (_LOG_IN, 0, b""), (_FILL, 0, _body(known[0])), (_RECONNECT, 0, b"")),
        script(*((_CALL, 2, _body(request)) for request in CALLS)),
        script((_MESSAGE, 0, b"\x93"), (_BYTES, 1, bytes(40)), (_LOG_IN, 1, b""), (_CALL, 1, _body(CALLS[15]))),
        *(script((_LOG_IN, 0, b""), (_CALL, 0, _body(request))) for request in (*known, *CALLS)),
    ]


def _seeds() -> list[bytes]:
    with _errors_logged():
        return run_virtual(_record())


TARGETS = (Target("server-calls", server_calls, _seeds, longest=8000),)
