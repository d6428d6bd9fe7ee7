"""Registering: an invite link becomes an account with a password, a recovery code, a device and a vault (protocol §2).

The password and the recovery code never leave this device: the server gets two OPAQUE records, and a vault that opens
with the export key of either.
"""

from dataclasses import dataclass, field

from entrenous.channel import HYBRID, Suite
from entrenous.client.accounts import attempt
from entrenous.client.accounts.stretching import DEFAULT_STRETCHING, Stretching
from entrenous.client.accounts.vault import FIRST_VERSION, encode_wraps
from entrenous.client.environment import Environment
from entrenous.client.session import DEFAULT_TIMINGS, Connection, Connector, RefusedError, Timings, open_connection
from entrenous.client.store import Store, account, contacts, server
from entrenous.client.store.account import AccountRow, AccountState
from entrenous.client.store.server import ServerRow
from entrenous.client.store.vault import VaultRow
from entrenous.crypto import SigningKey
from entrenous.errors import UsageError
from entrenous.identity import (
    AccountIdentity,
    DeviceKeys,
    InviteLink,
    RecoveryCode,
    VaultBody,
    VaultKey,
    WrapSlot,
    check_password,
    first_device_list,
    password_bytes,
    seal_vault,
    sign_device_list,
    wrap_key,
)
from entrenous.opaque import ClientRegistration, ExportKey, finish_registration, start_registration
from entrenous.wire import replies, requests


@dataclass(frozen=True, slots=True)
class Registered:
    """A new account, on disk here and there.

    Attributes:
        recovery_words: to be written down; ``accounts.forget_recovery_words`` once that was done.
    """

    account_id: bytes
    login_name: str
    recovery_words: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What a person knows."""

    password: bytes = field(repr=False)
    recovery: RecoveryCode


@dataclass(frozen=True, slots=True)
class _Records:
    """What OPAQUE makes of them."""

    password_record: bytes
    recovery_record: bytes
    password_key: ExportKey
    recovery_key: ExportKey


async def register(
    link: InviteLink,
    connector: Connector,
    store: Store,
    environment: Environment,
    *,
    login_name: str,
    password: str,
    suite: Suite = HYBRID,
    stretching: Stretching = DEFAULT_STRETCHING,
    timings: Timings = DEFAULT_TIMINGS,
) -> Registered:
    """Make an account and put it into the empty profile behind ``store``.

    Crash-safe: whatever happens, the profile is empty, pending or the account's, and calling this again goes on from
    there. A pending attempt that turns out to have succeeded is what is returned then.

    Args:
        link: pins the server and lets this person in.
        connector: reaches the server at the link's address.
        store: an empty profile's.
        environment: clock, entropy, trace and a place for Argon2id.
        login_name: what others will find the account by.
        password: as it was typed.
        suite: of this channel and of those to come.
        stretching: what a guess at the password will cost.
        timings: how long to wait.

    Raises:
        WeakPassword: the password could be guessed; carries a better one.
        RefusedError: rule DS-INVITE, DS-NAME-TAKEN or DS-NAME-INVALID: nothing was made.
        RejectedError: rule PROFILE-TAKEN, or CHAN-PIN: it is not the link's server, and nothing was sent to it.
        UnavailableError: nothing was made, or it is not known yet: call this again.
    """
    attempt.require_empty(store)
    if await _was_done(link, connector, store, environment, timings):
        return _registered(store)
    # zxcvbn takes its time over long passwords.
    await environment.offload(lambda: check_password(password, (login_name, link.host), environment.entropy))
    secrets = _Secrets(password_bytes(password), RecoveryCode.generate(environment.entropy))
    connection = await open_connection(connector, environment, pin=link.server_id, suite=suite, timings=timings)
    try:
        finish, made = await _prepare(connection, link, environment, login_name, secrets, stretching)
        with store.transaction() as tx:
            attempt.begin(tx, made)
            if link.inviter is not None:
                now, inviter = environment.seconds(), link.inviter
                contacts.hear_of(tx, inviter.account_id, now, expected=inviter.fingerprint)
        try:
            await connection.call(finish, replies.Done)
        except RefusedError:
            attempt.abandon(store)
            raise
    finally:
        connection.close()
    attempt.confirm(store)
    return _registered(store)


async def _was_done(
    link: InviteLink, connector: Connector, store: Store, environment: Environment, timings: Timings
) -> bool:
    """Whether an earlier attempt at the same server succeeded without our knowing."""
    pinned = server.get(store)
    if pinned is None or pinned.server_id != link.server_id:
        return False
    return await attempt.settle(store, connector, environment, timings=timings)


async def _prepare(
    connection: Connection,
    link: InviteLink,
    environment: Environment,
    login_name: str,
    secrets: _Secrets,
    stretching: Stretching,
) -> tuple[requests.RegisterFinish, attempt.Attempt]:
    """Everything up to, but not including, the request that makes the account."""
    entropy = environment.entropy
    password_state, password_request = start_registration(secrets.password, entropy)
    recovery_state, recovery_request = start_registration(secrets.recovery.reveal(), entropy)
    challenge = await connection.call(
        requests.RegisterStart(link.token, login_name, password_request, recovery_request), replies.RegisterChallenge
    )
    states = password_state, recovery_state
    records = await environment.offload(lambda: _finish(states, challenge, link.server_id, stretching, environment))

    identity = AccountIdentity(challenge.account, SigningKey.generate(entropy))
    device = DeviceKeys.generate(entropy)
    devices = first_device_list(identity.account_id, device.entry)
    device_list = sign_device_list(identity, devices)
    vault_key = VaultKey.generate(entropy)
    wraps = (
        wrap_key(vault_key, WrapSlot.PASSWORD, records.password_key, account_id=challenge.account, entropy=entropy),
        wrap_key(vault_key, WrapSlot.RECOVERY, records.recovery_key, account_id=challenge.account, entropy=entropy),
    )
    body = VaultBody(FIRST_VERSION, identity.signing_key.seed.reveal(), (), (), ())
    finish = requests.RegisterFinish(
        ksf=stretching.told(),
        password_record=records.password_record,
        recovery_record=records.recovery_record,
        identity_key=identity.signing_key.public,
        device_list=device_list,
        vault=seal_vault(body, vault_key, wraps, account_id=challenge.account, entropy=entropy),
    )
    row = AccountRow(
        AccountState.PENDING,
        identity.account_id,
        device.device_id,
        login_name,
        identity.signing_key.seed,
        device.login.seed,
        device.mls.seed,
        device_list,
        devices.version,
    )
    made = attempt.Attempt(
        row,
        ServerRow(link.server_id, connection.peer.identity_key, link.host, link.port, connection.suite.number),
        VaultRow(vault_key.reveal(), encode_wraps(wraps), FIRST_VERSION),
        secrets.recovery,
    )
    return finish, made


def _finish(
    states: tuple[ClientRegistration, ClientRegistration],
    challenge: replies.RegisterChallenge,
    server_id: bytes,
    stretching: Stretching,
    environment: Environment,
) -> _Records:
    """Both records. Takes two Argon2id derivations.

    Raises:
        MalformedError, CryptoError: the server's answer is none.
    """
    (password_record, password_key), (recovery_record, recovery_key) = (
        finish_registration(
            state,
            response,
            server_identity=server_id,
            client_identity=challenge.account,
            ksf=stretching.for_new_record(),
            entropy=environment.entropy,
            trace=environment.trace,
        )
        for state, response in zip(states, (challenge.password_response, challenge.recovery_response), strict=True)
    )
    return _Records(password_record, recovery_record, password_key, recovery_key)


def _registered(store: Store) -> Registered:
    row = account.get(store)
    if row is None:
        raise UsageError("nothing was registered")
    return Registered(row.account_id, row.login_name, attempt.recovery_words(store))
