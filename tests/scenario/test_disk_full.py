"""A disk that is full, on either side: a typed error, nothing acknowledged, and all goes on when there is space."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import event

from crashes.watching import Notes, watched
from entrenous.client import History, SendText
from entrenous.client.store import Store, outbox
from entrenous.errors import UnavailableError
from entrenous.server.store import Transaction
from entrenous.server.store.batches import SqliteBatches
from entrenous.testing import run_virtual
from entrenous.testing.members import Person, World
from entrenous.wire import replies, requests
from full_disks import Disk, may_mount, page_limit, start_server, tiny_filesystem
from room_logs import acknowledged, assert_all_read_the_same, assert_one_log, server_log
from worlds import garden

Mount = Callable[[Path], AbstractContextManager[Disk]]

#: Messages that do not fit into what is left of any page.
FIRST, SECOND, LAST = (letter * 30_000 for letter in "123")
#: Virtual seconds in which everybody tries again more than once.
A_WHILE = 20.0

on_each_disk = pytest.mark.parametrize(
    "mount",
    [
        pytest.param(page_limit, id="page limit"),
        pytest.param(
            tiny_filesystem,
            id="tiny filesystem",
            marks=pytest.mark.skipif(not may_mount(), reason="mounting a filesystem needs root on Linux"),
        ),
    ],
)


async def texts(person: Person, room: bytes) -> list[str]:
    return [line.text for line in await person.do(History(room)) if line.text in {FIRST, SECOND, LAST}]


@on_each_disk
def test_a_client_whose_disk_is_full_says_so_acknowledges_nothing_and_goes_on_when_there_is_space(
    tmp_path: Path, mount: Mount
) -> None:
    async def scenario(disk: Disk, notes: Notes) -> None:
        server = await start_server(tmp_path / "server", "server")
        async with await World.open(tmp_path, seed="full client", server=server, trace=notes) as world:
            bob = await world.person("bob")
            world.directory = disk.folder
            alice = await world.person("alice")
            room = await garden(bob, alice)
            await asyncio.sleep(A_WHILE)
            run = statements_of(alice)
            disk.fill(run)
            with pytest.raises(UnavailableError, match="full"):
                await alice.do(SendText(room, FIRST))
            assert await texts(alice, room) == []
            before = await acknowledged_by(alice, world, room)
            await bob.says(room, SECOND)
            await asyncio.sleep(A_WHILE)
            assert await texts(alice, room) == []
            assert await acknowledged_by(alice, world, room) == before
            disk.free(run)
            await alice.reads(SECOND)
            await alice.says(room, LAST)
            await bob.reads(LAST)
            await alice.reads(LAST)
            await asyncio.sleep(A_WHILE)
            log = server_log(tmp_path / "server" / "server.db", room)
            assert await acknowledged_by(alice, world, room) == log[-1].sequence
            assert_one_log(room, log, (alice, bob))
            assert_all_read_the_same(room, (alice, bob))
            assert await texts(bob, room) == [SECOND, LAST]

    with mount(tmp_path / "disk") as disk, watched() as notes:
        run_virtual(scenario(disk, notes))


@on_each_disk
def test_a_server_whose_disk_is_full_says_so_acknowledges_nothing_and_goes_on_when_there_is_space(
    tmp_path: Path, mount: Mount
) -> None:
    async def scenario(disk: Disk, notes: Notes) -> None:
        server = await start_server(disk.folder / "server", "server")
        async with await World.open(tmp_path, seed="full server", server=server, trace=notes) as world:
            alice, bob = await world.people("alice", "bob")
            room = await garden(alice, bob)
            before = server_log(disk.folder / "server" / "server.db", room)
            run = statements_of_server(world)
            disk.fill(run)
            message = await alice.do(SendText(room, FIRST))
            await asyncio.sleep(A_WHILE)
            assert message.message_id not in acknowledged(alice)
            waiting = outbox.by_message_id(alice.store, message.message_id)
            assert waiting is not None
            assert waiting.entry is not None
            base = alice.running._hall.get(room).room.standing.base
            again = requests.Publish(room, base, message.message_id, waiting.entry)
            with pytest.raises(UnavailableError, match="could not"):
                await alice.running._services.caller.call(again, replies.Published)
            assert alice.running.is_connected
            assert server_log(disk.folder / "server" / "server.db", room) == before
            disk.free(run)
            await bob.reads(FIRST)
            await bob.says(room, LAST)
            await alice.reads(LAST)
            log = server_log(disk.folder / "server" / "server.db", room)
            assert [entry.message_id for entry in log].count(message.message_id) == 1
            assert_one_log(room, log, (alice, bob))
            assert_all_read_the_same(room, (alice, bob))

    with mount(tmp_path / "disk") as disk, watched() as notes:
        run_virtual(scenario(disk, notes))


def test_a_client_that_cannot_clear_its_disk_as_it_closes_ends_all_the_same_and_says_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with await World.open(tmp_path, seed="closing") as world:
            (alice,) = await world.people("alice")
            listener = asyncio.ensure_future(to_the_end(alice))
            await asyncio.sleep(0)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Store, "scrub", refuse)
                with pytest.raises(UnavailableError):
                    await alice.running.close()
            await asyncio.wait_for(listener, A_WHILE)
            await asyncio.wait_for(alice.running.run(), A_WHILE)

    run_virtual(scenario())


def refuse(_: Store) -> None:
    raise UnavailableError("database or disk is full")


async def to_the_end(person: Person) -> None:
    async for _ in person.running.events():
        pass


def statements_of(person: Person) -> Callable[[str], Any]:
    def run(sql: str) -> Any:
        row = person.store.one(sql)
        assert row is not None
        return row[0]

    return run


def statements_of_server(world: World) -> Callable[[str], Any]:
    """On the connection of the server's own, whose operations run in this thread."""
    storage = world.server.server.storage
    limits: list[str] = []

    def prepare(connection: Any, _record: object) -> None:
        for limit in limits:
            connection.execute(limit)

    # A server that meets a full disk may open its database anew, and the disk is as full then.
    event.listen(storage._engine, "connect", prepare)

    def run(sql: str) -> Any:
        if "max_page_count =" in sql:
            limits[:] = [sql]
        batches = cast("SqliteBatches", storage._batches)
        batches._connection = batches._connection or storage._engine.connect()
        cursor = batches._connection.connection.cursor()
        cursor.execute(sql)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else row[0]

    return run


async def acknowledged_by(person: Person, world: World, room: bytes) -> int:
    """How far the server believes that somebody has come."""
    device = person.running._services.device.device_id

    def operation(tx: Transaction) -> int:
        cursor = tx._cursor
        cursor.execute("SELECT sequence FROM cursors WHERE room = ? AND device = ?", (room, device))
        row = cursor.fetchone()
        return 0 if row is None else int(row[0])

    return await world.server.server.storage.read(operation)
