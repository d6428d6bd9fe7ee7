"""Logging in: with a password (OPAQUE), then or later as a device (protocol §2). Both are bound to the channel.

A name without an account takes the same path as any other: the same database reads, the same group operations, an
answer of the same length. It differs in that no password opens its record.
"""

from dataclasses import dataclass, field

from entrenous.crypto import Entropy
from entrenous.errors import CryptoError
from entrenous.identity import DeviceLoginTBS, credential_identifier, opaque_context, verify_device_login
from entrenous.opaque import ServerLogin, finish_server_login
from entrenous.server.clock import Clock
from entrenous.server.configuration.settings import Settings
from entrenous.server.people.attempts import Attempts
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.people.names import name_key
from entrenous.server.rates import AddressLimiter, Rates, check_rate
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.fanout import Arrival
from entrenous.server.store import Storage, Transaction, accounts, key_packages, rosters
from entrenous.server.store.accounts import CredentialRow
from entrenous.server.watching.counters import Count
from entrenous.trace import SILENT, Trace
from entrenous.wire import ErrorCode, replies, requests
from entrenous.wire.types import KsfParameters

#: What this server can do beyond the first version of the protocol.
CAPABILITIES: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """The channel that a login is bound to, and where it comes from."""

    suite: int
    handshake_hash: bytes
    #: What rates are counted by; see ``rates.address_key``.
    address: str


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """What is kept between KE2 and KE3."""

    account: bytes
    opaque: ServerLogin


@dataclass(frozen=True, slots=True)
class Login:
    """The service of LoginStart, LoginFinish and DeviceLogin."""

    storage: Storage
    keys: ServerKeys
    clock: Clock
    entropy: Entropy
    settings: Settings
    rates: Rates
    attempts: Attempts
    trace: Trace = SILENT
    _per_address: AddressLimiter = field(init=False)
    _devices_per_address: AddressLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_per_address", self.rates.by_address(Count.LOGINS_PER_ADDRESS))
        object.__setattr__(self, "_devices_per_address", self.rates.by_address(Count.DEVICE_LOGINS_PER_ADDRESS))

    async def start(
        self, request: requests.LoginStart, binding: Binding
    ) -> tuple[replies.LoginChallenge, PendingLogin]:
        """Answer KE1.

        Raises:
            RefusedError: too many attempts.
            MalformedError, CryptoError: KE1 is not one.
        """
        now, key = self.clock.now(), name_key(request.login_name)
        check_rate(self._per_address, binding.address, now)
        # Made for known names too, so that both take the same time.
        fake = self._fake(key, recovery=request.recovery)
        found = await self.attempts.read(
            fake.account, now, lambda tx: accounts.credentials(tx, key, decoy=fake.account)
        )
        row = fake if found is None else found
        state, ke2 = self.keys.opaque.start_login(
            row.recovery_record if request.recovery else row.password_record,
            request.ke1,
            credential_identifier=credential_identifier(row.account, recovery=request.recovery),
            context=opaque_context(binding.suite, binding.handshake_hash),
            server_identity=self.keys.server_id,
            client_identity=row.account,
            entropy=self.entropy,
            trace=self.trace,
        )
        return replies.LoginChallenge(row.account, row.ksf, ke2), PendingLogin(row.account, state)

    async def finish(self, request: requests.LoginFinish, pending: PendingLogin) -> replies.LoginDone:
        """Check KE3; answer with what the account needs to become a device.

        Raises:
            RefusedError: the password was wrong, there is no such account, or it is disabled.
            MalformedError: KE3 is not one.
        """
        try:
            finish_server_login(pending.opaque, request.ke3)
        except CryptoError:
            raise bad_credentials() from None

        def operation(tx: Transaction) -> replies.LoginDone:
            account, vault = accounts.by_id(tx, pending.account), accounts.vault(tx, pending.account)
            if account is None or vault is None:
                raise bad_credentials()
            if account.disabled:
                raise _disabled()
            return replies.LoginDone(account.device_list, *vault)

        return await self.storage.read(operation)

    async def device(self, request: requests.DeviceLogin, binding: Binding) -> tuple[replies.DeviceLoginDone, Arrival]:
        """Check a device's proof and store its launch counter; returns the reply and where the device stands.

        Raises:
            RefusedError: no such device, a wrong signature, a disabled account, a cloned profile.
        """
        now = self.clock.now()
        check_rate(self._devices_per_address, binding.address, now)
        row = await self.storage.read(lambda tx: accounts.device(tx, request.account, request.device))
        if row is None:
            raise bad_credentials()
        # Filled from what this server knows: a login that was signed for another channel or server does not verify.
        body = DeviceLoginTBS(
            binding.handshake_hash, self.keys.server_id, request.account, request.device, request.launch_counter
        )
        try:
            verify_device_login(row.login_key, body, request.signature)
        except CryptoError:
            raise bad_credentials() from None

        def operation(tx: Transaction) -> tuple[replies.DeviceLoginDone, Arrival]:
            current = accounts.device(tx, request.account, request.device)
            if current is None:
                raise bad_credentials()
            if current.disabled:
                raise _disabled()
            if current.blocked:
                detail = "the operator has blocked this device: log in anew with the password"
                raise RefusedError("AUTH-DEVICE-BLOCKED", ErrorCode.DENIED, detail)
            if not accounts.launch(tx, request.device, request.launch_counter, int(now)):
                detail = "this profile was started from a copy: it has to join again as a new device"
                raise RefusedError("AUTH-CLONE", ErrorCode.CLONED, detail, current.launch_counter)
            key_packages.drop_expired(tx, request.device, int(now))
            reply = replies.DeviceLoginDone(
                login_name=current.login_name,
                device_list_version=current.device_list_version,
                vault_version=current.vault_version,
                key_packages=key_packages.count(tx, request.device),
                capabilities=CAPABILITIES,
            )
            return reply, Arrival(rosters.rooms_of(tx, request.account), request.launch_counter)

        return await self.storage.write(operation, devices=(request.device,))

    async def forget_attempts(self, login_name: str) -> None:
        """Let the attempts at a name count no more."""
        await self.attempts.forget(self.keys.fake_account(name_key(login_name)))

    def _fake(self, key: str, *, recovery: bool) -> CredentialRow:
        account = self.keys.fake_account(key)
        record = self.keys.opaque.fake_record(credential_identifier(account, recovery=recovery))
        ksf = self.settings.ksf
        return CredentialRow(account, record, record, KsfParameters(ksf.memory_kib, ksf.iterations, ksf.lanes))


def bad_credentials() -> RefusedError:
    """Wrong password, unknown name, unknown device, wrong signature: never told apart."""
    return RefusedError("AUTH-CREDENTIALS", ErrorCode.BAD_CREDENTIALS, "the name or the proof is wrong")


def _disabled() -> RefusedError:
    return RefusedError("AUTH-DISABLED", ErrorCode.DENIED, "the operator has disabled this account")
