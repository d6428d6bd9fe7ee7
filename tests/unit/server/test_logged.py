"""What stands in a server's log at the level that is usual: that things happened, and to nobody by name."""

import asyncio
import base64
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
import structlog

from entrenous.cli.logs import LogFormat, LogLevel, configure
from entrenous.cli.server.run import _tell_mistake
from entrenous.errors import CryptoError
from entrenous.server import Limits, Rate
from entrenous.server.network.proxied import Balancers, ProxiedLink
from entrenous.server.store import Transaction
from entrenous.testing import connect_in_memory, run_virtual
from entrenous.wire import requests
from proxy_headers import header4
from server_people import Person, Silent, World, silent

#: A client's address that a balancer tells, and those of connections.
ADDRESSES = ("203.0.113.77", "192.0.2.1", "192.0.2.9", "10.1.2.3")
ROOM = 0xFEEDFACECAFEBEEF1234567890ABCDEF
NAMES = ("alice-liddell", "bob-roberts")
WORDS = ("words of a message", "wrong password of hers")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    yield stream
    structlog.reset_defaults()


def spellings(value: bytes) -> Iterable[str]:
    """How an id may stand in a text, also cut short."""
    yield value.hex()[:8]
    yield base64.b64encode(value).decode()[:8]
    yield base64.urlsafe_b64encode(value).decode()[:8]
    yield repr(value)[2:-1][:12]
    yield str(int.from_bytes(value, "big"))


async def everything(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Person]:
    """Ordinary things, refused ones, hostile ones, and mistakes of ours with somebody's ids in their words."""
    server = world.memory.server
    alice, bob = [await world.person(name) for name in NAMES]
    room = await alice.create_room(ROOM)
    base = await alice.add(room, bob)
    await alice.publish(room, WORDS[0].encode(), base)
    await bob.publish(room, b"late", 0)
    for _ in range(4):
        await alice.client.call(requests.FindAccount(NAMES[1]))
    stranger = await world.connect()
    with pytest.raises(CryptoError):
        await bob.password_login(stranger, WORDS[1].encode())
    await stranger.call(requests.LoginFinish(bytes(64)))
    # Rubbish, silence, and a balancer that says nothing.
    rubbish, transport, _ = silent(world, ADDRESSES[2])
    transport.write(b"\xff" * 100)
    await rubbish.ended.wait()
    quiet, _, _ = silent(world, ADDRESSES[2])
    await quiet.ended.wait()
    await beside_a_balancer(world)
    # A bug of ours, one of the driver's, and one in a callback.
    with monkeypatch.context() as patch:
        patch.setitem(dict_of(server.services.by_callback), requests.Publish, lambda *_: mistake(alice.account))
        await alice.publish(room, b"", base)

    def broken(tx: Transaction) -> None:
        raise KeyError(alice.account, NAMES[0])

    with pytest.raises(Exception, match="could not"):
        await server.storage.write(broken)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_tell_mistake)
    loop.call_soon(fail_with, room)
    await asyncio.sleep(1)
    server.reload(replace(server.settings, sweep_seconds=5.0))
    await server.sweep()
    return [alice, bob]


async def beside_a_balancer(world: World) -> None:
    host = world.memory.server._host
    for said in (b"\xff" * 20, header4(ADDRESSES[0]) + b"\xff" * 40):
        peer = Silent()
        link = ProxiedLink(host, Balancers((ip_network("10.0.0.0/8"),)), lambda address: world_link(world, address))
        transport, _ = connect_in_memory(peer, link, address=ADDRESSES[3])
        await asyncio.sleep(0.01)
        transport.write(said)
        await peer.ended.wait()


def world_link(world: World, address: str | None) -> asyncio.Protocol:
    from entrenous.server.network.connection import ClientLink

    return ClientLink(world.memory.server._host, address)


def dict_of(table: object) -> dict[object, object]:
    assert isinstance(table, dict)
    return table


def mistake(account: bytes) -> None:
    raise KeyError(account, NAMES[0])


def fail_with(room: bytes) -> None:
    raise ValueError(room)


@pytest.mark.parametrize("form", list(LogFormat))
def test_the_log_names_nobody_at_the_usual_level(
    form: LogFormat, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(LogLevel.INFO, form, log)

    async def main() -> tuple[list[bytes], str]:
        async with await World.start(limits=Limits(lookups=Rate(2, 1e6))) as world:
            people = await everything(world, monkeypatch)
            ids = [each for person in people for each in (person.account, person.device)]
            return [*ids, ROOM.to_bytes(16, "big")], world.memory.server.server_id.hex()

    ids, server_id = run_virtual(main())
    text = log.getvalue()
    # The server's own id is no secret: it stands in every link.
    found = text.replace(server_id, "")
    secrets = [*NAMES, *ADDRESSES, *WORDS, *(spelling for value in ids for spelling in spellings(value))]
    assert [secret for secret in secrets if secret in found] == []
    events = {
        "connection.failed", "connection.timed_out", "connection.no_proxy_header", "request.failed",
        "storage.operation_failed", "loop.mistake", "server.limits_reached", "server.reloaded", "server.opened",
        "server.closed",
    }  # fmt: skip
    assert {event for event in events if event not in text} == set()
    if form is LogFormat.JSON:
        lines = [json.loads(line) for line in text.splitlines()]
        assert {line["event"] for line in lines} == events
        assert {line["level"] for line in lines} <= {"info", "warning", "error"}


def test_an_error_is_shown_by_its_type_and_place_without_its_words(log: io.StringIO) -> None:
    configure(LogLevel.INFO, LogFormat.JSON, log)
    try:
        try:
            fail_with(b"a room")
        except ValueError as error:
            raise CryptoError from error
    except CryptoError as error:
        structlog.get_logger().error("happened", exc_info=error)
        structlog.get_logger().exception("happened")
    first, second = (json.loads(line)["exception"] for line in log.getvalue().splitlines())
    place = r"test_logged\.py:\d+"
    expected = rf"CryptoError: verification failed at {place} \w+; after ValueError at {place} \w+ > {place} fail_with"
    assert re.fullmatch(expected, first)
    assert first == second


def test_debug_tells_the_operator_who_asked_for_what(log: io.StringIO) -> None:
    """What docs/threat-model.md says of this level, so that nobody chooses it without knowing."""
    configure(LogLevel.DEBUG, LogFormat.JSON, log)

    async def main() -> Person:
        async with await World.start() as world:
            alice = await world.person("alice")
            await alice.publish(await alice.create_room(ROOM), b"hello")
            return alice

    alice = run_virtual(main())
    text = log.getvalue()
    assert alice.account.hex()[:16] in text
    assert f"{ROOM:032x}"[:16] in text
    assert [word for word in ("alice", "hello", ADDRESSES[1]) if word in text] == []


def test_a_published_message_is_told_with_its_connection_as_long_as_debug_lines_are_shown(log: io.StringIO) -> None:
    def told() -> list[tuple[int, bytes]]:
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        log.seek(0)
        log.truncate()
        published = [line for line in lines if line.get("request") == "Publish"]
        assert all(line["event"] == "request.answered" for line in published)
        return [(line["connection"], line["room"]) for line in published]

    async def main() -> None:
        async with await World.start() as world:
            people = [await world.person(name) for name in NAMES]
            rooms = [await person.create_room(ROOM + number) for number, person in enumerate(people)]
            for level, shown in ((LogLevel.INFO, 0), (LogLevel.DEBUG, 2), (LogLevel.INFO, 0)):
                configure(level, LogFormat.JSON, log)
                # In one turn of the loop, and so in one batch of the store.
                pending = [
                    each.client.start(each.publish_request(room)) for each, room in zip(people, rooms, strict=True)
                ]
                await asyncio.gather(*pending)
                found = told()
                assert len({connection for connection, _ in found}) == len(found) == shown

    run_virtual(main())


def test_connections_are_told_of_as_long_as_debug_lines_are_shown(log: io.StringIO) -> None:
    async def main() -> None:
        async with await World.start() as world:
            for level, shown in ((LogLevel.INFO, 0), (LogLevel.DEBUG, 1), (LogLevel.INFO, 0)):
                configure(level, LogFormat.JSON, log)
                client = await world.connect()
                client.transport.close()
                await asyncio.sleep(1)
                events = [json.loads(line)["event"] for line in log.getvalue().splitlines()]
                log.seek(0)
                log.truncate()
                told = [events.count(f"connection.{what}") for what in ("opened", "secured", "closed")]
                assert told == [shown] * 3

    run_virtual(main())
