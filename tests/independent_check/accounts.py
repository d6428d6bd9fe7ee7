"""docs/spec/auth.md: device lists, device logins, the vault."""

import hmac
from dataclasses import dataclass
from typing import Any

from independent_check.curves import public_of, sign, verify
from independent_check.forms import (
    BrokenError,
    CryptoError,
    Fields,
    MalformedError,
    Reader,
    expand,
    fingerprint,
    labelled,
    seal,
    uint,
    unseal,
    vector,
)

PASSWORD, RECOVERY = 1, 2


@dataclass
class DeviceList:
    """Devices by id; each has its login key and its mls key."""

    account: bytes
    version: int
    devices: list[tuple[bytes, bytes, bytes]]
    revoked: list[bytes]
    encoded: bytes

    def shown(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "devices": [b"".join(each).hex() for each in self.devices],
            "revoked": [each.hex() for each in self.revoked],
            "hash": fingerprint("entrenous v1 device list hash", self.encoded).hex(),
        }


def _read_list(data: bytes, given: Fields) -> DeviceList:
    reader = Reader(data)
    account, version = reader.take(16), reader.uint(4)
    devices = [(each.take(16), each.take(32), each.take(32)) for each in reader.items(80, 32)]
    revoked = [each.take(16) for each in reader.items(16, 1024)]
    found = DeviceList(account, version, devices, revoked, data[: reader.position])
    signature = reader.take(64)
    reader.end()
    if account != given.hex("account"):
        raise BrokenError("ID-LIST-ACCOUNT")
    verify(given.hex("identity_key"), "entrenous v1 device list", found.encoded, signature)
    if version < 1:
        raise BrokenError("ID-LIST-VERSION")
    ids = [each[0] for each in devices]
    keys = [key for each in devices for key in each[1:]]
    if any(len(set(each)) < len(each) for each in (ids, keys, revoked)):
        raise BrokenError("ID-LIST-DUPLICATE")
    if set(ids) & set(revoked):
        raise BrokenError("ID-LIST-REVOKED")
    return found


def device_list(given: Fields) -> dict[str, Any]:
    return _read_list(given.hex("device_list"), given).shown()


def successor(given: Fields) -> dict[str, Any]:
    before, after = _read_list(given.hex("before"), given), _read_list(given.hex("after"), given)
    if after.version != before.version + 1:
        raise BrokenError("ID-LIST-VERSION")
    if set(before.revoked) - set(after.revoked):
        raise BrokenError("ID-LIST-REVOKED")
    old, new = ({each[0]: each[1:] for each in devices.devices} for devices in (before, after))
    if old.keys() - new.keys() - set(after.revoked):
        raise BrokenError("ID-LIST-LOST")
    used = {key for keys in old.values() for key in keys}
    for device, keys in new.items():
        if (device in old and keys != old[device]) or (device not in old and used & set(keys)):
            raise BrokenError("ID-LIST-KEYS")
    return after.shown()


def _login(given: Fields) -> bytes:
    names = ("handshake_hash", "server_id", "account", "device")
    return b"".join(map(given.hex, names)) + uint(given["launch_counter"], 8)


def device_login(given: Fields) -> dict[str, Any]:
    verify(given.hex("login_key"), "entrenous v1 device login", _login(given), given.hex("signature"))
    return {}


def device_login_signing(given: Fields) -> dict[str, Any]:
    body, seed = _login(given), given.hex("login_seed")
    return {
        "login_key": public_of(seed).hex(),
        "signed": labelled("entrenous v1 device login", body).hex(),
        "signature": sign(seed, "entrenous v1 device login", body).hex(),
    }


def _committed_keys(key: bytes, label: str, context: bytes) -> tuple[bytes, bytes, bytes]:
    """Encryption key, commitment, associated data."""
    aad = labelled(label, context)
    both = expand("sha256", hmac.digest(bytes(32), key, "sha256"), aad, 64)
    return both[:32], both[32:], aad


@dataclass
class Committed:
    """A CommittedCiphertext."""

    nonce: bytes
    commitment: bytes
    ciphertext: bytes

    @classmethod
    def read(cls, reader: Reader) -> "Committed":
        return cls(reader.take(12), reader.take(32), reader.vector())

    def open(self, key: bytes, label: str, context: bytes) -> bytes:
        encryption_key, commitment, aad = _committed_keys(key, label, context)
        if commitment != self.commitment:
            raise CryptoError
        return unseal(encryption_key, self.nonce, self.ciphertext, aad)


def _commit(key: bytes, label: str, context: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    encryption_key, commitment, aad = _committed_keys(key, label, context)
    return nonce + commitment + vector(seal(encryption_key, nonce, plaintext, aad))


def open_vault(given: Fields) -> dict[str, Any]:
    reader, account, slot = Reader(given.hex("vault")), given.hex("account"), given["slot"]
    if reader.uint(1) != 1:
        raise MalformedError
    wrapped, slots = Reader(reader.vector()), dict[int, Committed]()
    while wrapped.position < len(wrapped.data):
        number = wrapped.enum(1, PASSWORD, RECOVERY)
        if number <= max(slots, default=0):
            raise MalformedError
        slots[number] = Committed.read(wrapped)
    body = Committed.read(reader)
    reader.end()
    if slot not in slots:
        raise CryptoError
    key = slots[slot].open(given.hex("export_key"), "entrenous v1 vault wrap", uint(slot, 1) + account)
    if len(key) != 32:
        raise CryptoError
    plaintext = body.open(key, "entrenous v1 vault body", account).rstrip(b"\0")
    if plaintext[-1:] != b"\x80":
        raise MalformedError
    shown = _body(Reader(plaintext[:-1]), given["newest_known"])
    if shown["counter"] != given["told"]:
        raise BrokenError("AUTH-VAULT-VERSION")
    return {"vault_key": key.hex(), **shown}


def _body(reader: Reader, newest_known: int) -> dict[str, Any]:
    counter, seed = reader.uint(8), reader.take(32)
    people, contacts = Reader(reader.vector()), []
    while people.position < len(people.data):
        names = {"account": people.take(16).hex(), "identity_key": people.take(32).hex(), "name": people.text(256)}
        contacts.append({**names, "verified": people.enum(1, 0, 1)})
    blocks = [each.take(16).hex() for each in reader.items(16, 10_000)]
    places, rooms = Reader(reader.vector()), []
    while places.position < len(places.data):
        names = {"room": places.vector(64).hex(), "access_key": places.vector(64).hex()}
        numbers = {"generation": places.uint(4), "epoch": places.uint(8), "sequence": places.uint(8)}
        rooms.append({**names, **numbers})
    reader.end()
    if max(len(contacts), len(rooms)) > 10_000:
        raise MalformedError
    if counter < newest_known:
        raise BrokenError("ID-VAULT-ROLLBACK")
    return {"counter": counter, "identity_seed": seed.hex(), "contacts": contacts, "blocks": blocks, "rooms": rooms}


def seal_vault(given: Fields) -> dict[str, Any]:
    account, key, wrapped = given.hex("account"), given.hex("vault_key"), b""
    nonces, export_keys = (list(map(bytes.fromhex, given[name])) for name in ("nonces", "export_keys"))
    for slot, export_key, nonce in zip((PASSWORD, RECOVERY), export_keys, nonces[:2], strict=True):
        context = uint(slot, 1) + account
        wrapped += uint(slot, 1) + _commit(export_key, "entrenous v1 vault wrap", context, nonce, key)
    contacts = b"".join(
        bytes.fromhex(each["account"] + each["identity_key"])
        + vector(each["name"].encode())
        + uint(each["verified"], 1)
        for each in given["contacts"]
    )
    rooms = b"".join(
        vector(bytes.fromhex(each["room"]))
        + vector(bytes.fromhex(each["access_key"]))
        + uint(each["generation"], 4)
        + uint(each["epoch"], 8)
        + uint(each["sequence"], 8)
        for each in given["rooms"]
    )
    body = uint(given["counter"], 8) + given.hex("identity_seed") + vector(contacts)
    body += vector(bytes.fromhex("".join(given["blocks"]))) + vector(rooms) + b"\x80"
    padded = body + bytes(-len(body) % 4096)
    box = _commit(key, "entrenous v1 vault body", account, nonces[2], padded)
    return {"vault": (b"\x01" + vector(wrapped) + box).hex()}
