"""A server is upgraded: backed up, migrated, and clients of the version before go on as if nothing had happened.

The second client stands for the version before: it was written from the first version's specification and shares
nothing with the product but primitives.
"""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic import command

from entrenous.client import CreateRoom, InviteMember, LogsDiffer, MessagesMissing, SendText, WaitUntilSent
from entrenous.errors import UnavailableError
from entrenous.server import Settings
from entrenous.server.operating import back_up, restore
from entrenous.server.store import ensure_schema, sqlite_engine
from entrenous.server.store.migrate import configuration
from entrenous.server.store.schema import REVISION
from entrenous.testing import FAST_KSF, MemoryServer, run_virtual
from entrenous.testing.members import Person, World
from full_disks import start_server
from second_client.channel import Channel
from second_client.joining import KeyPackages
from second_client.people import Account
from worlds import line

#: The newest revision of the store that the version before has.
BEFORE = "0002"
KSF = [FAST_KSF.memory_kib, FAST_KSF.iterations, FAST_KSF.lanes]
#: A request of the specification.
LIST_ROOMS = 31


def set_schema_back(database: Path) -> None:
    """Make of a store what the version before had written: its tables, and of each row the columns that it had."""
    older = database.with_name("older.db")
    engine = sqlite_engine(older)
    ensure_schema(engine, lambda connection: command.upgrade(configuration(connection), BEFORE))
    engine.dispose()
    with contextlib.closing(sqlite3.connect(older, isolation_level=None)) as target:
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("ATTACH ? AS newer", (str(database),))
        tables = [name for (name,) in target.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table.startswith("sqlite_") or table == "alembic_version":
                continue
            columns = ", ".join(f'"{row[1]}"' for row in target.execute(f"PRAGMA main.table_info({table})"))
            target.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")  # noqa: S608 names of tables
        target.execute("DETACH newer")
        target.execute("PRAGMA journal_mode = DELETE")
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    older.rename(database)


def revision(database: Path) -> str:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        return str(opened.execute("SELECT version_num FROM alembic_version").fetchone()[0])


async def channel_to(server: MemoryServer) -> Channel:
    channel = Channel(server.server.server_id)
    await channel.open(server.connector().connect, server.clock.now())
    return channel


async def sent(person: Person, room: bytes, text: str) -> None:
    """Say it, and wait until it stands in the log."""
    await person.do(WaitUntilSent(await person.do(SendText(room, text))))


def test_clients_of_the_version_before_go_on_after_backup_and_migration(tmp_path: Path) -> None:
    data, copy, other = tmp_path / "data", tmp_path / "backup", tmp_path / "other"
    (tmp_path / "people").mkdir()

    async def main() -> None:
        async with await World.open(tmp_path / "people", server=await start_server(data, "before")) as world:
            alice = await world.person("alice")
            account = Account("second", b"maple-orbit-velvet-canyon-thunder", KSF)
            channel = await channel_to(world.server)
            await account.register(channel, (await world.server.server.create_invite(1, 3_600)).token)
            await account.log_in(channel)
            packages = KeyPackages(account)
            await packages.upload(channel, int(world.server.clock.now()))
            tea = (await alice.do(CreateRoom("tea"))).room
            await alice.do(InviteMember(tea, "second"))
            room = await packages.join(channel)
            await sent(alice, tea, "before the upgrade")
            await world.server.close()

            # The operator of the version before makes a backup, installs the new version and starts it.
            set_schema_back(data / "server.db")
            manifest = back_up(Settings(data_dir=data), copy, now=world.server.clock.now(), progress=lambda *_: None)
            assert (manifest.schema, revision(data / "server.db")) == (BEFORE, BEFORE)
            world.server = await start_server(data, "after")
            assert revision(data / "server.db") == REVISION
            line(alice).server = world.server.server.protocol_factory()

            channel = await channel_to(world.server)
            await account.log_in(channel)
            assert await room.read(channel) == ["before the upgrade"]
            await room.say(channel, "after the upgrade")
            await alice.reads("after the upgrade")
            await sent(alice, tea, "so it seems")
            assert await room.read(channel) == ["so it seems"]
            await room.renew_keys(channel)
            await room.say(channel, "with new keys")
            await alice.reads("with new keys")
            assert await account.log_in_with_password(await channel_to(world.server)) == account.identity.seed.reveal()
            assert not alice.saw(LogsDiffer)
            assert not alice.saw(MessagesMissing)

            # Had it gone wrong, the backup of the version before serves a new machine of the new version too.
            restore(Settings(data_dir=other), copy, force=False, now=world.server.clock.now())
            shutil.copytree(data / "keys", other / "keys")
            spare = await start_server(other, "spare")
            channel = await channel_to(spare)
            await account.log_in(channel)
            assert len((await channel.call(LIST_ROOMS))[1]) == 1
            await spare.close()

    run_virtual(main())


def test_a_refused_migration_is_put_right_by_the_backup(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "backup"

    async def main() -> None:
        server = await start_server(data, "server")
        await server.close()
        set_schema_back(data / "server.db")
        back_up(Settings(data_dir=data), copy, now=0.0, progress=lambda *_: None)
        # Somebody has put a table in the way of the migration: it does nothing, and the backup comes back by force.
        with contextlib.closing(sqlite3.connect(data / "server.db")) as opened:
            opened.execute("CREATE TABLE quotas (unrelated TEXT)")
        with pytest.raises(UnavailableError, match="quotas"):
            await start_server(data, "server")
        assert revision(data / "server.db") == BEFORE
        restore(Settings(data_dir=data), copy, force=True, now=1.0)
        await (await start_server(data, "server")).close()
        assert revision(data / "server.db") == REVISION

    run_virtual(main())
