"""docs/spec/auth.md: device lists, and logging in as a device."""

from collections.abc import Mapping
from typing import Any

from entrenous.crypto import SigningKey
from entrenous.identity import (
    AccountCredential,
    DeviceKeys,
    DeviceList,
    DeviceLoginTBS,
    Label,
    check_successor,
    sign_device_login,
    signed,
    verify_device_list,
    verify_device_login,
)
from entrenous.testing.vectors.form import Given

#: A device login does not touch the key that signs in rooms.
_NO_MLS_KEY = SigningKey.from_seed(bytes(32))


def device_list(given: Given) -> Mapping[str, Any]:
    """Judge a SignedDeviceList by itself."""
    return _shown(verify_device_list(given.hex("device_list"), _credential(given)))


def device_list_successor(given: Given) -> Mapping[str, Any]:
    """Judge two, and whether the second may follow the first."""
    before, after = (verify_device_list(given.hex(name), _credential(given)) for name in ("before", "after"))
    check_successor(before, after)
    return _shown(after)


def device_login(given: Given) -> Mapping[str, Any]:
    """A server judges a device's signature, with what it knows itself."""
    verify_device_login(given.hex("login_key"), _login(given), given.hex("signature"))
    return {}


def device_login_signing(given: Given) -> Mapping[str, Any]:
    """A device signs its login."""
    keys, body = (
        DeviceKeys(given.hex("device"), SigningKey.from_seed(given.hex("login_seed")), _NO_MLS_KEY),
        _login(given),
    )
    signature = sign_device_login(
        keys,
        handshake_hash=body.handshake_hash,
        server_id=body.server_id,
        account_id=body.account_id,
        launch_counter=body.launch_counter,
    )
    return {
        "login_key": keys.login.public.hex(),
        "signed": signed(Label.DEVICE_LOGIN, body).hex(),
        "signature": signature.hex(),
    }


def _credential(given: Given) -> AccountCredential:
    return AccountCredential(given.hex("account"), given.hex("identity_key"))


def _login(given: Given) -> DeviceLoginTBS:
    return DeviceLoginTBS(
        given.hex("handshake_hash"),
        given.hex("server_id"),
        given.hex("account"),
        given.hex("device"),
        given.number("launch_counter"),
    )


def _shown(devices: DeviceList) -> Mapping[str, Any]:
    return {
        "version": devices.version,
        "devices": [entry.encode().hex() for entry in devices.devices],
        "revoked": [each.hex() for each in devices.revoked],
        "hash": devices.hash().hex(),
    }
