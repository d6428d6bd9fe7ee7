"""The SQL of looking what is new, for the connections of one node."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, or_, select

from entrenous.server.store import log
from entrenous.server.store.bulk import Bulk
from entrenous.server.store.schema import devices, inbox, rooms, roster
from entrenous.server.store.statements import Statement, Transaction
from entrenous.wire.types import Entry

#: Entries of one room that are read at once.
MAX_ENTRIES = 500


@dataclass(frozen=True, slots=True)
class RoomNews:
    """What has come into a room after some entry.

    Attributes:
        room: the room.
        newest: its newest entry.
        entries: those that are still there, oldest first, as far as they fit.
        roster: account, adding and removing entry (None for a member) of those who came or went since.
        welcomed: devices that were sent Welcomes since.
        is_partial: whether more entries are there than these.
    """

    room: bytes
    newest: int
    entries: tuple[Entry, ...]
    roster: tuple[tuple[bytes, int, int | None], ...]
    welcomed: tuple[bytes, ...]
    is_partial: bool


_HEAD = Statement(select(rooms.c.newest, rooms.c.newest_commit).where(rooms.c.id == bindparam("room")))
_CHANGED = Statement(
    select(roster.c.account, roster.c.added_at, roster.c.removed_at)
    .where(roster.c.room == bindparam("room"))
    .where(or_(roster.c.added_at > bindparam("after"), roster.c.removed_at > bindparam("after")))
)
_WELCOMED = Statement(
    select(inbox.c.device).where(inbox.c.room == bindparam("room"), inbox.c.sequence > bindparam("after")).distinct()
)
_NEWEST = Bulk(
    lambda given: select(rooms.c.id, rooms.c.newest).join(given, given.c.room == rooms.c.id), room=rooms.c.id.type
)
_MEMBERSHIPS = Bulk(
    lambda given: (
        select(roster.c.account, roster.c.room, roster.c.added_at)
        .join(given, given.c.account == roster.c.account)
        .where(roster.c.removed_at.is_(None))
    ),
    account=roster.c.account.type,
)
_LAUNCHES = Bulk(
    lambda given: select(devices.c.id, devices.c.launch_counter).join(given, given.c.device == devices.c.id),
    device=devices.c.id.type,
)
_ITEMS = Bulk(
    lambda given: (
        select(inbox.c.device, func.max(inbox.c.number))
        .join(given, given.c.device == inbox.c.device)
        .group_by(inbox.c.device)
    ),
    device=inbox.c.device.type,
)


def of_room(tx: Transaction, room: bytes, after: int, *, size: int) -> RoomNews | None:
    """What has come after an entry; None if nothing has, or there is no such room.

    Args:
        tx: the transaction.
        room: the room.
        after: the entry; -1 is before the opening of the room.
        size: bytes of entries to read, unless one alone is larger; 0 reads none.
    """
    head = tx.one(_HEAD, room=room)
    if head is None or head[0] <= after:
        return None
    newest, newest_commit = head
    entries = log.fetch(tx, room, after, newest, limit=MAX_ENTRIES, size=size) if size else ()
    changed = newest_commit > after
    return RoomNews(
        room,
        newest,
        entries,
        tuple((row[0], row[1], row[2]) for row in tx.all(_CHANGED, room=room, after=after)) if changed else (),
        tuple(row[0] for row in tx.all(_WELCOMED, room=room, after=after)) if changed else (),
        is_partial=bool(entries) and entries[-1].sequence < newest,
    )


def newest_entries(tx: Transaction, wanted: Sequence[bytes]) -> dict[bytes, int]:
    """The newest entry of each of these rooms."""
    return dict(tx.find_all(_NEWEST, [(room,) for room in wanted]))


def memberships(tx: Transaction, accounts: Sequence[bytes]) -> list[tuple[bytes, bytes, int]]:
    """Account, room, and the entry that added the account, of these accounts' rooms."""
    return [(row[0], row[1], row[2]) for row in tx.find_all(_MEMBERSHIPS, [(account,) for account in accounts])]


def launches(tx: Transaction, wanted: Sequence[bytes]) -> dict[bytes, int]:
    """The launch counter of each of these devices that there is."""
    return dict(tx.find_all(_LAUNCHES, [(device,) for device in wanted]))


def newest_items(tx: Transaction, wanted: Sequence[bytes]) -> dict[bytes, int]:
    """The id of the newest item in the inbox of each of these devices that has one."""
    return dict(tx.find_all(_ITEMS, [(device,) for device in wanted]))
