"""The shapes shared by requests, replies and events. What is only carried is MessagePack, in arrays."""

from typing import Annotated

import msgspec
from msgspec import Meta

from entrenous.wire.limits import (
    ID_SIZE,
    MAX_BLOB_SIZE,
    MAX_COMMIT_SIZE,
    MAX_KEY_PACKAGE_SIZE,
    MAX_NAME_LENGTH,
    MESSAGE_ID_SIZE,
    ROOM_ID_SIZE,
    TOKEN_SIZE,
)

_COUNTER = (1 << 63) - 1

RoomId = Annotated[bytes, Meta(min_length=ROOM_ID_SIZE, max_length=ROOM_ID_SIZE)]
AccountId = Annotated[bytes, Meta(min_length=ID_SIZE, max_length=ID_SIZE)]
DeviceId = Annotated[bytes, Meta(min_length=ID_SIZE, max_length=ID_SIZE)]
MessageId = Annotated[bytes, Meta(min_length=MESSAGE_ID_SIZE, max_length=MESSAGE_ID_SIZE)]
Token = Annotated[bytes, Meta(min_length=TOKEN_SIZE, max_length=TOKEN_SIZE)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)]
Counter = Annotated[int, Meta(ge=0, le=_COUNTER)]
#: A place in a room's log: entries are 1, 2, 3, …; 0 is before the first.
Sequence = Counter
Key32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Sized = Annotated[bytes, Meta(max_length=64 << 10)]
EntryBytes = Annotated[bytes, Meta(min_length=1, max_length=MAX_COMMIT_SIZE)]
Blob = Annotated[bytes, Meta(max_length=MAX_BLOB_SIZE)]
KeyPackageBytes = Annotated[bytes, Meta(min_length=1, max_length=MAX_KEY_PACKAGE_SIZE)]


class Shape(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The base of everything that crosses the channel."""


class KsfParameters(Shape, frozen=True):
    """Argon2id's cost, stored beside each OPAQUE record so that it can rise."""

    memory_kib: Annotated[int, Meta(ge=8, le=1 << 22)]
    iterations: Annotated[int, Meta(ge=1, le=64)]
    lanes: Annotated[int, Meta(ge=1, le=64)]


class Entry(Shape, frozen=True):
    """One entry of a room's log. ``received_at`` (ms since 1970) is the server's word: a hint, never a fact."""

    sequence: Sequence
    message_id: MessageId
    body: EntryBytes
    received_at: Counter


class RoomHead(Shape, frozen=True):
    """Where a room's log stands, as the server tells it to a member."""

    room: RoomId
    newest: Sequence
    newest_commit: Sequence
    first_available: Sequence
    may_manage: bool
    #: The entry that removed this account: nothing after it can be fetched. None for a member.
    removed_at: Sequence | None = None


class RosterMember(Shape, frozen=True):
    """An account that the server counts among a room's, and whether it may manage the room there."""

    account: AccountId
    may_manage: bool


class ClaimedKeyPackage(Shape, frozen=True):
    """One device's KeyPackage, handed out once (or its last-resort package, again and again)."""

    device: DeviceId
    key_package: KeyPackageBytes
    last_resort: bool


class WelcomeFor(Shape, frozen=True):
    """A Welcome on its way into one device's inbox."""

    account: AccountId
    device: DeviceId
    welcome: Blob


class InboxItem(Shape, frozen=True):
    """A Welcome that waits for this device, with the Commit entry that made it."""

    id: Counter
    room: RoomId
    sequence: Sequence
    welcome: Blob
