"""docs/spec/groups.md and delivery.md: leaves, settings, contents, what is sealed for joiners, HPKE, the log."""

import hashlib
from typing import Any

from independent_check.curves import verify
from independent_check.forms import (
    BrokenError,
    Fields,
    Reader,
    expand,
    seal,
    sha256,
    uint,
    unseal,
    vector,
)

TEXT, ROOM_ACCESS_KEY = 1, 2


def byte_vector(given: Fields) -> dict[str, Any]:
    reader = Reader(given.hex("bytes"))
    value = reader.vector()
    reader.end()
    return {"value": value.hex()}


def leaf_certificate(given: Fields) -> dict[str, Any]:
    credential, certificate = Reader(given.hex("identity")), Reader(given.hex("certificate"))
    account, identity_key = credential.take(16), credential.take(32)
    credential.end()
    its_account, device, key = certificate.take(16), certificate.take(16), certificate.take(32)
    version, list_hash = certificate.uint(4), certificate.take(32)
    signed, signature = certificate.data[: certificate.position], certificate.take(64)
    certificate.end()
    for rule, holds in (
        ("ID-LEAF-ACCOUNT", account == its_account),
        ("ID-LEAF-KEY", key == given.hex("signature_key")),
        ("ID-LEAF-VERSION", version >= 1),
    ):
        if not holds:
            raise BrokenError(rule)
    verify(identity_key, "entrenous v1 leaf certificate", signed, signature)
    shown = {"account": account, "identity_key": identity_key, "device": device, "list_hash": list_hash}
    return {"list_version": version, **{name: value.hex() for name, value in shown.items()}}


def settings(given: Fields) -> dict[str, Any]:
    reader = Reader(given.hex("settings"))
    reader.enum(2, 1)
    found: dict[str, Any] = {"name": reader.text(256), "topic": reader.text(2048)}
    members = [(each.take(16), each.enum(1, 1, 2)) for each in reader.items(17, 2000)]
    banned = [each.take(16) for each in reader.items(16, 2000)]
    retention, policy = reader.uint(4), reader.enum(1, 1, 2)
    links = [(each.take(16), each.take(32), each.enum(1, 1, 2)) for each in reader.items(49, 64)]
    reader.end()
    for ids in ([each[0] for each in members], banned, [each[0] for each in links]):
        if ids != sorted(set(ids)):
            raise BrokenError("ROOM-SETTINGS-ORDER")
    if {each[0] for each in members} & set(banned):
        raise BrokenError("ROOM-SETTINGS-BANNED")
    if not 1 <= retention <= 2_592_000:
        raise BrokenError("ROOM-SETTINGS-RETENTION")
    found |= {"members": [[who.hex(), role] for who, role in members], "banned": [each.hex() for each in banned]}
    found |= {"links": [[name.hex(), key.hex(), role] for name, key, role in links]}
    return {**found, "retention_seconds": retention, "join_policy": policy}


def content(given: Fields) -> dict[str, Any]:
    reader = Reader(given.hex("content"))
    head = {"message_id": reader.take(12).hex(), "sent_at": reader.uint(8)}
    kind, data = reader.uint(2), reader.vector(65536)
    reader.end()
    body = Reader(data)
    if kind == TEXT:
        shown: dict[str, Any] = {"text": body.text(32768)}
    elif kind == ROOM_ACCESS_KEY:
        shown = {"generation": body.uint(4), "key": body.take(32).hex()}
    else:
        return {**head, "kind": kind, "data": data.hex()}
    body.end()
    return {**head, **shown}


def padding(given: Fields) -> dict[str, Any]:
    n = given["size"]
    if n <= 256:
        return {"padded": 256}
    if n <= 4096:
        return {"padded": min(2**power for power in range(8, 13) if 2**power >= n)}
    e = n.bit_length() - 1
    s = e.bit_length()
    return {"padded": (n + 2 ** (e - s) - 1) // 2 ** (e - s) * 2 ** (e - s)}


def access_key(given: Fields) -> dict[str, Any]:
    """MLS-Exporter (RFC 9420 §8.5) with ExpandWithLabel of SHA-384 (§8)."""

    def labelled(secret: bytes, label: bytes, context: bytes, size: int) -> bytes:
        return expand("sha384", secret, uint(size, 2) + vector(b"MLS 1.0 " + label) + vector(context), size)

    secret = labelled(given.hex("exporter_secret"), b"entrenous room access key", b"", 48)
    context = hashlib.sha384(uint(given["generation"], 4)).digest()
    return {"access_key": labelled(secret, b"exported", context, 32).hex()}


def _sealed_aad(given: Fields, generation: int, epoch: int) -> bytes:
    head = vector(b"entrenous v1 sealed room state") + vector(given.hex("room"))
    return head + uint(given["kind"], 1) + uint(generation, 4) + uint(epoch, 8)


def sealed_state(given: Fields) -> dict[str, Any]:
    reader = Reader(given.hex("sealed"))
    generation, epoch, nonce, ciphertext = reader.uint(4), reader.uint(8), reader.take(12), reader.vector()
    reader.end()
    if generation != given["generation"]:
        raise BrokenError("ROOM-ACCESS-GENERATION")
    plaintext = unseal(given.hex("access_key"), nonce, ciphertext, _sealed_aad(given, generation, epoch))
    return {"epoch": epoch, "plaintext": plaintext.hex()}


def seal_state(given: Fields) -> dict[str, Any]:
    generation, epoch, nonce = given["generation"], given["epoch"], given.hex("nonce")
    sealed = seal(given.hex("access_key"), nonce, given.hex("plaintext"), _sealed_aad(given, generation, epoch))
    return {"sealed": (uint(generation, 4) + uint(epoch, 8) + nonce + vector(sealed)).hex()}


def _position(reader: Reader) -> dict[str, Any]:
    return {"sequence": reader.uint(8), "hash": reader.take(32).hex()}


def welcome_data(given: Fields) -> dict[str, Any]:
    reader = Reader(given.hex("welcome_data"))
    found = {"access_generation": reader.uint(4), "access_key": reader.take(32).hex(), **_position(reader)}
    reader.end()
    return found


def message_data(given: Fields) -> dict[str, Any]:
    reader = Reader(given.hex("authenticated_data"))
    found = _position(reader)
    reader.end()
    return found


def commit_data(given: Fields) -> dict[str, Any]:
    reader = Reader(given.hex("authenticated_data"))
    head = {"message_id": reader.take(12).hex(), "retention_seconds": reader.uint(4)}
    roster = [[each.take(16).hex(), each.enum(1, 1, 2, 3, 4)] for each in reader.items(17, 4000)]
    found = {**head, "roster": roster, **_position(reader), "link_proof": reader.vector().hex()}
    reader.end()
    return found


def log_hash(given: Fields) -> dict[str, Any]:
    hashes = [sha256(b"entrenous v1 room log\0" + given.hex("room"))]
    for number, entry in enumerate(map(bytes.fromhex, given["entries"]), 1):
        hashes.append(sha256(hashes[-1] + uint(number, 8) + sha256(entry)))
    return {"hashes": [each.hex() for each in hashes]}
