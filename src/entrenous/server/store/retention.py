"""The SQL of deletion: which entries are due, and what goes with them."""

from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from entrenous.server.store import group_states, inbox
from entrenous.server.store.schema import cursors, devices, entries, rooms, roster, sent
from entrenous.server.store.statements import Statement, Transaction


class Gone(NamedTuple):
    """How much was deleted."""

    entries: int = 0
    welcomes: int = 0
    group_states: int = 0


class _Room(NamedTuple):
    id: bytes
    first_available: int
    newest: int
    newest_commit: int
    retention_seconds: int


_ROOMS = Statement(
    select(rooms.c.id, rooms.c.first_available, rooms.c.newest, rooms.c.newest_commit, rooms.c.retention_seconds)
    .where(rooms.c.id > bindparam("after"), rooms.c.first_available <= rooms.c.newest)
    .order_by(rooms.c.id)
    .limit(bindparam("most"))
    .with_for_update(key_share=True)
)
_EXPIRED = Statement(
    select(func.max(entries.c.sequence)).where(
        entries.c.room == bindparam("room"), entries.c.received_at < bindparam("before_ms")
    )
)
#: The lowest place that a device which counts still waits at. A device that never acknowledged waits where its
#: account's reading began.
_LOWEST = Statement(
    select(func.min(func.coalesce(cursors.c.sequence, roster.c.readable_after)))
    .select_from(roster)
    .join(devices, devices.c.account == roster.c.account)
    .outerjoin(cursors, (cursors.c.room == roster.c.room) & (cursors.c.device == devices.c.id))
    .where(
        roster.c.room == bindparam("room"),
        roster.c.removed_at.is_(None),
        devices.c.last_seen >= bindparam("seen_since"),
    )
)
_DELETE = Statement(
    delete(entries).where(entries.c.room == bindparam("of_room"), entries.c.sequence < bindparam("before"))
)
_SET_FIRST = Statement(
    update(rooms).where(rooms.c.id == bindparam("of_room")).values(first_available=bindparam("new_first"))
)
_FORGET_SENT = Statement(delete(sent).where(sent.c.forget_at <= bindparam("now")))


def sweep(tx: Transaction, after: bytes, *, now: int, silent_after: int, limit: int) -> tuple[bytes | None, Gone]:
    """Delete what is due in the ``limit`` rooms whose ids follow ``after``.

    Args:
        tx: the open transaction.
        after: where the last sweep ended; b"" to begin.
        now: unix seconds.
        silent_after: seconds after which a device that was not seen no longer keeps entries.
        limit: rooms in one go, so that the store is never kept from its users for long.

    Returns:
        Where to go on, None at the end; and how much was deleted.
    """
    found = [_Room(*row) for row in tx.all(_ROOMS, after=after, most=limit)]
    gone = [_sweep_room(tx, room, now=now, silent_after=silent_after) for room in found]
    total = Gone(*map(sum, zip(*gone, strict=True))) if gone else Gone()
    return (found[-1].id if len(found) == limit else None), total


def forget_sent(tx: Transaction, now: int) -> int:
    """Delete the message ids whose time is over; returns how many."""
    return tx.run(_FORGET_SENT, now=now)


def _sweep_room(tx: Transaction, room: _Room, *, now: int, silent_after: int) -> Gone:
    expired = _number(tx, _EXPIRED, room=room.id, before_ms=(now - room.retention_seconds) * 1000)
    read_by_all = _number(tx, _LOWEST, room=room.id, seen_since=now - silent_after)
    gone = min(max(expired, read_by_all), room.newest)
    if gone < room.first_available:
        return Gone()
    entries = tx.run(_DELETE, of_room=room.id, before=gone + 1)
    tx.run(_SET_FIRST, of_room=room.id, new_first=gone + 1)
    welcomes = inbox.forget(tx, room.id, gone + 1)
    return Gone(entries, welcomes, group_states.purge(tx, room.id, gone + 1, room.newest_commit))


def _number(tx: Transaction, statement: Statement, **values: bytes | int) -> int:
    row = tx.one(statement, **values)
    return 0 if row is None or row[0] is None else int(row[0])
