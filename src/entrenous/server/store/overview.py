"""What an operator is shown: accounts, devices, rooms and invites a page at a time, and how much there is of all."""

from dataclasses import dataclass

from sqlalchemy import Select, Table, bindparam, case, func, literal, select

from entrenous.server.store.schema import (
    accounts,
    cursors,
    devices,
    entries,
    group_states,
    inbox,
    invites,
    key_packages,
    rooms,
    roster,
    sent,
)
from entrenous.server.store.statements import Row, Statement, Transaction


@dataclass(frozen=True, slots=True)
class User:
    """An account. Times are unix seconds."""

    account: bytes
    login_name: str
    name_key: str
    created_at: int
    is_disabled: bool
    #: When an operator deleted it; what is left holds its place in rooms until their members remove it.
    deleted_at: int | None
    rooms: int
    devices: int
    #: The newest login of any of its devices; None without a device.
    last_seen: int | None


@dataclass(frozen=True, slots=True)
class Device:
    """A device of an account's device list."""

    device: bytes
    account: bytes
    login_name: str
    last_seen: int
    is_blocked: bool
    key_packages: int
    waiting_welcomes: int


@dataclass(frozen=True, slots=True)
class Room:
    """A room, by its sizes. Its name and topic are encrypted: nobody here knows them."""

    room: bytes
    created_at: int
    members: int
    managers: int
    newest: int
    entries: int
    bytes: int
    retention_seconds: int
    #: When the newest kept entry came, in unix seconds; None where none is kept.
    newest_at: int | None


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite. The token itself is not kept: ``token_hash`` names it."""

    token_hash: bytes
    uses_left: int
    expires_at: int
    #: The account that made it; None for the operator.
    created_by: bytes | None
    created_at: int


_ROOMS_OF = (
    select(func.count())
    .select_from(roster)
    .where(roster.c.account == accounts.c.id, roster.c.removed_at.is_(None))
    .scalar_subquery()
)
_DEVICES_OF = select(func.count()).select_from(devices).where(devices.c.account == accounts.c.id).scalar_subquery()
_LAST_SEEN = select(func.max(devices.c.last_seen)).where(devices.c.account == accounts.c.id).scalar_subquery()
_USER = select(
    accounts.c.id,
    accounts.c.login_name,
    accounts.c.name_key,
    accounts.c.created_at,
    accounts.c.disabled,
    accounts.c.deleted_at,
    _ROOMS_OF,
    _DEVICES_OF,
    _LAST_SEEN,
)
_USERS = Statement(
    _USER.where(accounts.c.name_key > bindparam("after")).order_by(accounts.c.name_key).limit(bindparam("most"))
)
_USER_BY_ID = Statement(_USER.where(accounts.c.id == bindparam("of_account")))
_USER_BY_NAME = Statement(_USER.where(accounts.c.name_key == bindparam("key")))
_DEVICE = select(
    devices.c.id,
    devices.c.account,
    accounts.c.login_name,
    devices.c.last_seen,
    devices.c.blocked,
    select(func.count())
    .select_from(key_packages)
    .where(key_packages.c.device == devices.c.id, key_packages.c.last_resort == 0)
    .scalar_subquery(),
    select(func.count()).select_from(inbox).where(inbox.c.device == devices.c.id).scalar_subquery(),
).join(accounts, accounts.c.id == devices.c.account)
_DEVICES = Statement(_DEVICE.where(devices.c.id > bindparam("after")).order_by(devices.c.id).limit(bindparam("most")))
_DEVICES_OF_ACCOUNT = Statement(_DEVICE.where(devices.c.account == bindparam("of_account")).order_by(devices.c.id))
_DEVICE_BY_ID = Statement(_DEVICE.where(devices.c.id == bindparam("device")))
_members = (roster.c.room == rooms.c.id, roster.c.removed_at.is_(None))
_of_room = entries.c.room == rooms.c.id
_ROOM = select(
    rooms.c.id,
    rooms.c.created_at,
    select(func.count()).select_from(roster).where(*_members).scalar_subquery(),
    select(func.count()).select_from(roster).where(*_members, roster.c.may_manage == 1).scalar_subquery(),
    rooms.c.newest,
    select(func.count()).select_from(entries).where(_of_room).scalar_subquery(),
    select(func.coalesce(func.sum(func.length(entries.c.body)), 0)).where(_of_room).scalar_subquery(),
    rooms.c.retention_seconds,
    select(func.max(entries.c.received_at)).where(_of_room).scalar_subquery(),
)
_ROOMS = Statement(_ROOM.where(rooms.c.id > bindparam("after")).order_by(rooms.c.id).limit(bindparam("most")))
_ROOM_BY_ID = Statement(_ROOM.where(rooms.c.id == bindparam("room")))
_INVITE = select(
    invites.c.token_hash, invites.c.uses_left, invites.c.expires_at, invites.c.created_by, invites.c.created_at
)
_INVITES = Statement(
    _INVITE.where(invites.c.token_hash > bindparam("after")).order_by(invites.c.token_hash).limit(bindparam("most"))
)


def users(tx: Transaction, after: str, limit: int) -> tuple[User, ...]:
    """Accounts whose names follow ``after``, as names are compared."""
    return tuple(_user(row) for row in tx.all(_USERS, after=after, most=limit))


def user(tx: Transaction, account: bytes) -> User | None:
    """One account."""
    row = tx.one(_USER_BY_ID, of_account=account)
    return None if row is None else _user(row)


def user_named(tx: Transaction, name_key: str) -> User | None:
    """The account whose name compares equal."""
    row = tx.one(_USER_BY_NAME, key=name_key)
    return None if row is None else _user(row)


def devices_after(tx: Transaction, after: bytes, limit: int) -> tuple[Device, ...]:
    """Devices whose ids follow ``after``."""
    return tuple(_device(row) for row in tx.all(_DEVICES, after=after, most=limit))


def devices_of(tx: Transaction, account: bytes) -> tuple[Device, ...]:
    """An account's devices."""
    return tuple(_device(row) for row in tx.all(_DEVICES_OF_ACCOUNT, of_account=account))


def device(tx: Transaction, device: bytes) -> Device | None:
    """One device."""
    row = tx.one(_DEVICE_BY_ID, device=device)
    return None if row is None else _device(row)


def rooms_after(tx: Transaction, after: bytes, limit: int) -> tuple[Room, ...]:
    """Rooms whose ids follow ``after``."""
    return tuple(_room(row) for row in tx.all(_ROOMS, after=after, most=limit))


def room(tx: Transaction, room: bytes) -> Room | None:
    """One room."""
    row = tx.one(_ROOM_BY_ID, room=room)
    return None if row is None else _room(row)


def invites_after(tx: Transaction, after: bytes, limit: int) -> tuple[Invite, ...]:
    """Invites whose hashes follow ``after``."""
    return tuple(Invite(*row) for row in tx.all(_INVITES, after=after, most=limit))


def _rows(table: Table) -> Select[int]:
    return select(func.count()).select_from(table)


def _bytes(table: Table, column: str) -> Select[int]:
    return select(func.coalesce(func.sum(func.length(table.c[column])), 0))


#: What there is, by the name under which it is shown. Each is one short read of its own.
COUNTS = {
    "accounts": Statement(_rows(accounts).where(accounts.c.deleted_at.is_(None))),
    "accounts_disabled": Statement(
        _rows(accounts).where(accounts.c.disabled == literal(1), accounts.c.deleted_at.is_(None))
    ),
    "accounts_deleted_in_rooms": Statement(_rows(accounts).where(accounts.c.deleted_at.is_not(None))),
    "devices": Statement(_rows(devices)),
    "devices_blocked": Statement(_rows(devices).where(devices.c.blocked == literal(1))),
    "rooms": Statement(_rows(rooms)),
    "memberships": Statement(_rows(roster).where(roster.c.removed_at.is_(None))),
    "entries": Statement(_rows(entries)),
    "entry_bytes": Statement(_bytes(entries, "body")),
    "message_ids_remembered": Statement(_rows(sent)),
    "cursors": Statement(_rows(cursors)),
    "key_packages": Statement(_rows(key_packages)),
    "inbox_items": Statement(_rows(inbox)),
    "inbox_bytes": Statement(_bytes(inbox, "welcome")),
    "group_states": Statement(_rows(group_states)),
    "group_state_bytes": Statement(
        select(
            func.coalesce(
                func.sum(
                    func.length(group_states.c.group_info)
                    + func.length(group_states.c.node_changes)
                    + case((group_states.c.tree.is_(None), 0), else_=func.length(group_states.c.tree))
                ),
                0,
            )
        )
    ),
    "invites": Statement(_rows(invites)),
}
_NEWEST_TIME = Statement(
    select(
        select(func.max(devices.c.last_seen)).scalar_subquery(),
        select(func.max(entries.c.received_at)).scalar_subquery(),
    )
)
_SEEN_SINCE = Statement(_rows(devices).where(devices.c.last_seen >= bindparam("since")))


def count(tx: Transaction, name: str) -> int:
    """One of ``COUNTS``."""
    row = tx.one(COUNTS[name])
    return 0 if row is None else int(row[0])


def devices_seen_since(tx: Transaction, since: int) -> int:
    """How many devices have logged in at or after that time."""
    row = tx.one(_SEEN_SINCE, since=since)
    return 0 if row is None else int(row[0])


def newest_time(tx: Transaction) -> int:
    """The newest login or entry that the store knows of, in unix seconds; 0 in an empty one."""
    row = tx.one(_NEWEST_TIME)
    return 0 if row is None else max(int(row[0] or 0), int(row[1] or 0) // 1000)


def _user(row: Row) -> User:
    account, name, key, created, disabled, deleted, in_rooms, owned, seen = row
    return User(account, name, key, created, bool(disabled), deleted, in_rooms, owned, seen)


def _device(row: Row) -> Device:
    found, account, name, seen, blocked, packages, welcomes = row
    return Device(found, account, name, seen, bool(blocked), packages, welcomes)


def _room(row: Row) -> Room:
    found, created, members, managers, newest, kept, size, retention, newest_ms = row
    newest_at = None if newest_ms is None else int(newest_ms) // 1000
    return Room(found, created, members, managers, newest, kept, int(size), retention, newest_at)
