"""The rows of rosters: which accounts are in a room, and which of them manage it."""

from sqlalchemy import bindparam, func, insert, null, select, update
from sqlalchemy import delete as delete_rows

from entrenous.server.store.schema import cursors, devices, rooms, roster
from entrenous.server.store.statements import Statement, Transaction
from entrenous.wire.types import RosterMember

_row = (roster.c.room == bindparam("of_room"), roster.c.account == bindparam("of_account"))
_INSERT = Statement(
    insert(roster).values(
        room=bindparam("room"),
        account=bindparam("account"),
        may_manage=bindparam("may_manage"),
        added_at=bindparam("added_at"),
        readable_after=bindparam("readable_after"),
        removed_at=null(),
        changed_at=bindparam("changed_at"),
    )
)
_DELETE = Statement(delete_rows(roster).where(*_row))
_MEMBER = Statement(select(roster.c.may_manage).where(*_row, roster.c.removed_at.is_(None)))
_MEMBERS = Statement(
    select(roster.c.account).where(roster.c.room == bindparam("of_room"), roster.c.removed_at.is_(None))
)
_ROSTER = Statement(
    select(roster.c.account, roster.c.may_manage)
    .where(roster.c.room == bindparam("of_room"), roster.c.removed_at.is_(None))
    .order_by(roster.c.account)
)
_ROOMS = Statement(
    select(roster.c.room, rooms.c.newest)
    .join(rooms, rooms.c.id == roster.c.room)
    .where(roster.c.account == bindparam("of_account"), roster.c.removed_at.is_(None))
)
_COUNT_MEMBERS = Statement(
    select(func.count()).where(roster.c.room == bindparam("of_room"), roster.c.removed_at.is_(None))
)
_COUNT_ROOMS = Statement(
    select(func.count()).where(roster.c.account == bindparam("of_account"), roster.c.removed_at.is_(None))
)
_REMOVE = Statement(
    update(roster).where(*_row).values(removed_at=bindparam("at_sequence"), may_manage=0, changed_at=bindparam("now"))
)
_SET_MANAGER = Statement(
    update(roster).where(*_row).values(may_manage=bindparam("manages"), changed_at=bindparam("now"))
)
_REMOVED = Statement(
    select(roster.c.room, roster.c.account)
    .where(roster.c.removed_at.is_not(None), roster.c.changed_at < bindparam("before"))
    .limit(bindparam("most"))
)
_DROP_CURSORS = Statement(
    delete_rows(cursors).where(
        cursors.c.room == bindparam("of_room"),
        cursors.c.device.in_(select(devices.c.id).where(devices.c.account == bindparam("of_account"))),
    )
)
_FORGET = Statement(
    delete_rows(roster).where(
        roster.c.room == bindparam("of_room"),
        roster.c.account == bindparam("of_account"),
        roster.c.removed_at.is_not(None),
    )
)


def add(
    tx: Transaction,
    room: bytes,
    account: bytes,
    *,
    may_manage: bool,
    added_at: int,
    readable_after: int,
    now: int,
) -> None:
    """Make an account a member; a row that tells of its former removal is replaced."""
    tx.put(_DELETE, of_room=room, of_account=account)
    tx.put(
        _INSERT,
        room=room,
        account=account,
        may_manage=int(may_manage),
        added_at=added_at,
        readable_after=readable_after,
        changed_at=now,
    )


def is_member(tx: Transaction, room: bytes, account: bytes) -> bool:
    """Whether the account is in the room now."""
    return tx.one(_MEMBER, of_room=room, of_account=account) is not None


def members(tx: Transaction, room: bytes) -> list[bytes]:
    """The accounts in the room."""
    return [row[0] for row in tx.all(_MEMBERS, of_room=room)]


def every(tx: Transaction, room: bytes) -> tuple[RosterMember, ...]:
    """The accounts in the room by rising id, and which of them manage it."""
    return tuple(RosterMember(account, bool(may_manage)) for account, may_manage in tx.all(_ROSTER, of_room=room))


def rooms_of(tx: Transaction, account: bytes) -> dict[bytes, int]:
    """The rooms that an account is in, and the newest entry of each."""
    return {row[0]: row[1] for row in tx.all(_ROOMS, of_account=account)}


def count_members(tx: Transaction, room: bytes) -> int:
    """How many accounts are in the room."""
    row = tx.one(_COUNT_MEMBERS, of_room=room)
    return 0 if row is None else int(row[0])


def count_rooms(tx: Transaction, account: bytes) -> int:
    """How many rooms an account is in."""
    row = tx.one(_COUNT_ROOMS, of_account=account)
    return 0 if row is None else int(row[0])


def remove(tx: Transaction, room: bytes, account: bytes, *, at: int, now: int) -> None:
    """The entry ``at`` removes a member."""
    tx.put(_REMOVE, of_room=room, of_account=account, at_sequence=at, now=now)


def set_manager(tx: Transaction, room: bytes, account: bytes, *, may_manage: bool, now: int) -> None:
    """Let a member manage the room, or no longer."""
    tx.put(_SET_MANAGER, of_room=room, of_account=account, manages=int(may_manage), now=now)


def forget_removed(tx: Transaction, before: int, *, limit: int = 1_000) -> int:
    """Forget accounts that were removed before that time, ``limit`` at once, with their places; returns how many."""
    found = tx.all(_REMOVED, before=before, most=limit)
    for room, account in found:
        tx.run(_DROP_CURSORS, of_room=room, of_account=account)
        tx.run(_FORGET, of_room=room, of_account=account)
    return len(found)
