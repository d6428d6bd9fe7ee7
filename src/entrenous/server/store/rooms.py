"""The rows of rooms: where each log stands, and what one account may read of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, case, func, insert, literal_column, select

from entrenous.server.store.bulk import Bulk
from entrenous.server.store.schema import entries, rooms, roster
from entrenous.server.store.statements import Statement, Transaction
from entrenous.wire.types import RoomHead


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a room stands, and one account in it."""

    newest: int
    newest_commit: int
    first_available: int
    retention_seconds: int
    may_manage: bool
    added_at: int
    readable_after: int
    #: The entry that removed the account; None for a member.
    removed_at: int | None
    #: When the newest entry was received, in milliseconds; 0 where it is there no more.
    newest_at: int

    @property
    def is_member(self) -> bool:
        """Whether the account is in the room now."""
        return self.removed_at is None

    @property
    def readable_from(self) -> int:
        """The first entry that the account can still read."""
        return max(self.first_available, self.readable_after + 1)

    @property
    def readable_to(self) -> int:
        """The last entry that the account may read."""
        return self.newest if self.removed_at is None else self.removed_at


_STANDING = (
    rooms.c.newest,
    rooms.c.newest_commit,
    rooms.c.first_available,
    rooms.c.retention_seconds,
    roster.c.may_manage,
    roster.c.added_at,
    roster.c.readable_after,
    roster.c.removed_at,
)
_INSERT = Statement(insert(rooms))
_CREATOR = Statement(select(rooms.c.creator).where(rooms.c.id == bindparam("room")))
_IN_SOME = Bulk(
    lambda given: (
        select(given.c.room, given.c.account, *_STANDING, func.coalesce(entries.c.received_at, literal_column("0")))
        .select_from(given)
        .join(rooms, rooms.c.id == given.c.room)
        .join(roster, and_(roster.c.room == given.c.room, roster.c.account == given.c.account))
        .outerjoin(entries, and_(entries.c.room == rooms.c.id, entries.c.sequence == rooms.c.newest))
    ),
    room=roster.c.room.type,
    account=roster.c.account.type,
)
#: As ``Standing`` reckons, but in the database: an account in a thousand rooms asks for all of them at once.
_READABLE_TO = func.coalesce(roster.c.removed_at, rooms.c.newest)
_READABLE_FROM = roster.c.readable_after + 1
_IN_ALL = Statement(
    select(
        rooms.c.id,
        _READABLE_TO,
        case((rooms.c.newest_commit < _READABLE_TO, rooms.c.newest_commit), else_=_READABLE_TO),
        case((rooms.c.first_available > _READABLE_FROM, rooms.c.first_available), else_=_READABLE_FROM),
        roster.c.may_manage,
        roster.c.removed_at,
    )
    .join(roster, roster.c.room == rooms.c.id)
    .where(roster.c.account == bindparam("account"))
    # In which order an index has the rows of one account: nothing is left to sort.
    .order_by(roster.c.room)
)


def create(tx: Transaction, room: bytes, creator: bytes, retention_seconds: int, now: int) -> None:
    """Open an empty log."""
    tx.put(
        _INSERT,
        id=room,
        newest=0,
        newest_commit=0,
        first_available=1,
        retention_seconds=retention_seconds,
        creator=creator,
        created_at=now,
    )


def creator(tx: Transaction, room: bytes) -> bytes | None:
    """The account that opened the room; None if there is no such room."""
    row = tx.one(_CREATOR, room=room)
    return None if row is None else bytes(row[0])


def standing(tx: Transaction, room: bytes, account: bytes) -> Standing | None:
    """None if there is no such room, or the account was not lately in it."""
    return standings(tx, [(room, account)]).get((room, account))


def standings(tx: Transaction, wanted: Collection[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], Standing]:
    """The same for pairs of a room and an account, of which none stands there twice."""
    return {(room, account): _standing(rest) for room, account, *rest in tx.find_all(_IN_SOME, tuple(wanted))}


def heads(tx: Transaction, account: bytes) -> tuple[RoomHead, ...]:
    """Every log that the account may read, as far as it may read it."""
    return tuple(
        RoomHead(room, newest, newest_commit, first_available, bool(may_manage), removed_at)
        for room, newest, newest_commit, first_available, may_manage, removed_at in tx.all(_IN_ALL, account=account)
    )


def _standing(row: Sequence[Any]) -> Standing:
    newest, newest_commit, first, retention, may_manage, *rest = row
    return Standing(newest, newest_commit, first, retention, bool(may_manage), *rest)
