"""The rows of accounts and their devices."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from entrenous.server.store.bulk import Bulk
from entrenous.server.store.schema import accounts, devices, roster
from entrenous.server.store.statements import Row, Statement, Transaction
from entrenous.wire.types import KsfParameters


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account, without its records and its vault."""

    id: bytes
    login_name: str
    identity_key: bytes
    device_list: bytes
    device_list_version: int
    disabled: bool


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """What a password login needs."""

    account: bytes
    password_record: bytes
    recovery_record: bytes
    ksf: KsfParameters


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Everything that a registration stores about an account."""

    id: bytes
    login_name: str
    name_key: str
    identity_key: bytes
    password_record: bytes
    recovery_record: bytes
    ksf: KsfParameters
    device_list: bytes
    device_list_version: int
    vault: bytes
    vault_version: int
    created_at: int


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device of a current device list, with its account's."""

    login_key: bytes
    launch_counter: int
    login_name: str
    disabled: bool
    device_list_version: int
    vault_version: int
    #: Whether an operator lets this one device in no more.
    blocked: bool


_ACCOUNT = (
    accounts.c.id,
    accounts.c.login_name,
    accounts.c.identity_key,
    accounts.c.device_list,
    accounts.c.device_list_version,
    accounts.c.disabled,
)
_INSERT_ACCOUNT = Statement(insert(accounts))
_BY_ID = Statement(select(*_ACCOUNT).where(accounts.c.id == bindparam("account")))
_ANY = Statement(select(accounts.c.id).limit(1))
_BY_NAME = Statement(select(*_ACCOUNT).where(accounts.c.name_key == bindparam("name_key")))
# One row is read whether the name exists or not, by the same two indexes and from as many pages, so that neither the
# work nor a cold cache tells: for an unknown name it is somebody's row, the same one each time, and it is not used.
_named, _near = accounts.alias("named"), accounts.alias("near")
_CREDENTIALS = Statement(
    select(
        accounts.c.id,
        accounts.c.password_record,
        accounts.c.recovery_record,
        accounts.c.ksf_memory_kib,
        accounts.c.ksf_iterations,
        accounts.c.ksf_lanes,
        accounts.c.name_key,
    ).where(
        accounts.c.id
        == func.coalesce(
            select(_named.c.id).where(_named.c.name_key == bindparam("name_key")).scalar_subquery(),
            select(_near.c.id).where(_near.c.id >= bindparam("decoy")).order_by(_near.c.id).limit(1).scalar_subquery(),
            select(_near.c.id).order_by(_near.c.id).limit(1).scalar_subquery(),
        )
    )
)
_VAULT = Statement(select(accounts.c.vault, accounts.c.vault_version).where(accounts.c.id == bindparam("account")))
_SET_LIST = Statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"), accounts.c.device_list_version == bindparam("expected"))
    .values(device_list=bindparam("new_list"), device_list_version=bindparam("new_version"))
)
_SET_VAULT = Statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"), accounts.c.vault_version == bindparam("expected"))
    .values(vault=bindparam("new_vault"), vault_version=accounts.c.vault_version + 1)
)
_theirs, _mine = roster.alias("theirs"), roster.alias("mine")
_SHARED = Statement(
    select(_mine.c.room)
    .join(_theirs, _theirs.c.room == _mine.c.room)
    .where(_mine.c.account == bindparam("account"), _mine.c.removed_at.is_(None))
    .where(_theirs.c.account == bindparam("other"), _theirs.c.removed_at.is_(None))
    .limit(1)
)
_INSERT_DEVICE = Statement(insert(devices))
_DELETE_DEVICE = Statement(delete(devices).where(devices.c.id == bindparam("device")))
_DEVICES = Statement(select(devices.c.id).where(devices.c.account == bindparam("account")))
_DEVICE = Statement(
    select(
        devices.c.login_key,
        devices.c.launch_counter,
        accounts.c.login_name,
        accounts.c.disabled,
        accounts.c.device_list_version,
        accounts.c.vault_version,
        devices.c.blocked,
    )
    .join(accounts, accounts.c.id == devices.c.account)
    .where(devices.c.id == bindparam("device"), devices.c.account == bindparam("of_account"))
)
_LISTED = Bulk(
    lambda given: select(given.c.account, given.c.device).join(
        devices, and_(devices.c.id == given.c.device, devices.c.account == given.c.account)
    ),
    account=devices.c.account.type,
    device=devices.c.id.type,
)
_DEVICE_EXISTS = Statement(select(devices.c.id).where(devices.c.id == bindparam("device")))
_LAUNCH = Statement(
    update(devices)
    .where(devices.c.id == bindparam("device"), devices.c.launch_counter < bindparam("counter"))
    .values(launch_counter=bindparam("counter"), last_seen=bindparam("now"))
)


def add(tx: Transaction, account: NewAccount) -> None:
    """Store an account; its id and its name are not taken."""
    tx.put(
        _INSERT_ACCOUNT,
        id=account.id,
        login_name=account.login_name,
        name_key=account.name_key,
        identity_key=account.identity_key,
        password_record=account.password_record,
        recovery_record=account.recovery_record,
        ksf_memory_kib=account.ksf.memory_kib,
        ksf_iterations=account.ksf.iterations,
        ksf_lanes=account.ksf.lanes,
        device_list=account.device_list,
        device_list_version=account.device_list_version,
        vault=account.vault,
        vault_version=account.vault_version,
        disabled=0,
        created_at=account.created_at,
        deleted_at=None,
    )


def by_id(tx: Transaction, account: bytes) -> AccountRow | None:
    """The account with this id."""
    return _account(tx.one(_BY_ID, account=account))


def any_at_all(tx: Transaction) -> bool:
    """Whether there is an account."""
    return tx.one(_ANY) is not None


def by_name(tx: Transaction, name_key: str) -> AccountRow | None:
    """The account whose name compares equal."""
    return _account(tx.one(_BY_NAME, name_key=_storable(name_key)))


def credentials(tx: Transaction, name_key: str, *, decoy: bytes) -> CredentialRow | None:
    """The OPAQUE records of the account with this name; None takes the same reads.

    Args:
        tx: the transaction.
        name_key: the name, as it is compared.
        decoy: the id that the name seems to have if it has no account; a row near it is read then.
    """
    row = tx.one(_CREDENTIALS, name_key=_storable(name_key), decoy=decoy)
    if row is None:
        return None
    found = CredentialRow(row[0], row[1], row[2], KsfParameters(*row[3:6]))
    return found if row[6] == name_key else None


def vault(tx: Transaction, account: bytes) -> tuple[bytes, int] | None:
    """An account's vault and its version."""
    row = tx.one(_VAULT, account=account)
    return None if row is None else (row[0], row[1])


def set_device_list(tx: Transaction, account: bytes, device_list: bytes, *, expected: int, version: int) -> bool:
    """Replace the device list of version ``expected``; False if the stored one is another."""
    changed = tx.run(_SET_LIST, account=account, expected=expected, new_list=device_list, new_version=version)
    return changed == 1


def set_vault(tx: Transaction, account: bytes, sealed: bytes, *, expected: int) -> bool:
    """Replace the vault of version ``expected`` by the one after it; False if the stored one is another."""
    return tx.run(_SET_VAULT, account=account, expected=expected, new_vault=sealed) == 1


def share_a_room(tx: Transaction, account: bytes, other: bytes) -> bool:
    """Whether both are members of some room."""
    return tx.one(_SHARED, account=account, other=other) is not None


def add_device(tx: Transaction, account: bytes, device: bytes, login_key: bytes, now: int) -> None:
    """List a device."""
    tx.put(_INSERT_DEVICE, id=device, account=account, login_key=login_key, launch_counter=0, last_seen=now, blocked=0)


def remove_device(tx: Transaction, device: bytes) -> None:
    """Forget a revoked device with its KeyPackages, its cursors and its inbox."""
    tx.put(_DELETE_DEVICE, device=device)


def device_ids(tx: Transaction, account: bytes) -> list[bytes]:
    """The devices of an account's current list."""
    return [row[0] for row in tx.all(_DEVICES, account=account)]


def listed(tx: Transaction, asked: Sequence[tuple[bytes, bytes]]) -> set[tuple[bytes, bytes]]:
    """Those of these pairs of an account and a device where the device is in the account's current list."""
    return {(account, device) for account, device in tx.find_all(_LISTED, asked)}


def device(tx: Transaction, account: bytes, device: bytes) -> DeviceRow | None:
    """A device, if it is this account's."""
    row = tx.one(_DEVICE, device=device, of_account=account)
    return None if row is None else DeviceRow(row[0], row[1], row[2], bool(row[3]), row[4], row[5], bool(row[6]))


def device_exists(tx: Transaction, device: bytes) -> bool:
    """Whether some account has such a device."""
    return tx.one(_DEVICE_EXISTS, device=device) is not None


def launch(tx: Transaction, device: bytes, counter: int, now: int) -> bool:
    """Store a launch counter; False if it is not higher than the last."""
    return tx.run(_LAUNCH, device=device, counter=counter, now=now) == 1


def _storable(name_key: str) -> str:
    """A name that somebody asks for, without the one character that PostgreSQL's text cannot have; no name has it."""
    return name_key.replace("\0", "\1")


def _account(row: Row | None) -> AccountRow | None:
    return None if row is None else AccountRow(row[0], row[1], row[2], row[3], row[4], bool(row[5]))
