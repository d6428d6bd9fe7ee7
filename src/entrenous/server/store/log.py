"""The rows of each room's log: entries, the ids they were published under, and what devices acknowledged."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import and_, bindparam, func, insert, select, update

from entrenous.server.store.bulk import Bulk
from entrenous.server.store.schema import cursors, entries, rooms, sent
from entrenous.server.store.statements import Statement, Transaction
from entrenous.wire.types import Entry


@dataclass(frozen=True, slots=True)
class Sent:
    """What a device published before under some message id."""

    room: bytes
    sequence: int


#: A device, and an id under which it publishes: the name of one message, however often it is sent.
MessageName = tuple[bytes, bytes]


class Line(NamedTuple):
    """An entry on its way into a room's log.

    Attributes:
        room: the room.
        device: who published it.
        entry: the entry.
        forget_at: until when, at least, the device's message id is remembered.
    """

    room: bytes
    device: bytes
    entry: Entry
    forget_at: int


_SENT = Bulk(
    lambda given: select(sent.c.device, sent.c.message_id, sent.c.room, sent.c.sequence).join(
        given, and_(sent.c.device == given.c.device, sent.c.message_id == given.c.message_id)
    ),
    device=sent.c.device.type,
    message_id=sent.c.message_id.type,
)
_INSERT_SENT = Bulk(
    # FAIL, not ABORT: SQLite need not keep what each page was before. Who raises is undone with his transaction or his
    # savepoint.
    lambda given: insert(sent).prefix_with("OR FAIL", dialect="sqlite").from_select(sent.c.keys(), select(given)),
    **{column.name: column.type for column in sent.c},
)
_INSERT_ENTRY = Bulk(
    lambda given: insert(entries).from_select(entries.c.keys(), select(given)),
    **{column.name: column.type for column in entries.c},
)
_ADVANCE = Bulk(
    lambda given: update(rooms).where(rooms.c.id == given.c.room).values(newest=given.c.newest),
    room=rooms.c.id.type,
    newest=rooms.c.newest.type,
)
_ADVANCE_COMMIT = Statement(
    update(rooms)
    .where(rooms.c.id == bindparam("room"))
    .values(newest_commit=bindparam("to_sequence"), retention_seconds=bindparam("to_retention"))
)
_in_range = (
    entries.c.room == bindparam("room"),
    entries.c.sequence > bindparam("after"),
    entries.c.sequence <= bindparam("up_to"),
)
_SIZES = Statement(
    select(entries.c.sequence, func.length(entries.c.body))
    .where(*_in_range)
    .order_by(entries.c.sequence)
    .limit(bindparam("most"))
)
_ENTRIES = Statement(
    select(entries.c.sequence, entries.c.message_id, entries.c.body, entries.c.received_at)
    .where(*_in_range)
    .order_by(entries.c.sequence)
)
_CURSOR = Statement(
    select(cursors.c.sequence).where(cursors.c.room == bindparam("room"), cursors.c.device == bindparam("device"))
)
_INSERT_CURSOR = Statement(insert(cursors))
_SET_CURSOR = Statement(
    update(cursors)
    .where(
        cursors.c.room == bindparam("of_room"),
        cursors.c.device == bindparam("of_device"),
        # Another node may have moved it meanwhile.
        cursors.c.sequence < bindparam("to_sequence"),
    )
    .values(sequence=bindparam("to_sequence"))
)


def published(tx: Transaction, names: Collection[MessageName]) -> dict[MessageName, Sent]:
    """Where the entries stand of these messages that were published."""
    return {
        (device, message_id): Sent(room, sequence)
        for device, message_id, room, sequence in tx.find_all(_SENT, tuple(names))
    }


def append(tx: Transaction, lines: Sequence[Line]) -> None:
    """Store the next entries of rooms; the caller has seen to it that the numbers are the next ones, and no time falls.

    Args:
        tx: the open transaction.
        lines: the entries, those of a room in their order.
    """
    tx.put_all(
        _INSERT_ENTRY,
        [(room, it.sequence, it.message_id, it.received_at, it.body) for room, _, it, _ in lines],
    )
    tx.put_all(
        _INSERT_SENT,
        [(device, it.message_id, room, it.sequence, forget_at) for room, device, it, forget_at in lines],
    )
    tx.put_all(_ADVANCE, tuple({line.room: line.entry.sequence for line in lines}.items()))


def mark_commit(tx: Transaction, room: bytes, sequence: int, retention_seconds: int) -> None:
    """The entry ``sequence`` is the room's newest Commit, and sets the retention."""
    tx.put(_ADVANCE_COMMIT, room=room, to_sequence=sequence, to_retention=retention_seconds)


def fetch(tx: Transaction, room: bytes, after: int, up_to: int, *, limit: int, size: int) -> tuple[Entry, ...]:
    """Entries in (after, up_to], oldest first: at most ``limit``, and ``size`` bytes unless one alone is larger."""
    end = after
    for sequence, length in tx.all(_SIZES, room=room, after=after, up_to=up_to, most=limit):
        size -= length
        if size < 0 and end > after:
            break
        end = sequence
    return tuple(Entry(*row) for row in tx.all(_ENTRIES, room=room, after=after, up_to=end))


def acknowledge(tx: Transaction, room: bytes, device: bytes, sequence: int) -> None:
    """Everything up to ``sequence`` is on the device's disk. A lower number than before changes nothing."""
    row = tx.one(_CURSOR, room=room, device=device)
    if row is None:
        tx.put(_INSERT_CURSOR, room=room, device=device, sequence=sequence)
    elif row[0] < sequence:
        tx.put(_SET_CURSOR, of_room=room, of_device=device, to_sequence=sequence)
