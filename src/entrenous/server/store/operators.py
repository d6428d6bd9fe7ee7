"""The SQL of what operators change: accounts locked or deleted, devices blocked, rooms and invites deleted."""

from sqlalchemy import bindparam, delete, select, update

from entrenous.server.store.schema import accounts, devices, invites, rooms, roster, sent
from entrenous.server.store.statements import Statement, Transaction

#: How a deleted account is shown to those in whose rooms it still stands.
DELETED_NAME = "deleted account"

_SET_DISABLED = Statement(
    update(accounts)
    .where(accounts.c.id == bindparam("of_account"), accounts.c.deleted_at.is_(None))
    .values(disabled=bindparam("is_disabled"))
)
_DROP_DEVICES = Statement(delete(devices).where(devices.c.account == bindparam("of_account")))
_DROP_INVITES = Statement(delete(invites).where(invites.c.created_by == bindparam("of_account")))
_EMPTY = Statement(
    update(accounts)
    .where(accounts.c.id == bindparam("of_account"), accounts.c.deleted_at.is_(None))
    .values(
        login_name=DELETED_NAME,
        name_key=bindparam("no_name"),
        password_record=b"",
        recovery_record=b"",
        vault=b"",
        disabled=1,
        deleted_at=bindparam("now"),
    )
)
_SET_BLOCKED = Statement(
    update(devices).where(devices.c.id == bindparam("of_device")).values(blocked=bindparam("is_blocked"))
)
_DROP_ROOM = Statement(delete(rooms).where(rooms.c.id == bindparam("of_room")))
_DROP_SENT = Statement(delete(sent).where(sent.c.room == bindparam("of_room")))
_DROP_INVITE = Statement(delete(invites).where(invites.c.token_hash == bindparam("hash")))
_GONE = select(accounts.c.id).where(accounts.c.deleted_at.is_not(None))
_ROOMS = Statement(
    select(
        rooms.c.id,
        select(roster.c.room)
        .where(roster.c.room == rooms.c.id, roster.c.account.not_in(_GONE))
        .limit(1)
        .scalar_subquery(),
    )
    .where(rooms.c.id > bindparam("after"))
    .order_by(rooms.c.id)
    .limit(bindparam("most"))
)
_DROP_DELETED = Statement(
    delete(accounts).where(
        accounts.c.deleted_at.is_not(None),
        ~select(roster.c.room).where(roster.c.account == accounts.c.id).exists(),
    )
)


def set_disabled(tx: Transaction, account: bytes, *, is_disabled: bool) -> bool:
    """Lock an account, or let it in again; False if there is no such account."""
    return tx.run(_SET_DISABLED, of_account=account, is_disabled=int(is_disabled)) == 1


def delete_account(tx: Transaction, account: bytes, now: int) -> bool:
    """Delete an account with its name, records, vault, devices and invites; False if there is none.

    What is left is its id and public keys: other members' rooms list them until somebody there removes the account.
    """
    # No name that is typed compares equal to it: what names are compared by has no capital letters.
    if tx.run(_EMPTY, of_account=account, no_name=f"DELETED {account.hex()}", now=now) != 1:
        return False
    tx.run(_DROP_DEVICES, of_account=account)
    tx.run(_DROP_INVITES, of_account=account)
    return True


def set_blocked(tx: Transaction, device: bytes, *, is_blocked: bool) -> bool:
    """Let a device in no more, or again; False if there is no such device."""
    return tx.run(_SET_BLOCKED, of_device=device, is_blocked=int(is_blocked)) == 1


def delete_room(tx: Transaction, room: bytes) -> bool:
    """Delete a room with all that belongs to it; False if there is none."""
    if tx.run(_DROP_ROOM, of_room=room) != 1:
        return False
    tx.run(_DROP_SENT, of_room=room)
    return True


def delete_invite(tx: Transaction, token_hash: bytes) -> bool:
    """Delete an invite; False if there is none."""
    return tx.run(_DROP_INVITE, hash=token_hash) == 1


def delete_empty_rooms(tx: Transaction, after: bytes, *, limit: int) -> tuple[bytes | None, int]:
    """Delete rooms that nobody is in, or was lately, but deleted accounts: of the ``limit`` that follow ``after``.

    Returns:
        Where to go on, None at the end; and how many were deleted.
    """
    found = tx.all(_ROOMS, after=after, most=limit)
    empty = [room for room, somebody in found if somebody is None]
    for room in empty:
        tx.run(_DROP_ROOM, of_room=room)
    return (bytes(found[-1][0]) if len(found) == limit else None), len(empty)


def forget_deleted(tx: Transaction) -> int:
    """Delete what is left of deleted accounts that stand in no room any more; returns how many."""
    return tx.run(_DROP_DELETED)
