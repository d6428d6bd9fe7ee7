"""The row of this profile's account: one device of one account, with its private keys and its launch counter."""

import enum
from dataclasses import dataclass

from entrenous.client.store.store import Rows, Transaction
from entrenous.crypto import SigningSeed
from entrenous.errors import UsageError


class AccountState(enum.StrEnum):
    """Whether the server is known to have what this row says."""

    #: Sent, or about to be; a device login tells.
    PENDING = "pending"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Who this profile is.

    Attributes:
        identity_seed: of the account identity key, which signs device lists and leaf certificates.
        login_seed: of this device's login key.
        mls_seed: of this device's leaf key.
        device_list: the newest SignedDeviceList, encoded.
    """

    state: AccountState
    account_id: bytes
    device_id: bytes
    login_name: str
    identity_seed: SigningSeed
    login_seed: SigningSeed
    mls_seed: SigningSeed
    device_list: bytes
    device_list_version: int


_SELECT = (
    "SELECT state, account_id, device_id, login_name, identity_seed, login_seed, mls_seed, device_list,"
    " device_list_version FROM account"
)
_INSERT = (
    "INSERT INTO account (one, state, account_id, device_id, login_name, identity_seed, login_seed, mls_seed,"
    " device_list, device_list_version) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
#: Deletes what came with an account.
_EMPTY = (
    "DELETE FROM server",
    "DELETE FROM vault",
    "DELETE FROM vault_rooms",
    "DELETE FROM contacts",
    "DELETE FROM key_packages",
)


def get(rows: Rows) -> AccountRow | None:
    """This profile's account; None in an empty profile."""
    row = rows.one(_SELECT)
    if row is None:
        return None
    state, account_id, device_id, name, identity, login, mls, device_list, version = row
    seeds = SigningSeed(identity), SigningSeed(login), SigningSeed(mls)
    return AccountRow(AccountState(state), account_id, device_id, name, *seeds, device_list, version)


def put(tx: Transaction, row: AccountRow) -> None:
    """Make this the profile's account, with no launch yet.

    Raises:
        UsageError: the profile has an account.
    """
    tx.execute(
        _INSERT,
        (
            row.state,
            row.account_id,
            row.device_id,
            row.login_name,
            row.identity_seed.reveal(),
            row.login_seed.reveal(),
            row.mls_seed.reveal(),
            row.device_list,
            row.device_list_version,
        ),
    )


def forget_pending(tx: Transaction) -> None:
    """Empty the profile of an attempt that came to nothing, and of everything that came with it."""
    if tx.execute("DELETE FROM account WHERE state = ?", (AccountState.PENDING,)):
        for statement in _EMPTY:
            tx.execute(statement)


def activate(tx: Transaction) -> None:
    """The server is known to have this account and this device."""
    tx.execute("UPDATE account SET state = ?", (AccountState.ACTIVE,))


def rename(tx: Transaction, login_name: str) -> None:
    """The account's login name is another one now."""
    tx.execute("UPDATE account SET login_name = ?", (login_name,))


def put_device_list(tx: Transaction, device_list: bytes, version: int) -> None:
    """Keep a newer device list of this account."""
    tx.execute("UPDATE account SET device_list = ?, device_list_version = ?", (device_list, version))


def next_launch_counter(tx: Transaction) -> int:
    """Count one more login: 1, 2, 3, … On disk before it is sent, so a restored copy of the profile shows.

    Raises:
        UsageError: the profile is empty.
    """
    tx.execute("UPDATE account SET launch_counter = launch_counter + 1")
    row = tx.one("SELECT launch_counter FROM account")
    if row is None:
        raise UsageError("an empty profile has nothing to log in with")
    return int(row[0])
