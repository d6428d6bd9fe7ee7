"""The rows of quotas: what an operator allows single accounts, and what an account makes the server keep."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, insert, select

from entrenous.server.store.bulk import Bulk
from entrenous.server.store.schema import accounts, devices, entries, key_packages, quotas, sent
from entrenous.server.store.statements import Statement, Transaction


@dataclass(frozen=True, slots=True)
class Quota:
    """What one account may have; None is what every account may."""

    rooms: int | None
    kept_bytes: int | None


#: No quota of its own.
NONE = Quota(None, None)

_QUOTA = Statement(select(quotas.c.rooms, quotas.c.kept_bytes).where(quotas.c.account == bindparam("of_account")))
_ROOMS_OF_EACH = Bulk(
    lambda given: (
        select(quotas.c.account, quotas.c.rooms)
        .join(given, given.c.account == quotas.c.account)
        .where(quotas.c.rooms.is_not(None))
    ),
    account=quotas.c.account.type,
)
_INSERT = Statement(insert(quotas))
_DELETE = Statement(delete(quotas).where(quotas.c.account == bindparam("of_account")))
_WITH_BYTES = Statement(
    select(quotas.c.account, quotas.c.kept_bytes).where(quotas.c.kept_bytes.is_not(None)).order_by(quotas.c.account)
)
_VAULT = Statement(select(func.length(accounts.c.vault)).where(accounts.c.id == bindparam("of_account")))
_PACKAGES = Statement(
    select(func.coalesce(func.sum(func.length(key_packages.c.body)), 0))
    .join(devices, devices.c.id == key_packages.c.device)
    .where(devices.c.account == bindparam("of_account"))
)
#: What a device has published, as far as its entries are still there, a page of message ids at a time.
_PUBLISHED = Statement(
    select(sent.c.message_id, func.coalesce(func.length(entries.c.body), 0))
    .outerjoin(entries, (entries.c.room == sent.c.room) & (entries.c.sequence == sent.c.sequence))
    .where(sent.c.device == bindparam("of_device"), sent.c.message_id > bindparam("after"))
    .order_by(sent.c.message_id)
    .limit(bindparam("most"))
)


def of_account(tx: Transaction, account: bytes) -> Quota:
    """An account's quota."""
    row = tx.one(_QUOTA, of_account=account)
    return NONE if row is None else Quota(row[0], row[1])


def put(tx: Transaction, account: bytes, quota: Quota) -> None:
    """Set an account's quota; nothing in it is no quota."""
    tx.run(_DELETE, of_account=account)
    if quota != NONE:
        tx.run(_INSERT, account=account, rooms=quota.rooms, kept_bytes=quota.kept_bytes)


def rooms_allowed(tx: Transaction, account: bytes, otherwise: int) -> int:
    """In how many rooms an account may be: its quota, or what every account may."""
    return rooms_allowed_each(tx, [account]).get(account, otherwise)


def rooms_allowed_each(tx: Transaction, asked: Sequence[bytes]) -> dict[bytes, int]:
    """The quotas of rooms of these accounts, as far as they have one."""
    return dict(tx.find_all(_ROOMS_OF_EACH, [(account,) for account in asked]))


def with_bytes(tx: Transaction) -> Sequence[tuple[bytes, int]]:
    """The accounts that have a quota of bytes, and how many these are."""
    return [(bytes(row[0]), int(row[1])) for row in tx.all(_WITH_BYTES)]


def kept_beside_entries(tx: Transaction, account: bytes) -> int:
    """Bytes of an account's vault and KeyPackages."""
    vault, packages = tx.one(_VAULT, of_account=account), tx.one(_PACKAGES, of_account=account)
    return (0 if vault is None else int(vault[0])) + (0 if packages is None else int(packages[0]))


def kept_entries(tx: Transaction, device: bytes, after: bytes, *, limit: int) -> tuple[bytes | None, int]:
    """Bytes of the entries that a device has published and that are still there, of the next ``limit`` ids.

    Returns:
        Where to go on, None at the end; and the bytes.
    """
    rows = tx.all(_PUBLISHED, of_device=device, after=after, most=limit)
    return (bytes(rows[-1][0]) if len(rows) == limit else None), sum(int(row[1]) for row in rows)
