"""The rows of KeyPackages: one pool a device, each handed out once, and one last resort."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, insert, select

from entrenous.server.store.bulk import Bulk
from entrenous.server.store.schema import key_packages
from entrenous.server.store.statements import Statement, Transaction

_INSERT = Bulk(
    lambda given: insert(key_packages).from_select(
        ("device", "last_resort", "body", "expires_at"),
        select(given.c.device, given.c.last_resort, given.c.body, given.c.expires_at),
    ),
    device=key_packages.c.device.type,
    last_resort=key_packages.c.last_resort.type,
    body=key_packages.c.body.type,
    expires_at=key_packages.c.expires_at.type,
)
_kind = (key_packages.c.device == bindparam("of_device"), key_packages.c.last_resort == bindparam("kind"))
_COUNT = Statement(select(func.count()).where(*_kind))
_DELETE_KIND = Statement(delete(key_packages).where(*_kind))
_OLDEST = Statement(
    # Another node may be taking the oldest one at this moment: then it is the next one's turn.
    select(key_packages.c.number, key_packages.c.body)
    .where(*_kind)
    .order_by(key_packages.c.number)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_LAST_RESORT = Statement(select(key_packages.c.body).where(*_kind).limit(1))
_DELETE = Statement(delete(key_packages).where(key_packages.c.number == bindparam("which")))
_DELETE_EXPIRED = Statement(
    delete(key_packages).where(
        key_packages.c.device == bindparam("of_device"), key_packages.c.expires_at < bindparam("now")
    )
)
_PURGE = Statement(delete(key_packages).where(key_packages.c.expires_at < bindparam("now")))


@dataclass(frozen=True, slots=True)
class Package:
    """A KeyPackage, and the last unix second in which it is good for anything."""

    body: bytes
    expires_at: int


def add(tx: Transaction, device: bytes, packages: Iterable[Package]) -> None:
    """Add packages to a device's pool."""
    tx.put_all(_INSERT, [(device, 0, each.body, each.expires_at) for each in packages])


def set_last_resort(tx: Transaction, device: bytes, package: Package) -> None:
    """Replace the device's last-resort package."""
    tx.put(_DELETE_KIND, of_device=device, kind=1)
    tx.put_all(_INSERT, [(device, 1, package.body, package.expires_at)])


def drop_expired(tx: Transaction, device: bytes, now: int) -> None:
    """Delete the packages of a device whose time is over."""
    tx.put(_DELETE_EXPIRED, of_device=device, now=now)


def purge(tx: Transaction, now: int) -> int:
    """Delete the packages of all devices whose time is over; returns how many."""
    return tx.run(_PURGE, now=now)


def count(tx: Transaction, device: bytes) -> int:
    """How many one-time packages the pool holds."""
    row = tx.one(_COUNT, of_device=device, kind=0)
    return 0 if row is None else int(row[0])


def claim(tx: Transaction, device: bytes) -> tuple[bytes, bool] | None:
    """Take the oldest package out of the pool, or copy the last resort; None if there is neither.

    Returns:
        The package, and whether it is the last resort.
    """
    row = tx.one(_OLDEST, of_device=device, kind=0)
    if row is not None:
        tx.put(_DELETE, which=row[0])
        return row[1], False
    row = tx.one(_LAST_RESORT, of_device=device, kind=1)
    return None if row is None else (row[0], True)
