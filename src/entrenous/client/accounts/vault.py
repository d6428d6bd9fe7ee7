"""The vault at the server: sealed from what the store holds, written by compare-and-set, never taken back.

Its version at the server and the counter sealed inside are the same number, so a server cannot pass off an old vault
as a new one.
"""

import dataclasses

from entrenous.client.environment import Environment
from entrenous.client.session import Caller, StaleError
from entrenous.client.store import Store, Transaction, account, contacts, rooms, vault
from entrenous.client.store.account import AccountRow
from entrenous.client.store.contacts import UNSEEN
from entrenous.client.store.vault import VaultRoomRow, VaultRow
from entrenous.client.views import RoomState
from entrenous.codec import Vector, decode_as, encode_as
from entrenous.errors import RejectedError, UsageError
from entrenous.identity import (
    Contact,
    VaultBody,
    VaultKey,
    VaultRoom,
    Verification,
    WrappedKey,
    open_vault,
    parse_vault,
    seal_vault,
)
from entrenous.wire import replies, requests

#: The version of an account's first vault.
FIRST_VERSION = 1


def encode_wraps(wraps: tuple[WrappedKey, ...]) -> bytes:
    """The wrapped keys as the store keeps them."""
    return encode_as(Vector[WrappedKey], wraps)


def compose(store: Store, row: AccountRow, version: int) -> VaultBody:
    """What the store knows, as the vault's content of ``version``."""
    known = contacts.every(store)
    return VaultBody(
        counter=version,
        identity_seed=row.identity_seed.reveal(),
        contacts=tuple(_to_vault(contact) for contact in known if contact.identity_key != UNSEEN),
        blocks=tuple(contact.account_id for contact in known if contact.is_blocked),
        rooms=tuple(
            VaultRoom(room.room_id, room.access_key, room.generation, room.epoch, room.sequence)
            for room in vault.rooms(store)
        ),
    )


def absorb(tx: Transaction, body: VaultBody, now: int) -> None:
    """Take from a vault what the store does not know, or knows less of. Nothing that it knows is undone."""
    met = {contact.account_id for contact in contacts.every(tx) if contact.identity_key != UNSEEN}
    for found in body.contacts:
        contacts.hear_of(tx, found.account_id, now)
        heard = contacts.get(tx, found.account_id)
        if heard is not None and heard.identity_key == UNSEEN:
            contacts.restore(tx, _from_vault(found, heard))
    for account_id in body.blocks:
        if account_id in met:
            continue  # the block was lifted here, and a vault from before that must not bring it back
        contacts.hear_of(tx, account_id, now)
        contacts.set_blocked(tx, account_id, blocked=True)
    known = {room.room_id: room.sequence for room in vault.rooms(tx)}
    for room in body.rooms:
        standing = rooms.standing(tx, room.room_id)
        if standing is not None and standing.state is RoomState.REMOVED:
            continue  # its secrets were deleted when this device was removed
        if room.sequence > known.get(room.room_id, -1):
            kept = VaultRoomRow(room.room_id, room.access_key, room.generation, room.epoch, room.sequence)
            vault.put_room(tx, kept)


async def save_vault(caller: Caller, store: Store, environment: Environment) -> int:
    """Store the vault's next version at the server; returns its number.

    Where the server has another version than this device knows of (its own, whose answer was lost, or another
    device's), that one is taken in first.

    Raises:
        RejectedError: rule ID-VAULT-ROLLBACK or AUTH-VAULT-VERSION, the server shows an old vault.
        StaleError: it was changed again meanwhile; trying again may help.
        UnavailableError: it is not known whether it was stored; calling this again finds out.
    """
    try:
        return await _put(caller, store, environment)
    except StaleError:
        await load_vault(caller, store, environment)
    return await _put(caller, store, environment)


async def load_vault(caller: Caller, store: Store, environment: Environment) -> VaultBody:
    """Read the vault from the server and take in what is new in it.

    Raises:
        CryptoError, MalformedError: it is not this account's vault.
        RejectedError: rule ID-VAULT-ROLLBACK, the server shows an older one than it had; rule AUTH-VAULT-VERSION, it
            shows one under another's number.
        UnavailableError: no answer came.
    """
    row, known = _own(store)
    found = await caller.call(requests.GetVault(), replies.Vault)
    stored = parse_vault(found.vault)
    body = open_vault(stored, VaultKey(known.vault_key), account_id=row.account_id, at_least=known.version)
    check_version(body, found.version)
    with store.transaction() as tx:
        absorb(tx, body, environment.seconds())
        vault.update(tx, encode_wraps(stored.keys), found.version)
    return body


def check_version(body: VaultBody, told: int) -> None:
    """Compare the number a server gives to a vault with the one sealed inside.

    Raises:
        RejectedError: rule AUTH-VAULT-VERSION, they differ.
    """
    if body.counter != told:
        raise RejectedError("AUTH-VAULT-VERSION", f"the server calls vault {body.counter} its vault {told}")


async def _put(caller: Caller, store: Store, environment: Environment) -> int:
    row, known = _own(store)
    version = known.version + 1
    sealed = seal_vault(
        compose(store, row, version),
        VaultKey(known.vault_key),
        decode_as(Vector[WrappedKey], known.wraps),
        account_id=row.account_id,
        entropy=environment.entropy,
    )
    await caller.call(requests.PutVault(known.version, sealed), replies.Done)
    with store.transaction() as tx:
        vault.put_version(tx, version)
    return version


def _own(store: Store) -> tuple[AccountRow, VaultRow]:
    row, known = account.get(store), vault.get(store)
    if row is None or known is None:
        raise UsageError("an empty profile has no vault")
    return row, known


def _to_vault(contact: contacts.Contact) -> Contact:
    verified = Verification.VERIFIED if contact.is_verified else Verification.UNVERIFIED
    return Contact(contact.account_id, contact.identity_key, contact.login_name, verified)


def _from_vault(found: Contact, heard: contacts.Contact) -> contacts.Contact:
    return dataclasses.replace(
        heard,
        identity_key=found.identity_key,
        offered_key=None,
        login_name=found.name,
        is_verified=found.verified is Verification.VERIFIED,
    )
