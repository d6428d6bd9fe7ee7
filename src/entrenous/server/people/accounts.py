"""What an account keeps on the server, and what others may look up: device list, vault, name."""

from dataclasses import dataclass, field

from entrenous.identity import AccountCredential, DeviceList, SignedDeviceList, check_successor, verify_device_list
from entrenous.server.clock import Clock
from entrenous.server.people.names import name_key
from entrenous.server.rates import RateLimiter, Rates, check_rate
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import Caller
from entrenous.server.rooms.following import Following
from entrenous.server.store import Storage, Transaction, accounts
from entrenous.server.store.accounts import AccountRow
from entrenous.server.watching.counters import Count
from entrenous.wire import ErrorCode, replies, requests


@dataclass(frozen=True, slots=True)
class Accounts:
    """The service of device lists, vaults and lookups."""

    storage: Storage
    following: Following
    clock: Clock
    rates: Rates
    _lookups: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lookups", self.rates.by_id(Count.LOOKUPS))

    async def put_device_list(self, account: bytes, request: requests.PutDeviceList) -> replies.Reply:
        """Replace the device list by its successor; a revoked device's connection ends.

        Raises:
            RefusedError: the stored list is another than expected.
            MalformedError, RejectedError, CryptoError: the new list is not a signed successor.
        """
        now = int(self.clock.now())

        def operation(tx: Transaction) -> list[bytes]:
            stored = _existing(accounts.by_id(tx, account))
            # Its connections end within seconds; what is asked on them until then brings no device back.
            if stored.disabled:
                raise RefusedError("AUTH-DISABLED", ErrorCode.DENIED, "the operator has disabled this account")
            if stored.device_list_version != request.expected:
                raise _stale(stored.device_list_version)
            new = verify_device_list(request.device_list, AccountCredential(account, stored.identity_key))
            check_successor(SignedDeviceList.decode(stored.device_list).list, new)
            # Another node may have replaced it since it was read.
            if not accounts.set_device_list(
                tx, account, request.device_list, expected=request.expected, version=new.version
            ):
                raise _stale(_existing(accounts.by_id(tx, account)).device_list_version)
            return _follow_list(tx, account, new, now)

        self.following.revoked(await self.storage.write(operation))
        return replies.Done()

    async def get_vault(self, account: bytes, request: requests.GetVault) -> replies.Reply:
        """The account's own vault."""
        del request
        found = await self.storage.read(lambda tx: accounts.vault(tx, account))
        if found is None:
            raise _no_account()
        return replies.Vault(*found)

    async def put_vault(self, account: bytes, request: requests.PutVault) -> replies.Reply:
        """Replace the vault; compare-and-set."""

        def operation(tx: Transaction) -> None:
            if not accounts.set_vault(tx, account, request.vault, expected=request.expected):
                found = accounts.vault(tx, account)
                raise _no_account() if found is None else _stale(found[1])

        await self.storage.write(operation)
        return replies.Done()

    async def find(self, caller: Caller, request: requests.FindAccount) -> replies.Reply:
        """Look an account up by its name."""
        check_rate(self._lookups, caller.account, self.clock.now())
        key = name_key(request.login_name)
        return _shown(await self.storage.read(lambda tx: accounts.by_name(tx, key)))

    async def get(self, caller: Caller, request: requests.GetAccount) -> replies.Reply:
        """Look an account up by its id: the own one, or one that shares a room with the caller."""

        def operation(tx: Transaction) -> AccountRow | None:
            mine = request.account == caller.account
            if not mine and not accounts.share_a_room(tx, caller.account, request.account):
                return None
            return accounts.by_id(tx, request.account)

        return _shown(await self.storage.read(operation))


def check_device_is_new(tx: Transaction, device: bytes) -> None:
    """Judge the id of a device that is to be listed.

    Raises:
        RefusedError: some account has such a device already.
    """
    if accounts.device_exists(tx, device):
        raise RefusedError("AUTH-DEVICE-ID", ErrorCode.DENIED, "this device id is taken")


def _follow_list(tx: Transaction, account: bytes, new: DeviceList, now: int) -> list[bytes]:
    """Make the devices those of the new list; returns the ones that are gone."""
    listed = {device.device_id: device.login_key for device in new.devices}
    before = accounts.device_ids(tx, account)
    gone = [device for device in before if device not in listed]
    for device in gone:
        accounts.remove_device(tx, device)
    for device in listed.keys() - set(before):
        check_device_is_new(tx, device)
        accounts.add_device(tx, account, device, listed[device], now)
    return gone


def _shown(row: AccountRow | None) -> replies.Account:
    found = _existing(row)
    return replies.Account(found.id, found.login_name, found.identity_key, found.device_list)


def _existing(row: AccountRow | None) -> AccountRow:
    if row is None:
        raise _no_account()
    return row


def _no_account() -> RefusedError:
    return RefusedError("AUTH-NO-ACCOUNT", ErrorCode.NOT_FOUND, "there is no such account")


def _stale(version: int) -> RefusedError:
    return RefusedError("AUTH-STALE", ErrorCode.STALE, "another version is stored", version)
