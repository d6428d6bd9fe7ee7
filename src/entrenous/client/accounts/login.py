"""Logging in on an empty profile with the password, or with the recovery code when it is forgotten (protocol §2).

OPAQUE opens the vault, the vault holds the account's identity key, and that key makes this profile the account's
device: for now the only one, so the devices before it are revoked in the same list.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from entrenous.channel import HYBRID, Suite
from entrenous.client.accounts import attempt
from entrenous.client.accounts.stretching import DEFAULT_STRETCHING, Stretching
from entrenous.client.accounts.vault import absorb, check_version, encode_wraps
from entrenous.client.environment import Environment
from entrenous.client.session import (
    DEFAULT_TIMINGS,
    Connection,
    Connector,
    RefusedError,
    StaleError,
    Timings,
    open_connection,
)
from entrenous.client.store import Store
from entrenous.client.store.account import AccountRow, AccountState
from entrenous.client.store.server import ServerRow
from entrenous.client.store.vault import VaultRow
from entrenous.errors import CryptoError, RejectedError, UnavailableError, UsageError
from entrenous.identity import (
    AccountIdentity,
    DeviceKeys,
    DeviceList,
    RecoveryCode,
    ServerIdentity,
    StoredVault,
    VaultBody,
    VaultKey,
    WrapSlot,
    opaque_context,
    open_vault,
    parse_vault,
    password_bytes,
    sign_device_list,
    unwrap_key,
    verify_device_list,
)
from entrenous.opaque import ClientLogin, ExportKey, LoginResult, finish_login, start_login
from entrenous.wire import ErrorCode, replies, requests

#: Shows a person the fingerprint of a server that is not pinned yet; True if it is the right one.
AcceptServer = Callable[[ServerIdentity], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is said to be.

    Attributes:
        pin: the server id that it has to have; None asks a person at first use.
    """

    host: str
    port: int
    pin: bytes | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """This profile is the account's device now.

    Attributes:
        revoked: how many devices it replaced.
        rooms: how many rooms the vault knows of.
    """

    account_id: bytes
    login_name: str
    revoked: int
    rooms: int


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a password or a recovery code has opened."""

    account_id: bytes
    devices: DeviceList
    stored: StoredVault
    vault_key: VaultKey
    body: VaultBody


async def log_in(
    address: ServerAddress,
    connector: Connector,
    store: Store,
    environment: Environment,
    *,
    login_name: str,
    secret: str | RecoveryCode,
    accept_server: AcceptServer | None = None,
    suite: Suite = HYBRID,
    stretching: Stretching = DEFAULT_STRETCHING,
    timings: Timings = DEFAULT_TIMINGS,
) -> LoggedIn:
    """Make the empty profile behind ``store`` a device of an existing account, and its only one.

    Args:
        address: where the server is, and its pin if it is known.
        connector: reaches it.
        store: an empty profile's.
        environment: clock, entropy, trace and a place for Argon2id.
        login_name: the account's.
        secret: the password as it was typed, or the recovery code.
        accept_server: asked where there is no pin, before anything about the account is sent.
        suite: of this channel and of those to come.
        stretching: the least that a guess at the password must have cost.
        timings: how long to wait.

    Raises:
        RejectedError: rule AUTH-CREDENTIALS, the name or the secret is wrong; CHAN-PIN or AUTH-SERVER-DECLINED, it is
            another server, which learned nothing; PROFILE-TAKEN; or the server shows what is not this account's.
        UnavailableError: nothing was changed, or it is not known yet: call this again, or ``attempt.settle``.
        UsageError: there is neither a pin nor ``accept_server``.
    """
    attempt.require_empty(store)
    if address.pin is None and accept_server is None:
        raise UsageError("a server without a pin has to be accepted by somebody")
    connection = await open_connection(connector, environment, pin=address.pin, suite=suite, timings=timings)
    try:
        if address.pin is None and accept_server is not None and not await accept_server(connection.peer):
            raise RejectedError("AUTH-SERVER-DECLINED", "the server's fingerprint was not accepted")
        opened = await _open(connection, environment, login_name, secret, stretching)
        return await _become_device(connection, address, store, environment, login_name, opened)
    finally:
        connection.close()


async def _open(
    connection: Connection,
    environment: Environment,
    login_name: str,
    secret: str | RecoveryCode,
    stretching: Stretching,
) -> _Opened:
    """OPAQUE, then the vault."""
    is_recovery = isinstance(secret, RecoveryCode)
    known = secret.reveal() if isinstance(secret, RecoveryCode) else password_bytes(secret)
    state, ke1 = start_login(known, environment.entropy)
    challenge = await connection.call(requests.LoginStart(login_name, is_recovery, ke1), replies.LoginChallenge)
    result = await environment.offload(lambda: _finish(connection, state, challenge, stretching, environment))
    connection.expect_large_answers()
    try:
        done = await connection.call(requests.LoginFinish(result.ke3), replies.LoginDone)
    except RefusedError as error:
        if error.code is ErrorCode.BAD_CREDENTIALS:
            raise _wrong() from None
        raise
    slot = WrapSlot.RECOVERY if is_recovery else WrapSlot.PASSWORD
    return _open_vault(challenge.account, done, slot, result.export_key)


def _finish(
    connection: Connection,
    state: ClientLogin,
    challenge: replies.LoginChallenge,
    stretching: Stretching,
    environment: Environment,
) -> LoginResult:
    """Open the envelope. Takes one Argon2id derivation."""
    try:
        return finish_login(
            state,
            challenge.ke2,
            context=opaque_context(connection.suite.number, connection.handshake_hash),
            server_identity=connection.peer.server_id,
            client_identity=challenge.account,
            ksf=stretching.for_record(challenge.ksf),
            trace=environment.trace,
        )
    except CryptoError:
        raise _wrong() from None


def _open_vault(account_id: bytes, done: replies.LoginDone, slot: WrapSlot, export_key: ExportKey) -> _Opened:
    stored = parse_vault(done.vault)
    vault_key = unwrap_key(stored, slot, export_key, account_id=account_id)
    body = open_vault(stored, vault_key, account_id=account_id, at_least=0)
    check_version(body, done.vault_version)
    identity = AccountIdentity.restore(account_id, body.identity_seed)
    devices = verify_device_list(done.device_list, identity.credential)
    return _Opened(account_id, devices, stored, vault_key, body)


async def _become_device(
    connection: Connection,
    address: ServerAddress,
    store: Store,
    environment: Environment,
    login_name: str,
    opened: _Opened,
) -> LoggedIn:
    """List a new device in place of all others."""
    identity = AccountIdentity.restore(opened.account_id, opened.body.identity_seed)
    device = DeviceKeys.generate(environment.entropy)
    former = opened.devices
    gone = tuple(entry.device_id for entry in former.devices)
    devices = DeviceList(former.account_id, former.version + 1, (device.entry,), (*former.revoked, *gone))
    device_list = sign_device_list(identity, devices)
    row = AccountRow(
        AccountState.PENDING,
        opened.account_id,
        device.device_id,
        login_name,
        identity.signing_key.seed,
        device.login.seed,
        device.mls.seed,
        device_list,
        devices.version,
    )
    peer = connection.peer
    made = attempt.Attempt(
        row,
        ServerRow(peer.server_id, peer.identity_key, address.host, address.port, connection.suite.number),
        VaultRow(opened.vault_key.reveal(), encode_wraps(opened.stored.keys), opened.body.counter),
    )
    with store.transaction() as tx:
        attempt.begin(tx, made)
        absorb(tx, opened.body, environment.seconds())
    try:
        await connection.call(requests.PutDeviceList(former.version, device_list), replies.Done)
    except StaleError:
        attempt.abandon(store)
        raise UnavailableError("this account logged in elsewhere at the same moment; try again") from None
    except RefusedError:
        attempt.abandon(store)
        raise
    attempt.confirm(store)
    return LoggedIn(opened.account_id, login_name, len(gone), len(opened.body.rooms))


def _wrong() -> RejectedError:
    return RejectedError("AUTH-CREDENTIALS", "the name or the password is wrong")
