"""The vault (docs/spec: accounts): what an account must not lose, as one blob that its server cannot read.

A random vault key seals the body. The key itself is wrapped once for the password and once for the recovery code,
under the export key that OPAQUE gives to whoever knows either; so a new password re-wraps 32 bytes and moves no body.
"""

import dataclasses
from typing import Annotated

from entrenous.codec import (
    Bytes16,
    Bytes32,
    Struct,
    UInt8,
    UInt8Enum,
    UInt32,
    UInt64,
    VarOpaque,
    VarText,
    VarVector,
    struct,
)
from entrenous.crypto import Entropy, Secret, draw
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.identity.committed import CommittedCiphertext, open_committed, seal_committed
from entrenous.identity.labels import Label

#: The version of the vault's format.
VAULT_FORMAT = 1
#: Bytes of the vault key.
VAULT_KEY_SIZE = 32
#: Bodies are padded to a multiple of this many bytes, so the size hardly tells how many contacts and rooms there are.
PADDING = 4096

MAX_CONTACTS = 10_000
MAX_ROOMS = 10_000
MAX_NAME = 256
MAX_ROOM_ID = 64
MAX_ACCESS_KEY = 64


class VaultKey(Secret):
    """The random key of one account's vault, 32 bytes."""

    __slots__ = ()

    @classmethod
    def generate(cls, entropy: Entropy) -> "VaultKey":
        """A new vault's key."""
        return cls(draw(entropy, VAULT_KEY_SIZE))


class Verification(UInt8Enum):
    """Whether two people compared their safety number."""

    UNVERIFIED = 0
    VERIFIED = 1


@struct
class Contact(Struct):
    """A person this account knows, pinned by identity key."""

    account_id: Bytes16
    identity_key: Bytes32
    name: Annotated[str, VarText(MAX_NAME)]
    verified: Verification


@struct
class VaultRoom(Struct):
    """Enough of a room to come back to it, and to notice a server that shows an older state of it."""

    room_id: Annotated[bytes, VarOpaque(MAX_ROOM_ID)]
    access_key: Annotated[bytes, VarOpaque(MAX_ACCESS_KEY)]
    generation: UInt32
    epoch: UInt64
    sequence: UInt64

    def __repr__(self) -> str:
        return f"VaultRoom({self.room_id.hex()}, epoch={self.epoch}, sequence={self.sequence})"


@struct
class VaultBody(Struct):
    """The vault's content. ``counter`` grows by one with each stored version."""

    counter: UInt64
    identity_seed: Bytes32
    contacts: Annotated[tuple[Contact, ...], VarVector(MAX_CONTACTS)]
    blocks: Annotated[tuple[Bytes16, ...], VarVector(MAX_CONTACTS)]
    rooms: Annotated[tuple[VaultRoom, ...], VarVector(MAX_ROOMS)]

    def __repr__(self) -> str:
        return f"VaultBody(counter={self.counter}, {len(self.contacts)} contacts, {len(self.rooms)} rooms)"


class WrapSlot(UInt8Enum):
    """What unwraps the vault key."""

    PASSWORD = 1
    RECOVERY = 2


@struct
class WrappedKey(Struct):
    """The vault key under the export key of one slot."""

    slot: WrapSlot
    box: CommittedCiphertext


@struct
class StoredVault(Struct):
    """The whole blob that the server keeps."""

    format: UInt8
    keys: Annotated[tuple[WrappedKey, ...], VarVector(len(WrapSlot))]
    body: CommittedCiphertext

    def replacing(self, key: WrappedKey) -> "StoredVault":
        """The same vault with another key in the slot of ``key``."""
        others = [wrapped for wrapped in self.keys if wrapped.slot != key.slot]
        keys = tuple(sorted((*others, key), key=lambda wrapped: wrapped.slot))
        return dataclasses.replace(self, keys=keys)


def parse_vault(data: bytes) -> StoredVault:
    """Read the blob.

    Raises:
        MalformedError: it is no vault, or of a format this version does not know.
    """
    vault = StoredVault.decode(data)
    slots = [key.slot for key in vault.keys]
    if vault.format != VAULT_FORMAT:
        raise MalformedError(f"a vault of format {vault.format}; this version reads format {VAULT_FORMAT}")
    if slots != sorted(set(slots)):
        raise MalformedError("the vault's keys are not in order")
    return vault


def seal_vault(
    body: VaultBody, key: VaultKey, keys: tuple[WrappedKey, ...], *, account_id: bytes, entropy: Entropy
) -> bytes:
    """Seal ``body`` and put the wrapped keys beside it; returns the blob to store.

    Raises:
        UsageError: a field does not fit its type.
    """
    box = seal_committed(key, Label.VAULT_BODY, account_id, _pad(body.encode()), entropy)
    vault = StoredVault(VAULT_FORMAT, (), box)
    for wrapped in keys:
        vault = vault.replacing(wrapped)
    return vault.encode()


def open_vault(vault: StoredVault, key: VaultKey, *, account_id: bytes, at_least: int) -> VaultBody:
    """Open the body.

    Args:
        vault: from ``parse_vault``.
        key: from ``unwrap_key``.
        account_id: whose vault it is.
        at_least: the highest counter this client has seen; 0 on a new device.

    Raises:
        CryptoError: key or account is another one, or the blob was changed.
        MalformedError: what was sealed is no body.
        RejectedError: rule ID-VAULT-ROLLBACK, the server gave an older vault than it had before.
    """
    body = VaultBody.decode(_unpad(open_committed(key, Label.VAULT_BODY, account_id, vault.body)))
    if body.counter < at_least:
        raise RejectedError("ID-VAULT-ROLLBACK", f"vault {body.counter} was given, vault {at_least} exists")
    return body


def wrap_key(key: VaultKey, slot: WrapSlot, export_key: Secret, *, account_id: bytes, entropy: Entropy) -> WrappedKey:
    """Wrap the vault key for ``slot``, whose OPAQUE record gives ``export_key``."""
    return WrappedKey(
        slot, seal_committed(export_key, Label.VAULT_WRAP, _slot(slot, account_id), key.reveal(), entropy)
    )


def unwrap_key(vault: StoredVault, slot: WrapSlot, export_key: Secret, *, account_id: bytes) -> VaultKey:
    """Get the vault key out with the password's or the recovery code's export key.

    Raises:
        CryptoError: the slot is empty, or the export key, the account or the blob is another one.
    """
    wrapped = next((key for key in vault.keys if key.slot == slot), None)
    if wrapped is None:
        raise CryptoError
    value = open_committed(export_key, Label.VAULT_WRAP, _slot(slot, account_id), wrapped.box)
    if len(value) != VAULT_KEY_SIZE:
        raise CryptoError
    return VaultKey(value)


def rewrap_key(
    vault: StoredVault, slot: WrapSlot, old: Secret, new: Secret, *, account_id: bytes, entropy: Entropy
) -> StoredVault:
    """The same vault after a change of password or recovery code: its key under the new export key.

    Raises:
        CryptoError: ``old`` does not unwrap the key.
    """
    key = unwrap_key(vault, slot, old, account_id=account_id)
    return vault.replacing(wrap_key(key, slot, new, account_id=account_id, entropy=entropy))


def _slot(slot: WrapSlot, account_id: bytes) -> bytes:
    """What a wrapped key belongs to: a key moved to another slot or account does not unwrap."""
    return bytes((slot,)) + account_id


def _pad(body: bytes) -> bytes:
    """``body``, the byte 0x80, and zeros up to a multiple of ``PADDING``."""
    return body + b"\x80" + bytes(-(len(body) + 1) % PADDING)


def _unpad(padded: bytes) -> bytes:
    body = padded.rstrip(b"\x00")
    if not body.endswith(b"\x80"):
        raise MalformedError("the vault's padding is missing")
    return body[:-1]
