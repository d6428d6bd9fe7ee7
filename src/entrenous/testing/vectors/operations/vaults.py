"""docs/spec/auth.md: the vault."""

from collections.abc import Mapping
from typing import Any

from entrenous.client.accounts.vault import check_version
from entrenous.crypto import Secret
from entrenous.identity import (
    Contact,
    VaultBody,
    VaultKey,
    VaultRoom,
    Verification,
    WrapSlot,
    open_vault,
    parse_vault,
    seal_vault,
    unwrap_key,
    wrap_key,
)
from entrenous.testing.vectors.entropy import named
from entrenous.testing.vectors.form import Given


def open_stored(given: Given) -> Mapping[str, Any]:
    """Unwrap the vault's key and open its body."""
    account, stored = given.hex("account"), parse_vault(given.hex("vault"))
    key = unwrap_key(stored, WrapSlot(given.number("slot")), Secret(given.hex("export_key")), account_id=account)
    body = open_vault(stored, key, account_id=account, at_least=given.number("newest_known"))
    check_version(body, given.number("told"))
    return {
        "vault_key": key.reveal().hex(),
        "counter": body.counter,
        "identity_seed": body.identity_seed.hex(),
        "contacts": [_shown_contact(each) for each in body.contacts],
        "blocks": [each.hex() for each in body.blocks],
        "rooms": [_shown_room(each) for each in body.rooms],
    }


def seal(given: Given) -> Mapping[str, Any]:
    """Make a vault with named nonces: of the key wrapped for the password, for the recovery code, of the body."""
    account, key = given.hex("account"), VaultKey(given.hex("vault_key"))
    nonces = given.hexes("nonces")
    wrapped = tuple(
        wrap_key(key, slot, Secret(export_key), account_id=account, entropy=named(nonce))
        for slot, export_key, nonce in zip(WrapSlot, given.hexes("export_keys"), nonces[:2], strict=True)
    )
    body = VaultBody(
        given.number("counter"),
        given.hex("identity_seed"),
        tuple(_contact(Given(each)) for each in given.items("contacts")),
        tuple(given.hexes("blocks")),
        tuple(_room(Given(each)) for each in given.items("rooms")),
    )
    return {"vault": seal_vault(body, key, wrapped, account_id=account, entropy=named(nonces[2])).hex()}


def _contact(given: Given) -> Contact:
    verified = Verification(given.number("verified"))
    return Contact(given.hex("account"), given.hex("identity_key"), given.text("name"), verified)


def _shown_contact(contact: Contact) -> Mapping[str, Any]:
    return {
        "account": contact.account_id.hex(),
        "identity_key": contact.identity_key.hex(),
        "name": contact.name,
        "verified": int(contact.verified),
    }


def _room(given: Given) -> VaultRoom:
    numbers = (given.number(name) for name in ("generation", "epoch", "sequence"))
    return VaultRoom(given.hex("room"), given.hex("access_key"), *numbers)


def _shown_room(room: VaultRoom) -> Mapping[str, Any]:
    return {
        "room": room.room_id.hex(),
        "access_key": room.access_key.hex(),
        "generation": room.generation,
        "epoch": room.epoch,
        "sequence": room.sequence,
    }
