"""From SQLite to PostgreSQL: all of it, while the server runs or not, as often as it takes, and nothing of others."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select

from cluster.nodes import NEVER
from entrenous.cli.server.data import has_listened
from entrenous.cli.server.run import is_first_start
from entrenous.errors import UnavailableError
from entrenous.server import Server, Settings
from entrenous.server.nodes.moving import Moved, move
from entrenous.server.store import copying, sqlite_engine
from entrenous.testing import ADDRESS, FAST_KSF, SeededEntropy
from entrenous.testing.clock import VirtualClock
from entrenous.testing.server import MemoryServer
from entrenous.wire import requests
from postgres import PrivatePostgres
from server_people import Person, World

COUNTED = ("accounts", "devices", "entries", "inbox", "roster", "cursors", "key_packages", "group_states")


@pytest.fixture
def target(postgres: PrivatePostgres) -> str:
    return postgres.database(is_empty=True)


async def open_node(folder: Path, store: str | None = None) -> World:
    settings = Settings(
        data_dir=folder, host="127.0.0.1", port=0, public_address=ADDRESS, ksf=FAST_KSF, store=store, poll_seconds=NEVER
    )
    clock = VirtualClock(asyncio.get_running_loop())
    server = await Server.open(settings, clock=clock, entropy=SeededEntropy(f"server {store}"))
    await server.listen()
    return World(MemoryServer(server, clock))


async def inhabited(world: World) -> tuple[Person, Person, bytes]:
    """Two people with a room, and something in every table that has anything to do with them."""
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    base = await alice.add(room, bob)
    for number in range(30):
        await alice.publish(room, b"%d" % number, base)
    await bob.client.call(requests.PutKeyPackages((b"one", b"two"), b"last"))
    await bob.client.call(requests.Acknowledge(room, 3))
    return alice, bob, room


def moved_to(folder: Path, server_id: bytes, url: str) -> Moved:
    return move(folder / "server.db", folder / "server.lock", server_id, url, lambda _table, _rows: None)


async def test_a_running_server_is_copied_then_a_stopped_one_and_goes_on_at_the_other_store(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH_ROWS", 7)
    world = await open_node(tmp_path)
    server_id = world.memory.server.server_id
    alice, bob, room = await inhabited(world)
    first = moved_to(tmp_path, server_id, target)
    assert not first.is_whole
    assert all(first.tables[name].rows for name in COUNTED)
    shutil.copytree(tmp_path / "keys", tmp_path / "other" / "keys")
    with pytest.raises(UnavailableError, match="not whole"):
        await open_node(tmp_path / "other", target)

    # All that can become of a row: it is new, it is changed, it is gone.
    for number in range(5):
        await alice.publish(room, b"later %d" % number, 1)
    item = (await bob.client.call(requests.FetchInbox(0))).items[0]
    await bob.client.call(requests.DropInbox(item.id))
    await world.person("carol")
    await world.memory.close()
    second = moved_to(tmp_path, server_id, target)
    assert second.is_whole
    assert second.tables["entries"].rows == first.tables["entries"].rows + 5
    assert second.tables["inbox"].rows == 0
    assert second == moved_to(tmp_path, server_id, target)

    world = await open_node(tmp_path, target)
    for person in (alice, bob):
        person.world = world
        await person.reconnect()
    assert len((await bob.fetch(room)).entries) == second.tables["entries"].rows
    # Numbers that were given once do not come back, though no row with them was there to copy.
    world.entropy = SeededEntropy("later people")
    dave = await world.person("dave")
    await alice.add(room, dave, base=1)
    assert (await dave.client.call(requests.FetchInbox(0))).items[0].id == item.id + 1
    await world.memory.close()
    with pytest.raises(UnavailableError, match="served since"):
        moved_to(tmp_path, server_id, target)


async def test_what_is_copied_is_what_is_there_and_a_difference_is_found(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_node(tmp_path)
    await inhabited(world)
    server_id = world.memory.server.server_id
    await world.memory.close()
    monkeypatch.setattr(copying.Copying, "_insert", _forgetful(copying.Copying._insert))
    with pytest.raises(UnavailableError, match="not alike: entries"):
        moved_to(tmp_path, server_id, target)
    monkeypatch.undo()
    moved = moved_to(tmp_path, server_id, target)
    engine = sqlite_engine(tmp_path / "server.db")
    for table in copying.TABLES:
        with engine.connect() as connection:
            there = connection.execute(select(func.count()).select_from(table)).scalar()
        assert moved.tables[table.name].rows == there
    engine.dispose()


Insert = Callable[[copying.Copying, Table, copying.Watcher], copying.Content]


def _forgetful(insert: Insert) -> Insert:
    def inserted(self: copying.Copying, table: Table, told: copying.Watcher) -> copying.Content:
        found = insert(self, table, told)
        if table.name == "entries":
            self._target.exec_driver_sql("DELETE FROM entries WHERE sequence = 7")
        return found

    return inserted


async def test_a_store_of_somebody_else_is_left_alone(tmp_path: Path, postgres: PrivatePostgres) -> None:
    theirs = postgres.database()
    other = await open_node(tmp_path / "other", theirs)
    await other.person("mallory")
    await other.memory.close()
    world = await open_node(tmp_path / "mine")
    server_id = world.memory.server.server_id
    await world.memory.close()
    with pytest.raises(UnavailableError, match="other keys"):
        moved_to(tmp_path / "mine", server_id, theirs)
    with pytest.raises(UnavailableError, match="other keys"):
        await open_node(tmp_path / "mine", theirs)
    with pytest.raises(UnavailableError, match="no database"):
        moved_to(tmp_path / "nowhere", server_id, theirs)


async def test_a_node_whose_store_has_people_makes_no_first_link(tmp_path: Path, target: str) -> None:
    world = await open_node(tmp_path)
    assert await is_first_start(world.memory.server, tmp_path)
    await inhabited(world)
    await world.memory.close()
    moved_to(tmp_path, world.memory.server.server_id, target)
    world = await open_node(tmp_path, target)
    assert not has_listened(tmp_path)
    assert not await is_first_start(world.memory.server, tmp_path)
    await world.memory.close()


async def test_the_command_copies_tells_what_it_did_and_what_is_next(tmp_path: Path, target: str) -> None:
    world = await open_node(tmp_path)
    await inhabited(world)
    await world.memory.close()
    (tmp_path / "url").write_text(target + "\n")
    command = (sys.executable, "-m", "entrenous", "server", "migrate", "--json")
    where = ("--data", str(tmp_path), "--to-file", str(tmp_path / "url"))
    result = await asyncio.to_thread(subprocess.run, (*command, *where), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["name"]: line["rows"] for line in lines[:-1]}["accounts"] == 2
    assert lines[-1] == {"type": "migrated", "to": lines[-1]["to"], "whole": True}
    assert "postgresql" not in result.stdout + result.stderr
    assert "--store" in result.stderr
