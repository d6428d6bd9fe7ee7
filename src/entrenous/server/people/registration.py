"""Creating accounts: an invite, two OPAQUE registrations, and one transaction (protocol §2)."""

from dataclasses import dataclass, field

from entrenous.crypto import Argon2Parameters, Entropy, Hash, check, draw
from entrenous.errors import CryptoError, MalformedError
from entrenous.identity import AccountCredential, credential_identifier, verify_device_list
from entrenous.opaque import check_record
from entrenous.server.clock import Clock
from entrenous.server.configuration.settings import Settings
from entrenous.server.people.accounts import check_device_is_new
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.people.login import Binding
from entrenous.server.people.names import check_name, name_key
from entrenous.server.rates import AddressLimiter, Rates, check_rate
from entrenous.server.refusal import RefusedError
from entrenous.server.store import Storage, Transaction, accounts, invites
from entrenous.server.store.accounts import NewAccount
from entrenous.server.watching.counters import Count
from entrenous.wire import ErrorCode, replies, requests
from entrenous.wire.limits import ID_SIZE

#: The version of an account's first device list, and of its first vault.
FIRST_VERSION = 1


@dataclass(frozen=True, slots=True)
class PendingRegistration:
    """What is kept between the two requests."""

    account: bytes
    login_name: str
    invite_hash: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """The service of RegisterStart and RegisterFinish."""

    storage: Storage
    keys: ServerKeys
    clock: Clock
    entropy: Entropy
    settings: Settings
    rates: Rates
    _per_address: AddressLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_per_address", self.rates.by_address(Count.REGISTRATIONS_PER_ADDRESS))

    async def start(
        self, request: requests.RegisterStart, binding: Binding
    ) -> tuple[replies.RegisterChallenge, PendingRegistration]:
        """Look at the invite and the name, and answer both registrations.

        Raises:
            RefusedError: no such invite, a bad name, a taken name, or too many attempts.
            MalformedError, CryptoError: a registration request is no valid element.
        """
        now = self.clock.now()
        check_rate(self._per_address, binding.address, now)
        login_name = check_name(request.login_name)
        invite_hash = Hash.SHA256.digest(request.invite)

        def operation(tx: Transaction) -> None:
            if not invites.is_valid(tx, invite_hash, int(now)):
                raise _bad_invite()
            if accounts.by_name(tx, name_key(login_name)) is not None:
                raise _taken()

        await self.storage.read(operation)
        account = draw(self.entropy, ID_SIZE)
        opaque = self.keys.opaque
        password, recovery = (
            opaque.respond_registration(blinded, credential_identifier(account, recovery=is_recovery))
            for blinded, is_recovery in ((request.password_request, False), (request.recovery_request, True))
        )
        pending = PendingRegistration(account, login_name, invite_hash)
        return replies.RegisterChallenge(account, password, recovery), pending

    async def finish(self, request: requests.RegisterFinish, pending: PendingRegistration) -> replies.Reply:
        """Store the account and use the invite, both or neither.

        Raises:
            RefusedError: the invite or the name went in the meantime.
            MalformedError, RejectedError, CryptoError: records, cost or device list are not what they must be.
        """
        now = int(self.clock.now())
        cost = Argon2Parameters(request.ksf.memory_kib, request.ksf.iterations, request.ksf.lanes)
        check(cost, self.settings.ksf)
        devices = self._check(request, pending)
        account = NewAccount(
            id=pending.account,
            login_name=pending.login_name,
            name_key=name_key(pending.login_name),
            identity_key=request.identity_key,
            password_record=request.password_record,
            recovery_record=request.recovery_record,
            ksf=request.ksf,
            device_list=request.device_list,
            device_list_version=FIRST_VERSION,
            vault=request.vault,
            vault_version=FIRST_VERSION,
            created_at=now,
        )

        def operation(tx: Transaction) -> None:
            if accounts.by_name(tx, account.name_key) is not None:
                raise _taken()
            if not invites.use(tx, pending.invite_hash, now):
                raise _bad_invite()
            accounts.add(tx, account)
            for device, login_key in devices:
                check_device_is_new(tx, device)
                accounts.add_device(tx, account.id, device, login_key, now)

        await self.storage.write(operation)
        return replies.Done()

    def _check(self, request: requests.RegisterFinish, pending: PendingRegistration) -> list[tuple[bytes, bytes]]:
        """Judge what is to be stored; returns the devices as (id, login key)."""
        for record in (request.password_record, request.recovery_record):
            try:
                check_record(record)
            except CryptoError:
                raise MalformedError("an OPAQUE record holds no valid element") from None
        credential = AccountCredential(pending.account, request.identity_key)
        listed = verify_device_list(request.device_list, credential)
        if listed.version != FIRST_VERSION:
            raise RefusedError("AUTH-LIST-VERSION", ErrorCode.DENIED, "a first device list has version 1")
        return [(device.device_id, device.login_key) for device in listed.devices]


def _bad_invite() -> RefusedError:
    return RefusedError("AUTH-INVITE", ErrorCode.INVITE, "this invite is unknown, used up or expired")


def _taken() -> RefusedError:
    return RefusedError("AUTH-NAME-TAKEN", ErrorCode.NAME_TAKEN, "this name is taken")
