"""Two nodes on one PostgreSQL: they wait for each other in one order, see what the other has stored, and lose nothing.

Every order of events is made certain: an operation of one node stands still until the other has come to a known point.
"""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, inspect, make_url, select, text

from entrenous.errors import RejectedError, UnavailableError
from entrenous.server.configuration.limits import Rate
from entrenous.server.store import (
    Statement,
    Storage,
    Transaction,
    accounts,
    attempts,
    inbox,
    key_packages,
    postgresql,
    rooms,
    rosters,
    shared_engine,
)
from entrenous.server.store import log as logs
from entrenous.server.store.key_packages import Package
from entrenous.server.store.schema import entries, invites, metadata
from entrenous.wire.types import Entry
from postgres import PrivatePostgres, private_postgres, rows

from .test_server_store import ALICE, BOB, LAPTOP, OTHER, PHONE, ROOM, new_account

PATIENCE = 120
ADD = Statement(insert(invites))
COUNT = Statement(select(func.count()).select_from(invites))
ENTRIES = Statement(select(func.count()).select_from(entries))
KILL = Statement(text("SELECT pg_terminate_backend(pg_backend_pid())"))
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def database(postgres: PrivatePostgres) -> str:
    return postgres.database()


@pytest.fixture
async def pair(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Storage, Storage]]:
    """Two nodes' stores; Alice with two devices and Bob are there, and two rooms.

    Who stands still here does so for as long as the machine likes: the database ends nobody for it.
    """
    monkeypatch.setattr(postgresql, "SESSION", ())
    engines = [shared_engine(database) for _ in range(2)]
    first, second = (Storage(engine) for engine in engines)
    await first.write(populate)
    yield first, second
    for storage, engine in zip((first, second), engines, strict=True):
        await storage.close()
        engine.dispose()


def populate(tx: Transaction) -> None:
    for account, name, devices in ((ALICE, "Alice", (PHONE, LAPTOP)), (BOB, "bob", ())):
        accounts.add(tx, new_account(account, name))
        for device in devices:
            accounts.add_device(tx, account, device, device * 2, 100)
    for room in (ROOM, OTHER):
        rooms.create(tx, room, ALICE, 3_600, 100)
        rosters.add(tx, room, ALICE, may_manage=True, added_at=0, readable_after=0, now=100)


def append(room: bytes, number: int) -> Callable[[Transaction], int]:
    """Append the next entry under a message id of its own."""

    def operation(tx: Transaction) -> int:
        place = rooms.standing(tx, room, ALICE)
        assert place is not None
        message_id = number.to_bytes(4, "big") + room[:8]
        logs.append(tx, [logs.Line(room, PHONE, Entry(place.newest + 1, message_id, b"body", 0), 10)])
        return place.newest + 1

    return operation


def add(number: int) -> Callable[[Transaction], int]:
    def operation(tx: Transaction) -> int:
        token = number.to_bytes(4, "big")
        tx.run(ADD, token_hash=token, uses_left=1, expires_at=10, created_by=None, created_at=0)
        return number

    return operation


class Pause:
    """An operation that stands still in the middle of its transaction until it is let go."""

    def __init__(self, storage: Storage, operation: Callable[[Transaction], Any], **locks: Any) -> None:
        self._entered, self._go = threading.Event(), threading.Event()
        self._operation = operation
        self.result = storage.write(self._run, **locks)

    def _run(self, tx: Transaction) -> Any:
        found = self._operation(tx)
        tx.one(COUNT)  # what the driver may have kept until there is an answer to wait for is carried out by now
        self._entered.set()
        assert self._go.wait(PATIENCE)
        return found

    async def reached(self) -> "Pause":
        assert await asyncio.to_thread(self._entered.wait, PATIENCE)
        return self

    def go(self) -> None:
        self._go.set()


async def until_somebody_waits(database: str) -> None:
    """Until a transaction in this database waits for another's lock."""
    engine = shared_engine(database)
    with engine.connect() as connection:
        async with asyncio.timeout(PATIENCE):
            while connection.exec_driver_sql(WAITING).scalar() == 0:  # noqa: ASYNC110 the database tells nobody
                await asyncio.sleep(0.01)
    engine.dispose()


async def test_nodes_that_want_the_same_rooms_crosswise_wait_in_one_order(
    pair: tuple[Storage, Storage], database: str
) -> None:
    one, two = pair
    # What both wait behind, so that each of their batches holds both rooms, in opposite order.
    gates = [await Pause(storage, lambda _tx: None).reached() for storage in pair]
    first = [one.write(append(ROOM, 1), rooms=(ROOM,)), one.write(append(OTHER, 2), rooms=(OTHER,))]
    second = [two.write(append(OTHER, 3), rooms=(OTHER,)), two.write(append(ROOM, 4), rooms=(ROOM,))]
    for gate in gates:
        gate.go()
    places = await asyncio.gather(*first, *second)
    assert sorted(places) == [1, 1, 2, 2]
    assert one.commits + two.commits == 1 + 2 + 2  # nothing was done twice, nothing was split


async def test_attempts_at_names_that_two_nodes_count_crosswise_wait_in_one_order(
    pair: tuple[Storage, Storage],
) -> None:
    def attempt(mark: bytes) -> Callable[[Transaction], float]:
        return lambda tx: attempts.take(tx, mark, Rate(1, 600.0), 1_000.0)

    # The names are new: there is no row yet that could be locked.
    gates = [await Pause(storage, lambda _tx: None).reached() for storage in pair]
    waits = [
        storage.write(attempt(mark), marks=(mark,))
        for storage, marks in zip(pair, ((ALICE, BOB), (BOB, ALICE)), strict=True)
        for mark in marks
    ]
    for gate in gates:
        gate.go()
    # One attempt at each name, whoever was first; nothing was done twice.
    assert sorted(await asyncio.gather(*waits)) == [0, 0, 600, 600]
    assert pair[0].commits + pair[1].commits == 1 + 2 + 2


async def test_a_batch_locks_its_rooms_before_it_reads_what_stands_in_them(
    pair: tuple[Storage, Storage], database: str
) -> None:
    one, two = pair
    holder = await Pause(one, append(ROOM, 1), rooms=(ROOM,)).reached()
    waiter = two.write(append(ROOM, 2), rooms=(ROOM,))
    await until_somebody_waits(database)
    holder.go()
    assert (await holder.result, await waiter) == (1, 2)


async def test_a_deadlock_that_no_order_prevents_ends_for_both(pair: tuple[Storage, Storage], database: str) -> None:
    def crossed(first: int, second: int) -> Callable[[Transaction], int]:
        def operation(tx: Transaction) -> int:
            add(first)(tx)
            if not met:
                met.append(barrier.wait(PATIENCE))
            return add(second)(tx)

        met: list[int] = []
        return operation

    barrier = threading.Barrier(2)
    one, two = pair
    outcomes = await asyncio.gather(one.write(crossed(1, 2)), two.write(crossed(2, 1)), return_exceptions=True)
    # One of them is stored whole. The other finds its invites there, which is no deadlock any more, but taken.
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["UnavailableError", "int"]
    assert await one.read(lambda tx: tx.one(COUNT)) == (2,)


async def test_what_another_node_stored_between_reading_and_writing_is_seen_the_second_time(
    pair: tuple[Storage, Storage], database: str
) -> None:
    def register(tx: Transaction) -> str:
        if accounts.by_name(tx, "carol") is not None:
            raise RejectedError("TEST", "taken")
        accounts.add(tx, new_account(ids.pop(), "carol"))
        return "registered"

    ids = [bytes([number]) * 16 for number in range(40, 50)]
    one, two = pair
    first = await Pause(one, register).reached()
    second = two.write(register)
    await until_somebody_waits(database)
    first.go()
    assert await first.result == "registered"
    with pytest.raises(RejectedError, match="taken"):
        await second


async def test_a_key_package_is_handed_out_once_by_all_nodes_together(pair: tuple[Storage, Storage]) -> None:
    one, two = pair
    await one.write(lambda tx: key_packages.add(tx, PHONE, [Package(b"one", 10), Package(b"two", 10)]))
    holder = await Pause(one, lambda tx: key_packages.claim(tx, PHONE)).reached()
    # The other node neither waits for it nor takes the same.
    assert await two.write(lambda tx: key_packages.claim(tx, PHONE)) == (b"two", False)
    assert await two.write(lambda tx: key_packages.claim(tx, PHONE)) is None
    holder.go()
    assert await holder.result == (b"one", False)


async def test_an_inbox_shows_no_item_before_an_earlier_one_is_there(
    pair: tuple[Storage, Storage], database: str
) -> None:
    one, two = pair
    first = await Pause(one, lambda tx: inbox.add(tx, ROOM, 1, [(PHONE, b"first")]), devices=(PHONE,)).reached()
    second = two.write(lambda tx: inbox.add(tx, OTHER, 1, [(PHONE, b"second")]), devices=(PHONE,))
    await until_somebody_waits(database)
    assert await one_more(database, PHONE) == []
    first.go()
    await asyncio.gather(first.result, second)
    assert await one_more(database, PHONE) == [b"first", b"second"]


async def one_more(database: str, device: bytes) -> list[bytes]:
    """An inbox as a third node sees it."""
    engine = shared_engine(database)
    storage = Storage(engine)
    items = await storage.read(lambda tx: inbox.fetch(tx, device, 0, limit=10, size=1_000))
    await storage.close()
    engine.dispose()
    return [item.welcome for item in items]


async def test_what_is_read_is_one_moment(pair: tuple[Storage, Storage]) -> None:
    one, two = pair
    entered, go = threading.Event(), threading.Event()

    def twice(tx: Transaction) -> tuple[Any, Any]:
        before = tx.one(ENTRIES)
        if not entered.is_set():
            entered.set()
            assert go.wait(PATIENCE)
        return before, tx.one(ENTRIES)

    reading = one.read(twice)
    assert await asyncio.to_thread(entered.wait, PATIENCE)
    assert await two.write(append(ROOM, 1), rooms=(ROOM,)) == 1
    go.set()
    before, after = await reading
    assert before == after


async def test_a_connection_that_is_lost_before_the_end_is_replaced_and_nobody_notices(
    pair: tuple[Storage, Storage],
) -> None:
    lost: list[bool] = []

    def once(tx: Transaction) -> int:
        found = add(1)(tx)
        if not lost:
            lost.append(True)
            tx.one(KILL)
        return found

    one, _ = pair
    assert await one.write(once) == 1
    assert await one.read(lambda tx: tx.one(COUNT)) == (1,)


async def test_a_transaction_whose_end_nobody_heard_is_not_acknowledged_and_not_repeated(
    pair: tuple[Storage, Storage], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = pair
    import psycopg

    honest = psycopg.Connection.execute
    ends: list[Any] = []

    def cut(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        answer = honest(self, query, *arguments, **options)
        if query == "COMMIT" and not ends:
            ends.append(query)
            self.close()
            raise psycopg.OperationalError("the connection was lost")
        return answer

    monkeypatch.setattr(psycopg.Connection, "execute", cut)
    with pytest.raises(UnavailableError):
        await one.write(add(1))
    assert await two.read(lambda tx: tx.one(COUNT)) == (1,)
    assert await one.write(add(2)) == 2


async def test_a_database_that_is_stopped_is_unavailable_and_comes_back_with_all_that_was_acknowledged() -> None:
    with private_postgres() as own:
        engine = shared_engine(own.database())
        storage = Storage(engine)
        assert await storage.write(add(1)) == 1
        own.stop()
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await storage.write(add(2))
            with pytest.raises(UnavailableError):
                await storage.read(lambda tx: tx.one(COUNT))
        own.start()
        assert await storage.write(add(3)) == 3
        assert await storage.read(lambda tx: tx.one(COUNT)) == (2,)
        await storage.close()
        engine.dispose()


async def test_a_commit_is_durable_even_where_the_database_is_set_otherwise(
    postgres: PrivatePostgres, database: str
) -> None:
    name = make_url(database).database
    postgres.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    engine = shared_engine(database)
    assert rows(engine, "SHOW synchronous_commit") == [("on",)]
    postgres.run(f"ALTER DATABASE {name} SET synchronous_commit = remote_apply")
    assert rows(engine, "SHOW synchronous_commit") == [("remote_apply",)]
    engine.dispose()


def structure(engine: Engine) -> dict[str, object]:
    found = inspect(engine)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)],
            found.get_pk_constraint(table),
            sorted(map(str, found.get_foreign_keys(table))),
            sorted(map(str, found.get_unique_constraints(table))),
            sorted(map(str, found.get_indexes(table))),
            sorted(map(str, found.get_check_constraints(table))),
        )
        for table in found.get_table_names()
        if table != "alembic_version"
    }


MIGRATE = """
import sys
from entrenous.server.store import ensure_schema, shared_engine

engine = shared_engine(sys.argv[1])
ensure_schema(engine)
engine.dispose()
"""


def test_migrations_make_exactly_the_schema_also_when_two_nodes_start_at_once(postgres: PrivatePostgres) -> None:
    url = postgres.database(is_empty=True)
    starting = [subprocess.Popen([sys.executable, "-c", MIGRATE, url]) for _ in range(2)]
    assert [process.wait(PATIENCE) for process in starting] == [0, 0]
    migrated, created = shared_engine(url), shared_engine(postgres.database(is_empty=True))
    with created.connect() as connection:
        metadata.create_all(connection)
    assert structure(migrated) == structure(created)
    assert set(structure(migrated)) == set(metadata.tables)
    migrated.dispose()
    created.dispose()


@pytest.mark.parametrize("url", ["nonsense", "mysql://here/there", "postgresql+psycopg2://here/there", "://", ""])
def test_a_url_of_no_store_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UnavailableError) as refused:
        shared_engine(url)
    assert "postgresql+psycopg://" in refused.value.remedy


def test_a_password_in_the_url_is_in_no_error_and_no_name() -> None:
    engine = shared_engine("postgresql+psycopg://me:hush@127.0.0.1:1/none?connect_timeout=1")
    assert "hush" not in repr(engine)
    with pytest.raises(Exception, match="refused") as failed:
        rows(engine, "SELECT 1")
    assert "hush" not in str(failed.value)
    engine.dispose()
