"""Before an account is added to a room: who it is, which devices it has, and a KeyPackage of each, all proved.

The server is asked and not believed: the device list is signed by the identity key, the identity key is the one this
profile has pinned or pins now, and every KeyPackage shows a certificate of that same account and a listed device.
"""

from dataclasses import dataclass

from entrenous.client.alarms import IdentityChanged
from entrenous.client.leaf_owners import owner_of
from entrenous.client.rooms.intents import AddAccount, ClaimedDevice, read_key_package
from entrenous.client.rooms.services import Services
from entrenous.client.store import contacts
from entrenous.errors import RejectedError
from entrenous.identity import AccountCredential, DeviceList, verify_device_list
from entrenous.wire import replies, requests
from entrenous.wire.types import ClaimedKeyPackage


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account and its devices, signed by its identity key."""

    credential: AccountCredential
    devices: DeviceList


async def find_account(login_name: str, services: Services) -> FoundAccount:
    """Ask the server who has a login name.

    Raises:
        RejectedError: rule CLIENT-IDENTITY-CHANGED, the account shows another identity key than this profile trusts
            under this id or under this name; rule DS-NOT-FOUND, nobody has this name.
        MalformedError, CryptoError: the device list is not the account's.
        UnavailableError: the server did not answer.
    """
    found = await services.caller.call(requests.FindAccount(login_name), replies.Account)
    credential = AccountCredential(found.account, found.identity_key)
    devices = verify_device_list(found.device_list, credential)
    now = services.environment.seconds()
    with services.store.transaction() as tx:
        holder = contacts.holder_of(tx, login_name, found.login_name)
        if holder is not None and holder.account_id != found.account:
            contacts.doubt(tx, found.account, found.identity_key, now)
        has_changed = services.people.see(tx, found.account, found.identity_key, now)
        contacts.put_name(tx, found.account, found.login_name)
    if has_changed:
        services.emit(IdentityChanged(found.account, found.login_name))
        raise RejectedError(
            "CLIENT-IDENTITY-CHANGED", f"{found.login_name} has a new identity key: accept it before you go on"
        )
    return FoundAccount(credential, devices)


def check_newest(found: FoundAccount, seen: int) -> None:
    """Compare the device list with the newest that the account's own leaves have shown: an older one lists the revoked.

    Raises:
        RejectedError: rule INVITE-LIST-OLD.
    """
    if found.devices.version < seen:
        raise RejectedError("INVITE-LIST-OLD", "the server shows an older list of the account's devices than there is")


async def claim_devices(found: FoundAccount, services: Services) -> AddAccount:
    """Take a KeyPackage of each of an account's devices.

    Raises:
        RejectedError: rule INVITE-DEVICE or INVITE-ACCOUNT, a KeyPackage is of another device or account; rule
            INVITE-LIST-OLD, it shows a newer device list than the server does; rule DS-NO-KEY-PACKAGE, there is none;
            or a rule ID-LEAF-….
        MalformedError, CryptoError: a KeyPackage is not what it should be.
        UnavailableError: the server did not answer.
    """
    account = found.credential.account_id
    answer = await services.caller.call(requests.ClaimKeyPackages(account), replies.KeyPackages)
    devices = tuple(_judge(claimed, found) for claimed in answer.packages)
    if not devices:
        raise RejectedError("INVITE-DEVICE", "the account has no device that can be added")
    return AddAccount(account, devices, found.devices.revoked)


def _judge(claimed: ClaimedKeyPackage, found: FoundAccount) -> ClaimedDevice:
    leaf = read_key_package(claimed.key_package).leaf_node
    owner = owner_of(leaf)
    if owner.credential != found.credential:
        raise RejectedError("INVITE-ACCOUNT", "the server gave a KeyPackage of another account")
    check_newest(found, owner.list_version)
    entry = found.devices.device(owner.device_id)
    if entry is None or entry.mls_key != owner.mls_key or owner.device_id != claimed.device:
        raise RejectedError("INVITE-DEVICE", "the server gave a KeyPackage of a device that the account does not list")
    return ClaimedDevice(owner.device_id, claimed.key_package)
