"""Device lists and logging in as a device (docs/spec/auth.md)."""

import dataclasses
from typing import Any

from bad_points import LOW_ORDER_ED25519, UNIVERSAL_FORGERY
from entrenous.identity import (
    AccountIdentity,
    DeviceEntry,
    DeviceList,
    Label,
    SignedDeviceList,
    first_device_list,
    sign_device_list,
    sign_device_login,
    signed,
)
from entrenous.testing.vectors import CRYPTO, MALFORMED, VectorFile
from own_vectors.making import Case, cuts, file_of, flipped
from own_vectors.people import ACCOUNT, DEVICE, HANDSHAKE_HASH, OTHER, SECOND, SERVER, THIRD, key

ONE = first_device_list(ACCOUNT.account_id, DEVICE.entry)
TWO = ONE.adding(SECOND.entry)
THREE = TWO.revoking(DEVICE.device_id)


def forged(devices: DeviceList, signer: AccountIdentity = ACCOUNT, label: Label = Label.DEVICE_LIST) -> bytes:
    """Signed without a look at the rules."""
    return SignedDeviceList(devices, signer.signing_key.sign(signed(label, devices))).encode()


def given(device_list: bytes, account: AccountIdentity = ACCOUNT) -> dict[str, Any]:
    return {"account": account.account_id, "identity_key": account.credential.identity_key, "device_list": device_list}


def entries(number: int) -> tuple[DeviceEntry, ...]:
    return tuple(DeviceEntry(bytes([n]) * 16, bytes([n, 1]) * 16, bytes([n, 2]) * 16) for n in range(number))


def with_(devices: DeviceList, /, **fields: Any) -> bytes:
    return forged(dataclasses.replace(devices, **fields))


def lists() -> list[Case]:
    most = dataclasses.replace(ONE, devices=entries(32))
    clashing = DeviceEntry(SECOND.device_id, SECOND.entry.login_key, DEVICE.entry.login_key)
    same_login = dataclasses.replace(SECOND.entry, login_key=DEVICE.entry.login_key)
    same_mls = dataclasses.replace(SECOND.entry, mls_key=DEVICE.entry.mls_key)
    own = DeviceEntry(SECOND.device_id, SECOND.entry.login_key, SECOND.entry.login_key)
    broken = {
        "version 0": (with_(ONE, version=0), "ID-LIST-VERSION"),
        "a device's id twice": (
            with_(TWO, devices=(DEVICE.entry, dataclasses.replace(SECOND.entry, device_id=DEVICE.device_id))),
            "ID-LIST-DUPLICATE",
        ),
        "a key of two devices": (with_(TWO, devices=(DEVICE.entry, clashing)), "ID-LIST-DUPLICATE"),
        "one login key of two devices": (with_(TWO, devices=(DEVICE.entry, same_login)), "ID-LIST-DUPLICATE"),
        "one mls key of two devices": (with_(TWO, devices=(DEVICE.entry, same_mls)), "ID-LIST-DUPLICATE"),
        "one key in both roles of a device": (with_(TWO, devices=(own,)), "ID-LIST-DUPLICATE"),
        "a revoked id twice": (with_(THREE, revoked=THREE.revoked * 2), "ID-LIST-DUPLICATE"),
        "a listed device is revoked": (with_(TWO, revoked=(SECOND.device_id,)), "ID-LIST-REVOKED"),
        "another account's": (
            sign_device_list(OTHER, first_device_list(OTHER.account_id, DEVICE.entry)),
            "ID-LIST-ACCOUNT",
        ),
        "signed by another account": (forged(ONE, OTHER), CRYPTO),
        "signed under another label": (forged(ONE, label=Label.DEVICE_LIST_HASH), CRYPTO),
        "a changed bit in what is signed": (flipped(forged(ONE), 40), CRYPTO),
        "33 devices": (over_limit(devices=33, revoked=0), MALFORMED),
        "1025 revoked ids": (over_limit(devices=1, revoked=1025), MALFORMED),
        "ids of a length that 16 does not divide": (forged(ONE)[:-65] + b"\x0f" + bytes(15 + 64), MALFORMED),
        **{how: (data, MALFORMED) for how, data in cuts(forged(ONE))},
    }
    weak = AccountIdentity(ACCOUNT.account_id, key(0xA2)), LOW_ORDER_ED25519[2]
    return [
        Case("a new account's", given(forged(ONE))),
        Case("a second device", given(forged(TWO))),
        Case("a revoked device", given(forged(THREE))),
        Case("no device is left", given(forged(THREE.revoking(SECOND.device_id)))),
        Case("as many devices as can be", given(forged(most))),
        *(Case(name, given(data), end) for name, (data, end) in broken.items()),
        Case(
            "an identity key of low order, for which anybody can sign",
            {**given(SignedDeviceList(ONE, UNIVERSAL_FORGERY).encode(), weak[0]), "identity_key": weak[1]},
            CRYPTO,
        ),
    ]


def over_limit(*, devices: int, revoked: int) -> bytes:
    """What the codec of ours would not write."""

    def vector(data: bytes) -> bytes:
        size = len(data)
        head = size.to_bytes(1, "big") if size < 64 else (0x4000 | size).to_bytes(2, "big")
        return (head if size < 1 << 14 else (0x8000_0000 | size).to_bytes(4, "big")) + data

    listed = b"".join(entry.encode() for entry in entries(devices))
    gone = b"\xe1" * 16 * revoked
    body = ACCOUNT.account_id + (1).to_bytes(4, "big") + vector(listed) + vector(gone)
    label = Label.DEVICE_LIST.value
    return body + ACCOUNT.signing_key.sign(vector(label) + body)


def successors() -> list[Case]:
    def pair(before: DeviceList, after: bytes) -> dict[str, Any]:
        fields = given(b"")
        del fields["device_list"]
        return {**fields, "before": forged(before), "after": after}

    changed = dataclasses.replace(DEVICE.entry, mls_key=THIRD.entry.mls_key)
    taken = DeviceEntry(THIRD.device_id, THIRD.entry.login_key, DEVICE.entry.mls_key)
    swapped = DeviceEntry(THIRD.device_id, DEVICE.entry.mls_key, THIRD.entry.mls_key)
    replaced = dataclasses.replace(TWO, version=3, devices=(THIRD.entry,), revoked=(DEVICE.device_id, SECOND.device_id))
    wrong = {
        "the same version": (ONE, forged(ONE), "ID-LIST-VERSION"),
        "a version is left out": (ONE, with_(TWO, version=3), "ID-LIST-VERSION"),
        "an older version": (TWO, forged(ONE), "ID-LIST-VERSION"),
        "a revoked device is revoked no more": (THREE, with_(THREE, version=4, revoked=()), "ID-LIST-REVOKED"),
        "a revoked device is listed again": (
            THREE,
            with_(THREE, version=4, devices=(DEVICE.entry,), revoked=(SECOND.device_id,)),
            "ID-LIST-REVOKED",
        ),
        "a device is gone and not revoked": (TWO, with_(ONE, version=3), "ID-LIST-LOST"),
        "a device has another mls key": (ONE, with_(ONE, version=2, devices=(changed,)), "ID-LIST-KEYS"),
        "a new device has the mls key of one that goes": (
            ONE,
            with_(ONE, version=2, devices=(taken,), revoked=(DEVICE.device_id,)),
            "ID-LIST-KEYS",
        ),
        "its login key is the mls key of one that goes": (
            ONE,
            with_(ONE, version=2, devices=(swapped,), revoked=(DEVICE.device_id,)),
            "ID-LIST-KEYS",
        ),
    }
    return [
        Case("a device more", pair(ONE, forged(TWO))),
        Case("a device revoked", pair(TWO, forged(THREE))),
        Case("all devices replaced by a new one, as after a login", pair(TWO, forged(replaced))),
        Case("the same devices under the next version", pair(ONE, with_(ONE, version=2))),
        *(Case(name, pair(before, after), end) for name, (before, after, end) in wrong.items()),
    ]


LOGIN: dict[str, Any] = {
    "handshake_hash": HANDSHAKE_HASH,
    "server_id": SERVER.server_id,
    "account": ACCOUNT.account_id,
    "device": DEVICE.device_id,
    "launch_counter": 7,
}


def logins() -> list[Case]:
    names = {"account": "account_id"}
    fields = {names.get(name, name): value for name, value in LOGIN.items() if name != "device"}
    signature = sign_device_login(DEVICE, **fields)
    right = {"login_key": DEVICE.entry.login_key, **LOGIN, "signature": signature}
    order = 2**252 + 27742317777372353535851937790883648493
    unreduced = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    others: dict[str, dict[str, Any]] = {
        "another channel": {"handshake_hash": b"\x12" * 32},
        "another server": {"server_id": b"\x12" * 32},
        "another account": {"account": OTHER.account_id},
        "another device": {"device": SECOND.device_id},
        "another launch": {"launch_counter": 8},
        "another device's key": {"login_key": SECOND.entry.login_key},
        "the device's other key": {"login_key": DEVICE.entry.mls_key},
        "a changed bit in the signature": {"signature": flipped(signature, 3)},
        "a signature whose scalar is not reduced": {"signature": unreduced},
        "a signature of zeros": {"signature": bytes(64)},
        **{
            f"a login key of low order, and the signature that fits it always: {number + 1}": {
                "login_key": weak,
                "signature": UNIVERSAL_FORGERY,
            }
            for number, weak in enumerate(LOW_ORDER_ED25519)
        },
    }
    return [
        Case("the device on this channel", right),
        *(Case(name, {**right, **other}, CRYPTO) for name, other in others.items()),
    ]


def signings() -> list[Case]:
    seed = {"login_seed": b"\xd2" * 32}
    return [
        Case("the page's example", {**seed, **LOGIN}),
        Case("the last launch that can be counted", {**seed, **LOGIN, "launch_counter": 2**63 - 1}),
    ]


def files() -> list[VectorFile]:
    return [
        file_of("auth-device-lists", "auth.md", "Judge a SignedDeviceList as that of an account, by itself.", lists()),
        file_of(
            "auth-device-list-successors",
            "auth.md",
            "Judge two lists, and whether the second may follow the first.",
            successors(),
        ),
        file_of(
            "auth-device-logins", "auth.md", "A server judges DeviceLogin.signature by what it knows itself.", logins()
        ),
        file_of("auth-device-logins-signing", "auth.md", "A device signs its login.", signings()),
    ]
