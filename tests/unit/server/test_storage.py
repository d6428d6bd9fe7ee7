"""The storage thread: group commit, isolation of failures, and nothing acknowledged that is not on disk."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, text

from entrenous.errors import RejectedError, UnavailableError, UsageError
from entrenous.server.store import (
    MAX_BATCH,
    Operation,
    Statement,
    Storage,
    Transaction,
    create_tables,
    ensure_schema,
    shared_engine,
    sqlite_engine,
)
from entrenous.server.store.schema import cursors, invites

ADD = Statement(insert(invites))
COUNT = Statement(select(invites.c.token_hash).where(invites.c.expires_at > bindparam("now")))
ORPHAN = Statement(insert(cursors))
DEFER = Statement(text("PRAGMA defer_foreign_keys = ON"))


def add(tx: Transaction, number: int) -> int:
    tx.run(ADD, token_hash=number.to_bytes(4, "big"), uses_left=1, expires_at=10, created_by=None, created_at=0)
    return number


def adding(number: int) -> Operation[int]:
    return lambda tx: add(tx, number)


def pragma(words: str) -> Operation[Any]:
    statement = Statement(text(f"PRAGMA {words}"))
    return lambda tx: (tx.one(statement) or (None,))[0]


def count(tx: Transaction) -> int:
    return len(tx.all(COUNT, now=0))


def fails_at_commit(tx: Transaction) -> str:
    """Succeeds by itself; the database refuses the whole transaction when it is to be made durable."""
    tx.run(DEFER)
    tx.run(ORPHAN, room=b"no such room", device=b"no such device", sequence=1)
    return "done"


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    engine = sqlite_engine(tmp_path / "server.db")
    ensure_schema(engine)
    opened = Storage(engine)
    yield opened
    await opened.close()
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """On each database that there can be."""
    if request.param == "sqlite":
        engine = sqlite_engine(tmp_path / "server.db")
        ensure_schema(engine)
    else:
        engine = shared_engine(request.getfixturevalue("postgres").database())
    opened = Storage(engine)
    yield opened
    await opened.close()
    engine.dispose()


class Gate:
    """Holds the storage thread, so that what is queued meanwhile is one batch."""

    def __init__(self, storage: Storage) -> None:
        self._entered, self._open = threading.Event(), threading.Event()
        self._held = storage.read(self._hold)

    def _hold(self, _tx: Transaction) -> bool:
        self._entered.set()
        return self._open.wait(10)

    @classmethod
    async def hold(cls, storage: Storage) -> "Gate":
        gate = cls(storage)
        assert await asyncio.to_thread(gate._entered.wait, 10)
        return gate

    async def release(self) -> None:
        self._open.set()
        assert await self._held


async def test_operations_that_queue_up_share_one_commit(any_storage: Storage) -> None:
    gate = await Gate.hold(any_storage)
    results = [any_storage.write(adding(n)) for n in range(100)]
    before = any_storage.commits
    await gate.release()
    assert await asyncio.gather(*results) == list(range(100))
    assert any_storage.commits == before + 1
    assert await any_storage.read(count) == 100


async def test_what_is_asked_for_in_one_turn_of_the_loop_is_handed_over_together(storage: Storage) -> None:
    begun = threading.Event()
    first, second = storage.write(lambda _: begun.set()), storage.write(adding(1))
    # The thread has nothing else to do: it would have begun with the first.
    assert not begun.wait(0.05)
    assert storage.waiting == 2
    await asyncio.gather(first, second)
    assert begun.is_set()
    assert storage.waiting == 0


async def test_a_batch_is_bounded(any_storage: Storage) -> None:
    gate = await Gate.hold(any_storage)
    results = [any_storage.write(adding(n)) for n in range(MAX_BATCH + 1)]
    await gate.release()
    await asyncio.gather(*results)
    assert any_storage.commits == 2


async def test_an_operation_that_raises_undoes_itself_and_nothing_else(any_storage: Storage) -> None:
    def half(tx: Transaction) -> None:
        add(tx, 2)
        raise RejectedError("TEST", "on second thoughts")

    gate = await Gate.hold(any_storage)
    first, second, third = (
        any_storage.write(adding(1)),
        any_storage.write(half),
        any_storage.write(adding(3)),
    )
    await gate.release()
    assert await first == 1
    with pytest.raises(RejectedError):
        await second
    assert await third == 3
    assert await any_storage.read(count) == 2
    assert any_storage.commits == 1


async def test_an_error_of_the_driver_is_unavailable_for_that_operation_alone(any_storage: Storage) -> None:
    gate = await Gate.hold(any_storage)
    first, again = any_storage.write(adding(1)), any_storage.write(adding(1))
    await gate.release()
    assert await first == 1
    with pytest.raises(UnavailableError):
        await again
    assert await any_storage.read(count) == 1


async def test_a_commit_that_fails_acknowledges_nothing_and_the_store_goes_on(storage: Storage) -> None:
    gate = await Gate.hold(storage)
    results: list[asyncio.Future[Any]] = [
        storage.write(adding(1)),
        storage.write(fails_at_commit),
        storage.read(count),
    ]
    await gate.release()
    outcomes = await asyncio.gather(*results, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [UnavailableError] * 3
    assert await storage.read(count) == 0
    assert await storage.write(adding(1)) == 1
    assert await storage.read(count) == 1


async def test_a_full_disk_loses_nothing_that_was_acknowledged(storage: Storage) -> None:
    pages = await storage.read(pragma("page_count"))
    await storage.read(pragma(f"max_page_count = {pages + 8}"))
    acknowledged = 0
    for number in range(2_000):
        try:
            await storage.write(adding(number))
        except UnavailableError:
            break
        acknowledged += 1
    assert 0 < acknowledged < 2_000
    assert await storage.read(count) == acknowledged
    await storage.read(pragma("max_page_count = 100000"))
    await storage.write(adding(5_000))
    assert await storage.read(count) == acknowledged + 1


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    for run in range(2):
        engine = sqlite_engine(tmp_path / "server.db")
        ensure_schema(engine)
        storage = Storage(engine)
        assert await storage.read(count) == run
        await storage.write(adding(run))
        await storage.close()
        engine.dispose()


async def test_a_read_sees_every_write_queued_before_it(any_storage: Storage) -> None:
    seen = []
    for number in range(5):
        any_storage.write(adding(number))
        seen.append(any_storage.read(count))
    assert all(found >= least for found, least in zip(await asyncio.gather(*seen), range(1, 6), strict=True))


async def test_callers_go_on_in_the_order_in_which_they_asked(any_storage: Storage) -> None:
    order: list[int] = []

    async def ask(number: int) -> None:
        await any_storage.write(adding(number))
        order.append(number)

    await asyncio.gather(*(ask(number) for number in range(50)))
    assert order == list(range(50))


async def test_a_caller_that_is_gone_disturbs_nobody(any_storage: Storage) -> None:
    gate = await Gate.hold(any_storage)
    gone, here = any_storage.write(adding(1)), any_storage.write(adding(2))
    gone.cancel()
    await gate.release()
    assert await here == 2
    assert await any_storage.read(count) == 2


class Adding:
    """Adds invites, several together; notes what it was given. One that is there already spoils all of them."""

    def __init__(self) -> None:
        self.given: list[list[int]] = []

    def __call__(self, tx: Transaction, numbers: Sequence[int]) -> list[int | Exception]:
        self.given.append(list(numbers))
        return [RejectedError("TEST", "no") if number < 0 else add(tx, number) for number in numbers]


async def test_what_stands_next_to_each_other_is_done_together_and_told_in_order(any_storage: Storage) -> None:
    told: list[tuple[int, object]] = []

    def tell(number: int, outcome: int | Exception) -> None:
        told.append((number, outcome))

    adding_all, others = Adding(), Adding()
    gate = await Gate.hold(any_storage)
    for work, number in ((adding_all, 1), (adding_all, -1), (adding_all, 2), (others, 3), (adding_all, 4)):
        any_storage.offer(work, number, partial(tell, number))
    last = any_storage.write(adding(5))
    assert told == []
    await gate.release()
    assert await last == 5
    assert [(number, number if isinstance(outcome, RejectedError) else outcome) for number, outcome in told] == [
        (number, number) for number in (1, -1, 2, 3, 4)
    ]
    assert (adding_all.given, others.given) == ([[1, -1, 2], [4]], [[3]])
    assert await any_storage.read(count) == 5
    assert any_storage.commits == 1


async def test_what_spoils_what_is_done_together_undoes_itself_and_nothing_else(any_storage: Storage) -> None:
    told: dict[str, object] = {}

    def tell(name: str, outcome: int | Exception) -> None:
        told[name] = outcome

    work = Adding()
    gate = await Gate.hold(any_storage)
    first = any_storage.write(adding(1))
    for name, number in (("before", 2), ("spoils", 1), ("refused", -1), ("after", 3)):
        any_storage.offer(work, number, partial(tell, name))
    last = any_storage.write(adding(4))
    await gate.release()
    assert (await first, await last) == (1, 4)
    assert (told["before"], told["after"]) == (2, 3)
    assert isinstance(told["spoils"], UnavailableError)
    assert isinstance(told["refused"], RejectedError)
    assert await any_storage.read(count) == 4
    assert any_storage.commits == 1


async def test_who_cannot_be_told_keeps_nobody_else_from_being_told(any_storage: Storage) -> None:
    def raises(_outcome: int | Exception) -> None:
        raise UsageError("a bug of ours")

    gate = await Gate.hold(any_storage)
    any_storage.offer(Adding(), 1, raises)
    last = any_storage.write(adding(2))
    await gate.release()
    assert await last == 2
    assert await any_storage.read(count) == 2


async def test_who_offers_to_a_closed_store_hears_it_at_once_and_nothing_later(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "server.db")
    ensure_schema(engine)
    storage = Storage(engine)
    told: list[object] = []
    storage.offer(Adding(), 1, told.append)
    await storage.close()
    with pytest.raises(UnavailableError):
        storage.offer(Adding(), 2, told.append)
    assert told == [1]
    engine.dispose()


async def test_another_process_that_writes_meanwhile_waits_instead_of_spoiling_a_batch(
    storage: Storage, tmp_path: Path
) -> None:
    def read_then_write(tx: Transaction) -> str:
        count(tx)
        outcome = "written"
        # An operator's command, between our first read and our first write.
        with contextlib.closing(sqlite3.connect(tmp_path / "server.db", timeout=0, isolation_level=None)) as other:
            try:
                other.execute("DELETE FROM invites")
            except sqlite3.OperationalError as error:
                outcome = str(error)
        add(tx, 1)
        return outcome

    assert await storage.write(read_then_write) == "database is locked"
    assert await storage.read(count) == 1


async def test_reads_alone_commit_nothing(any_storage: Storage) -> None:
    await any_storage.read(count)
    assert any_storage.commits == 0


async def test_a_closed_store_is_unavailable_and_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "server.db")
    ensure_schema(engine)
    storage = Storage(engine)
    last = storage.write(adding(1))
    await storage.close()
    assert await last == 1
    with pytest.raises(UnavailableError):
        await storage.read(count)
    await storage.close()
    engine.dispose()


async def test_inline_storage_shares_commits_too() -> None:
    engine = sqlite_engine(None)
    with engine.connect() as connection:
        create_tables(connection)
    storage = Storage(engine, inline=True)
    results = [storage.write(adding(n)) for n in range(10)]
    assert await asyncio.gather(*results) == list(range(10))
    assert storage.commits == 1
    await storage.close()
    engine.dispose()


async def test_a_durable_commit_is_what_the_database_is_set_to(storage: Storage) -> None:
    expected = {"synchronous": 2, "foreign_keys": 1, "journal_mode": "wal", "secure_delete": 1, "temp_store": 2}
    assert {name: await storage.read(pragma(name)) for name in expected} == expected


async def test_a_connection_that_is_lost_is_replaced_and_nothing_of_its_batch_is_acknowledged(
    any_storage: Storage,
) -> None:
    assert await any_storage.write(adding(1)) == 1
    gate = await Gate.hold(any_storage)
    lost = [
        any_storage.write(adding(2)),
        any_storage.write(lambda tx: tx._cursor.connection.close()),
        any_storage.read(count),
    ]
    await gate.release()
    outcomes = await asyncio.gather(*lost, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[:2]] == [UnavailableError] * 2
    assert outcomes[2] == 1 or isinstance(outcomes[2], UnavailableError)
    assert await any_storage.read(count) == 1
    assert await any_storage.write(adding(3)) == 3
    assert await any_storage.read(count) == 2
