"""An account's device list (docs/spec: accounts): which devices speak for it and which never will again.

The identity key signs the list and each version names all that is true at once, so the newest list alone decides.
"""

import dataclasses
from typing import Annotated

from entrenous.codec import Bytes16, Bytes64, Struct, UInt32, VarVector, struct
from entrenous.crypto import verify
from entrenous.errors import RejectedError
from entrenous.identity.account import AccountCredential, AccountIdentity, DeviceEntry
from entrenous.identity.labels import Label, fingerprint, signed

#: Devices an account may have at once, and may have revoked in its life.
MAX_DEVICES = 32
MAX_REVOKED = 1024


@struct
class DeviceList(Struct):
    """What the identity key signs. A value of this type that was not verified promises nothing."""

    account_id: Bytes16
    version: UInt32
    devices: Annotated[tuple[DeviceEntry, ...], VarVector(MAX_DEVICES)]
    revoked: Annotated[tuple[Bytes16, ...], VarVector(MAX_REVOKED)]

    def hash(self) -> bytes:
        """32 bytes that leaf certificates name this list by."""
        return fingerprint(Label.DEVICE_LIST_HASH, self.encode())

    def device(self, device_id: bytes) -> DeviceEntry | None:
        """The device of that id, if it is listed."""
        return next((entry for entry in self.devices if entry.device_id == device_id), None)

    def adding(self, device: DeviceEntry) -> "DeviceList":
        """The next version, with one device more.

        Raises:
            RejectedError: rule ID-LIST-FULL, ID-LIST-REVOKED or ID-LIST-DUPLICATE.
        """
        successor = dataclasses.replace(self, version=self.version + 1, devices=(*self.devices, device))
        check_list(successor)
        return successor

    def revoking(self, device_id: bytes) -> "DeviceList":
        """The next version, in which the device of that id is revoked for ever.

        Raises:
            RejectedError: rule ID-LIST-FULL, or ID-LIST-UNKNOWN if no such device is listed.
        """
        if self.device(device_id) is None:
            raise RejectedError("ID-LIST-UNKNOWN", "this account has no such device")
        kept = tuple(entry for entry in self.devices if entry.device_id != device_id)
        successor = DeviceList(self.account_id, self.version + 1, kept, (*self.revoked, device_id))
        check_list(successor)
        return successor


@struct
class SignedDeviceList(Struct):
    """A device list and the identity key's signature over it."""

    list: DeviceList
    signature: Bytes64


def first_device_list(account_id: bytes, device: DeviceEntry) -> DeviceList:
    """Version 1: the device that registered the account."""
    return DeviceList(account_id, 1, (device,), ())


def sign_device_list(identity: AccountIdentity, devices: DeviceList) -> bytes:
    """Sign ``devices``; returns the encoded SignedDeviceList.

    Raises:
        RejectedError: the list breaks a rule of ``check_list``, or is another account's.
    """
    _check_account(devices, identity.account_id)
    check_list(devices)
    return SignedDeviceList(devices, identity.signing_key.sign(signed(Label.DEVICE_LIST, devices))).encode()


def verify_device_list(data: bytes, credential: AccountCredential) -> DeviceList:
    """Judge a list that a server or a member gave us as that of the account ``credential``.

    Raises:
        MalformedError: ``data`` is no SignedDeviceList, or one beyond its limits.
        CryptoError: the account's identity key did not sign it.
        RejectedError: rule ID-LIST-ACCOUNT or one of ``check_list``'s.
    """
    message = SignedDeviceList.decode(data)
    _check_account(message.list, credential.account_id)
    verify(credential.identity_key, signed(Label.DEVICE_LIST, message.list), message.signature)
    check_list(message.list)
    return message.list


def check_list(devices: DeviceList) -> None:
    """The rules a list keeps by itself.

    Raises:
        RejectedError: rule ID-LIST-VERSION, ID-LIST-FULL, ID-LIST-DUPLICATE or ID-LIST-REVOKED.
    """
    if devices.version < 1:
        raise RejectedError("ID-LIST-VERSION", "versions begin with 1")
    if len(devices.devices) > MAX_DEVICES or len(devices.revoked) > MAX_REVOKED:
        raise RejectedError("ID-LIST-FULL", f"at most {MAX_DEVICES} devices and {MAX_REVOKED} revoked ones")
    ids = [entry.device_id for entry in devices.devices]
    keys = [key for entry in devices.devices for key in (entry.login_key, entry.mls_key)]
    # "No key has two roles": nor two devices.
    if any(len(set(values)) != len(values) for values in (ids, keys, devices.revoked)):
        raise RejectedError("ID-LIST-DUPLICATE", "an id or a key stands in the list twice")
    if not set(devices.revoked).isdisjoint(ids):
        raise RejectedError("ID-LIST-REVOKED", "a revoked device is listed")


def check_successor(old: DeviceList, new: DeviceList) -> None:
    """Whether ``new`` may replace ``old``; both are verified.

    Raises:
        RejectedError: rule ID-LIST-ACCOUNT (another account's), ID-LIST-VERSION (not the next version),
            ID-LIST-REVOKED (a revocation is gone), ID-LIST-LOST (a device vanished without being revoked) or
            ID-LIST-KEYS (a device changed a key, or took another device's).
    """
    _check_account(new, old.account_id)
    if new.version != old.version + 1:
        raise RejectedError("ID-LIST-VERSION", f"version {new.version} does not follow version {old.version}")
    if not set(old.revoked) <= set(new.revoked):
        raise RejectedError("ID-LIST-REVOKED", "a revoked device is no longer revoked")
    owners = {key: entry for entry in old.devices for key in (entry.login_key, entry.mls_key)}
    for entry in old.devices:
        if new.device(entry.device_id) is None and entry.device_id not in new.revoked:
            raise RejectedError("ID-LIST-LOST", "a device vanished without being revoked")
    for entry in new.devices:
        before = old.device(entry.device_id)
        if before is not None and before != entry:
            raise RejectedError("ID-LIST-KEYS", "a device keeps its keys for life")
        if before is None and (entry.login_key in owners or entry.mls_key in owners):
            raise RejectedError("ID-LIST-KEYS", "a new device needs new keys")


def _check_account(devices: DeviceList, account_id: bytes) -> None:
    if devices.account_id != account_id:
        raise RejectedError("ID-LIST-ACCOUNT", "the list is another account's")
