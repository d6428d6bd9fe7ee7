"""The rows of rosters: which accounts are in a room, and which of them manage it."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, func, insert, literal_column, select, tuple_, update
from sqlalchemy import delete as delete_rows

from entrenous.server.store.bulk import Bulk
from entrenous.server.store.schema import accounts, cursors, devices, rooms, roster
from entrenous.server.store.statements import Statement, Transaction
from entrenous.wire.types import RosterMember


def _given_row(given: FromClause) -> ColumnElement[bool]:
    return and_(roster.c.room == given.c.room, roster.c.account == given.c.account)


_PAIR = {"room": roster.c.room.type, "account": roster.c.account.type}
_INSERT = Bulk(
    lambda given: insert(roster).from_select(roster.c.keys(), select(given)),
    **{column.name: column.type for column in roster.c},
)
_DELETE = Bulk(
    lambda given: delete_rows(roster).where(
        tuple_(roster.c.room, roster.c.account).in_(select(given.c.room, given.c.account))
    ),
    **_PAIR,
)
#: Accounts that exist, and the same again for those that are in the room.
_PARTIES = Bulk(
    lambda given: (
        select(given.c.account, roster.c.account)
        .select_from(given)
        .join(accounts, accounts.c.id == given.c.account)
        .outerjoin(
            roster,
            and_(_given_row(given), roster.c.removed_at.is_(None)),
        )
    ),
    **_PAIR,
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
_COUNT_ROOMS = Bulk(
    lambda given: (
        select(roster.c.account, func.count())
        .join(given, given.c.account == roster.c.account)
        .where(roster.c.removed_at.is_(None))
        .group_by(roster.c.account)
    ),
    account=roster.c.account.type,
)


_REMOVE = Bulk(
    lambda given: (
        update(roster)
        .where(_given_row(given))
        .values(removed_at=given.c.at, may_manage=literal_column("0"), changed_at=given.c.now)
    ),
    **_PAIR,
    at=roster.c.removed_at.type,
    now=roster.c.changed_at.type,
)
_SET_MANAGERS = Bulk(
    lambda given: update(roster).where(_given_row(given)).values(may_manage=given.c.may_manage, changed_at=given.c.now),
    **_PAIR,
    may_manage=roster.c.may_manage.type,
    now=roster.c.changed_at.type,
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
    add_all(tx, room, (account,), may_manage=may_manage, added_at=added_at, readable_after=readable_after, now=now)


def add_all(
    tx: Transaction,
    room: bytes,
    members: Sequence[bytes],
    *,
    may_manage: bool,
    added_at: int,
    readable_after: int,
    now: int,
) -> None:
    """The same for several accounts at once."""
    tx.put_all(_DELETE, [(room, account) for account in members])
    tx.put_all(
        _INSERT,
        [(room, account, int(may_manage), added_at, readable_after, None, now) for account in members],
    )


def parties(tx: Transaction, room: bytes, asked: Sequence[bytes]) -> dict[bytes, bool]:
    """Which of these accounts there are, and whether each is in the room now."""
    return {
        account: member is not None for account, member in tx.find_all(_PARTIES, [(room, account) for account in asked])
    }


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
    return count_rooms_of_each(tx, [account]).get(account, 0)


def count_rooms_of_each(tx: Transaction, asked: Sequence[bytes]) -> dict[bytes, int]:
    """How many rooms each of these accounts is in that is in any."""
    return dict(tx.find_all(_COUNT_ROOMS, [(account,) for account in asked]))


def remove(tx: Transaction, room: bytes, members: Sequence[bytes], *, at: int, now: int) -> None:
    """The entry ``at`` removes members."""
    tx.put_all(_REMOVE, [(room, account, at, now) for account in members])


def set_managers(tx: Transaction, room: bytes, members: Mapping[bytes, bool], *, now: int) -> None:
    """Let members manage the room, or no longer."""
    tx.put_all(_SET_MANAGERS, [(room, account, int(manages), now) for account, manages in members.items()])


def forget_removed(tx: Transaction, before: int, *, limit: int = 1_000) -> int:
    """Forget accounts that were removed before that time, ``limit`` at once, with their places; returns how many."""
    found = tx.all(_REMOVED, before=before, most=limit)
    for room, account in found:
        tx.run(_DROP_CURSORS, of_room=room, of_account=account)
        tx.run(_FORGET, of_room=room, of_account=account)
    return len(found)
