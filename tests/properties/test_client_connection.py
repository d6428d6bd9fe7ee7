"""Whatever a server says after the handshake, and whenever: a connection ends in one of our errors, or goes on."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from entrenous.channel import State
from entrenous.client.session import Connection, open_connection
from entrenous.errors import EntrenousError
from entrenous.testing import run_virtual
from entrenous.wire import Entry, encode_answer, encode_event, events, replies, requests
from scripted_server import ScriptedServer, environment

ENTRY = Entry(1, bytes(12), b"entry", 0)
said = st.one_of(
    st.binary(max_size=40),
    st.integers(1, 6).map(lambda number: encode_answer(number, replies.Done())),
    st.integers(1, 6).map(lambda number: encode_answer(number, replies.Rooms(()))),
    st.just(encode_event(events.NewEntry(bytes(16), ENTRY))),
)
steps = st.one_of(
    st.tuples(st.just("say"), said),
    st.tuples(st.just("raw"), st.binary(max_size=40)),
    st.tuples(st.sampled_from(["call", "cancel", "wait", "goodbye", "cut", "close", "abort", "flip"]), st.just(b"")),
)


@settings(max_examples=60)
@given(st.lists(steps, max_size=12))
def test_any_order_of_anything_ends_in_our_errors(script: list[tuple[str, bytes]]) -> None:
    run_virtual(play(script))


class Stage:
    """A connection, its server, and one method per step."""

    def __init__(self, server: ScriptedServer, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self.calls: list[asyncio.Future[replies.Done]] = []

    def say(self, data: bytes) -> None:
        peer = self.server.newest
        if not peer.is_lost and peer.channel.state is State.OPEN:
            peer.say_bytes(data)

    def raw(self, data: bytes) -> None:
        self.server.wires[0].server.write(data)

    def call(self, _: bytes) -> None:
        self.calls.append(asyncio.ensure_future(self.connection.call(requests.Ping(), replies.Done)))

    def cancel(self, _: bytes) -> None:
        for call in self.calls[-1:]:
            call.cancel()

    def goodbye(self, _: bytes) -> None:
        self.server.newest.goodbye()

    def cut(self, _: bytes) -> None:
        self.server.wires[0].cut()

    def close(self, _: bytes) -> None:
        self.connection.close()

    def abort(self, _: bytes) -> None:
        self.connection.abort("enough")

    def flip(self, _: bytes) -> None:
        self.server.wires[0].tamper = lambda data, upward: data[:-1] + bytes([data[-1] ^ 1])


async def play(script: list[tuple[str, bytes]]) -> None:
    leaks: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: leaks.append(context))
    server = ScriptedServer(lambda request: None)
    stage = Stage(server, await open_connection(server, environment(), pin=server.identity.server_id))
    for step, data in script:
        if step == "wait":
            await asyncio.sleep(5)
        else:
            getattr(stage, step)(data)
        await asyncio.sleep(0)
    for call in stage.calls:
        try:
            assert await call == replies.Done()
        except (EntrenousError, asyncio.CancelledError):
            continue
    stage.connection.close()
    await asyncio.sleep(1)
    assert isinstance(stage.connection.closed.result(), EntrenousError)
    assert leaks == []
