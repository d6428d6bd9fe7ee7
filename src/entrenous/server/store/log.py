"""The rows of each room's log: entries, the ids they were published under, and what devices acknowledged."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, insert, select, update

from entrenous.server.store.schema import cursors, entries, rooms, sent
from entrenous.server.store.statements import Statement, Transaction
from entrenous.wire.types import Entry


@dataclass(frozen=True, slots=True)
class Sent:
    """What a device published before under some message id."""

    room: bytes
    sequence: int


_SENT = Statement(
    select(sent.c.room, sent.c.sequence).where(
        sent.c.device == bindparam("device"), sent.c.message_id == bindparam("message_id")
    )
)
_INSERT_SENT = Statement(insert(sent))
_INSERT_ENTRY = Statement(insert(entries))
_ADVANCE = Statement(update(rooms).where(rooms.c.id == bindparam("room")).values(newest=bindparam("to_sequence")))
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


def published(tx: Transaction, device: bytes, message_id: bytes) -> Sent | None:
    """Where the entry stands that the device published under this id, if it did."""
    row = tx.one(_SENT, device=device, message_id=message_id)
    return None if row is None else Sent(*row)


def append(tx: Transaction, room: bytes, device: bytes, entry: Entry, *, forget_at: int) -> None:
    """Store the room's next entry; the caller has seen to it that its number is the next one, and its time no earlier.

    Args:
        tx: the open transaction.
        room: the room.
        device: who published it.
        entry: the entry.
        forget_at: until when, at least, the device's message id is remembered.
    """
    tx.put(
        _INSERT_ENTRY,
        room=room,
        sequence=entry.sequence,
        message_id=entry.message_id,
        received_at=entry.received_at,
        body=entry.body,
    )
    tx.put(
        _INSERT_SENT,
        device=device,
        message_id=entry.message_id,
        room=room,
        sequence=entry.sequence,
        forget_at=forget_at,
    )
    tx.put(_ADVANCE, room=room, to_sequence=entry.sequence)


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
