"""An attempt to put an account into an empty profile: stored before it is sent, settled by a device login afterwards.

    empty ──begin──> pending ──confirm──> active
                        └──────abandon──> empty

Between the last request and its answer nobody knows whether the server has acted. Then the profile stays pending, with
everything that is needed to go on, and ``settle`` asks the server by logging in as the device that may exist.
"""

from dataclasses import dataclass

from entrenous.channel import SUITES
from entrenous.client.environment import Environment
from entrenous.client.session import (
    DEFAULT_TIMINGS,
    Connector,
    RefusedError,
    Timings,
    log_in_device,
    open_connection,
)
from entrenous.client.store import Store, Transaction, account, server, vault
from entrenous.client.store.account import AccountRow, AccountState
from entrenous.client.store.server import ServerRow
from entrenous.client.store.vault import VaultRow
from entrenous.errors import RejectedError, UsageError
from entrenous.identity import RecoveryCode, format_recovery_code
from entrenous.wire import ErrorCode


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything that makes an empty profile a device."""

    account: AccountRow
    server: ServerRow
    vault: VaultRow
    recovery_code: RecoveryCode | None = None


def require_empty(store: Store) -> None:
    """Refuse a profile that is somebody's already.

    Raises:
        RejectedError: rule PROFILE-TAKEN.
    """
    row = account.get(store)
    if row is not None and row.state is AccountState.ACTIVE:
        raise RejectedError("PROFILE-TAKEN", f"this profile belongs to {row.login_name}; choose another profile")


def begin(tx: Transaction, attempt: Attempt) -> None:
    """Store an attempt, in place of an earlier one that came to nothing."""
    code = attempt.recovery_code
    account.forget_pending(tx)
    account.put(tx, attempt.account)
    server.put(tx, attempt.server)
    vault.put(tx, attempt.vault, None if code is None else code.reveal())


def confirm(store: Store) -> None:
    """The server has acted: the profile is this account's."""
    with store.transaction() as tx:
        account.activate(tx)


def abandon(store: Store) -> None:
    """The server has refused: the profile is empty again."""
    with store.transaction() as tx:
        account.forget_pending(tx)


async def settle(
    store: Store, connector: Connector, environment: Environment, *, timings: Timings = DEFAULT_TIMINGS
) -> bool:
    """Find out what became of a pending attempt; True if the profile is an account's now.

    Returns False, and leaves the attempt in place, if the server does not know the device: a request that is still on
    its way may yet arrive, and the next attempt asks again before it takes this one's place.

    Raises:
        RejectedError: the server at this address is another one, or refuses the device for another reason.
        UnavailableError: the server cannot be asked now.
    """
    row, pinned = account.get(store), server.get(store)
    if row is None or pinned is None:
        return False
    if row.state is AccountState.ACTIVE:
        return True
    connection = await open_connection(
        connector,
        environment,
        pin=pinned.server_id,
        known_key=pinned.identity_key,
        suite=SUITES[pinned.suite],
        timings=timings,
    )
    try:
        login = await log_in_device(connection, store)
    except RefusedError as error:
        if error.code is ErrorCode.BAD_CREDENTIALS:
            return False
        raise
    finally:
        connection.close()
    with store.transaction() as tx:
        account.rename(tx, login.login_name)
        account.activate(tx)
    return True


def recovery_words(store: Store) -> str | None:
    """The twelve words of a new account, until ``forget_recovery_words``; None once they were shown."""
    code = vault.recovery_code(store)
    return None if code is None else format_recovery_code(RecoveryCode(code))


def forget_recovery_words(store: Store) -> None:
    """A person has written them down: from now on they are on no disk.

    Raises:
        UsageError: the account is not confirmed yet, so they may still be needed.
    """
    row = account.get(store)
    if row is None or row.state is not AccountState.ACTIVE:
        raise UsageError("the recovery words are forgotten once the account exists")
    with store.transaction() as tx:
        vault.forget_recovery_code(tx)
    store.scrub()
