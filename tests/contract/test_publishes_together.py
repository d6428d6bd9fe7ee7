"""Messages that are appended together come to what they would come to one after the other, on every database."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, bindparam, delete, select

from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import Appended, Caller, Message, append_messages
from entrenous.server.store import (
    Statement,
    Transaction,
    accounts,
    create_tables,
    log,
    rooms,
    rosters,
    shared_engine,
    sqlite_engine,
)
from entrenous.server.store.bulk import ROWS_AT_ONCE
from entrenous.server.store.schema import entries, sent
from entrenous.server.store.schema import rooms as room_rows
from entrenous.wire import requests
from entrenous.wire.types import Entry
from postgres import PrivatePostgres

from .test_server_store import ALICE, BOB, LAPTOP, OTHER, PHONE, ROOM, new_account

EMPTIED, NOWHERE = bytes([7]) * 16, bytes([6]) * 16
#: Who publishes where: Bob was removed from the room that Alice has with him, and was never in the others.
CALLERS = (Caller(ALICE, PHONE), Caller(ALICE, LAPTOP), Caller(BOB, bytes([21]) * 16))
ROOMS = (ROOM, OTHER, EMPTIED, NOWHERE)
#: The newest Commit of ROOM and of OTHER; a message with an earlier base comes too late.
COMMIT = 2
TABLES = [
    Statement(select(table).order_by(*order))
    for table, *order in (
        (entries, entries.c.room, entries.c.sequence),
        (sent, sent.c.device, sent.c.message_id),
        (room_rows, room_rows.c.id),
    )
]

Told = tuple[str, Any, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = sqlite_engine(None)
        with made.connect() as connection:
            create_tables(connection)
    else:
        instance: PrivatePostgres = request.getfixturevalue("postgres")
        made = shared_engine(instance.database())
    yield made
    made.dispose()


def message_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def populate(tx: Transaction) -> None:
    """Logs that have begun, with messages that may be sent again; the newest entry of one room was deleted."""
    for account, name in ((ALICE, "Alice"), (BOB, "bob")):
        accounts.add(tx, new_account(account, name))
    for room in (ROOM, OTHER, EMPTIED):
        rooms.create(tx, room, ALICE, 3_600, 100)
        rosters.add(tx, room, ALICE, may_manage=True, added_at=0, readable_after=0, now=100)
    rosters.add(tx, ROOM, BOB, may_manage=False, added_at=0, readable_after=0, now=100)
    for room, device, sequence, number in (
        (ROOM, PHONE, 1, 1),
        (ROOM, LAPTOP, 2, 2),
        (OTHER, PHONE, 1, 2),
        (OTHER, PHONE, 2, 3),
        (EMPTIED, LAPTOP, 1, 5),
    ):
        log.append(tx, [log.Line(room, device, Entry(sequence, message_id(number), b"before", 600), 10)])
    for room in (ROOM, OTHER):
        log.mark_commit(tx, room, COMMIT, 3_600)
    tx.put(Statement(delete(entries).where(entries.c.room == bindparam("room"))), room=EMPTIED)
    rosters.remove(tx, ROOM, [BOB], at=COMMIT, now=100)


def told(outcome: Appended | Exception) -> Told:
    """An outcome, as it can be compared."""
    if isinstance(outcome, RefusedError):
        return outcome.rule, outcome.code, outcome.number
    assert isinstance(outcome, Appended)
    return "appended", outcome.sequence, outcome.entry


def done(tx: Transaction, groups: Sequence[Sequence[Message]]) -> tuple[list[Told], list[Any]]:
    """What the groups come to, and every row that there is afterwards; then it is undone."""
    tx.control("SAVEPOINT batch")
    outcomes = [told(outcome) for group in groups for outcome in append_messages(tx, group)]
    found = [tx.all(statement) for statement in TABLES]
    tx.control("ROLLBACK TO batch")
    return outcomes, found


def check(engine: Engine, batch: Sequence[Message]) -> list[Told]:
    with engine.connect() as connection:
        tx = Transaction(connection.connection.cursor(), engine.dialect)
        tx.control("BEGIN")
        populate(tx)
        together = done(tx, [batch])
        one_by_one = done(tx, [[message] for message in batch])
        tx.control("ROLLBACK")
    assert together == one_by_one
    return together[0]


MESSAGES = st.builds(
    lambda caller, room, base, number, at: Message(
        caller, requests.Publish(room, base, message_id(number), b"message"), at
    ),
    st.sampled_from(CALLERS),
    st.sampled_from(ROOMS),
    st.sampled_from((COMMIT, COMMIT, 0, 1, 9)),
    # Those of ``populate``, and few others, so that many are sent twice.
    st.integers(1, 8),
    st.integers(400, 700),
)


@settings(max_examples=60)
@given(batch=st.lists(MESSAGES, max_size=30))
@example(batch=[])
def test_messages_appended_together_are_appended_as_one_after_the_other(engine: Engine, batch: list[Message]) -> None:
    check(engine, batch)


def test_a_batch_longer_than_a_statement_is_appended_as_one_after_the_other(engine: Engine) -> None:
    draw = random.Random(1)
    size = ROWS_AT_ONCE + ROWS_AT_ONCE // 2 + 3
    batch = [
        Message(
            draw.choice(CALLERS[:2]),
            requests.Publish(
                draw.choice((ROOM, OTHER, EMPTIED)), draw.choice((0, COMMIT)), message_id(number), b"body"
            ),
            draw.randrange(400, 700),
        )
        for number in (draw.randrange(size) for _ in range(2 * size))
    ]
    kinds = [kind for kind, *_ in check(engine, batch)]
    assert kinds.count("appended") > ROWS_AT_ONCE
    assert set(kinds) == {"appended", "DS-BASE", "DS-MESSAGE-ID"}


def test_each_way_to_refuse_a_message_is_met_beside_others_that_are_stored(engine: Engine) -> None:
    alice, laptop, bob = CALLERS

    def message(caller: Caller, room: bytes, base: int, number: int, at: int = 1_000) -> Message:
        return Message(caller, requests.Publish(room, base, message_id(number), b"body"), at)

    batch = [
        message(alice, ROOM, COMMIT, 7),
        message(alice, ROOM, 1, 1),  # from before the Commit that came between: it is stored already
        message(alice, ROOM, 1, 8),
        message(laptop, ROOM, COMMIT, 7, at=5),  # another device's, though of the same id; the clock went back
        message(alice, ROOM, COMMIT, 7),
        message(alice, OTHER, COMMIT, 7),
        message(bob, ROOM, COMMIT, 9),
        message(bob, OTHER, COMMIT, 9),
        message(alice, NOWHERE, 0, 9),
        message(alice, OTHER, COMMIT, 9),
        message(alice, ROOM, COMMIT, 8),  # made again after the Commit
    ]
    outcomes = check(engine, batch)
    assert [(kind, number) for kind, number, _ in outcomes if kind == "appended"] == [
        ("appended", number) for number in (3, 1, 4, 3, 3, 5)
    ]
    assert [kind for kind, *_ in outcomes if kind != "appended"] == [
        "DS-BASE",
        "DS-MESSAGE-ID",
        "DS-REMOVED",
        "DS-MEMBER",
        "DS-MEMBER",
    ]
    times = [entry.received_at for kind, _, entry in outcomes if kind == "appended" and entry is not None]
    assert times == [1_000, 1_000, 1_000, 1_000]
