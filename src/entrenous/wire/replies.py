"""What the server answers. An error is an answer too: a code for programs, a sentence for people."""

import enum
from typing import Annotated

from msgspec import Meta

from entrenous.wire.limits import MAX_FETCH
from entrenous.wire.types import (
    AccountId,
    Blob,
    ClaimedKeyPackage,
    Counter,
    Entry,
    InboxItem,
    Key32,
    KsfParameters,
    Name,
    RoomHead,
    RoomId,
    RosterMember,
    Sequence,
    Shape,
    Sized,
    Token,
)


class Reply(Shape, frozen=True):
    """The base of all replies."""


class ErrorCode(enum.StrEnum):
    """Why a request was refused. Each is final for that request unless its line says otherwise."""

    MALFORMED = "malformed"
    #: The channel has not logged in as what this request needs.
    UNAUTHENTICATED = "unauthenticated"
    #: Wrong password, unknown name, unknown device or wrong signature: never told apart.
    BAD_CREDENTIALS = "bad-credentials"
    #: The launch counter is lower than the server's last: this profile was cloned or restored.
    CLONED = "cloned"
    #: The invite is unknown, used up or expired.
    INVITE = "invite"
    NAME_TAKEN = "name-taken"
    NAME_INVALID = "name-invalid"
    DENIED = "denied"
    NOT_FOUND = "not-found"
    #: A Commit came between: fetch what was missed, then make it again. ``number`` is the newest Commit entry.
    CONFLICT = "conflict"
    #: The stored version is another than ``expected``. ``number`` is the stored one.
    STALE = "stale"
    #: The claimed account has no KeyPackage left.
    NO_KEY_PACKAGE = "no-key-package"
    TOO_LARGE = "too-large"
    #: Too much at once: try again after ``number`` seconds.
    LIMIT = "limit"
    #: Nothing was stored, or it is unknown whether it was: repeating is safe.
    UNAVAILABLE = "unavailable"


class Error(Reply, frozen=True, tag=0):
    """The request was refused and changed nothing."""

    code: ErrorCode
    detail: str
    number: Counter | None = None


class Done(Reply, frozen=True, tag=1):
    """It is done, and on disk if it is worth keeping."""


class RegisterChallenge(Reply, frozen=True, tag=2):
    """The new account's id and the server's halves of both registrations."""

    account: AccountId
    password_response: Sized
    recovery_response: Sized


class LoginChallenge(Reply, frozen=True, tag=3):
    """OPAQUE KE2. An unknown name gets the same bytes as a known one, of a record that no password opens."""

    account: AccountId
    ksf: KsfParameters
    ke2: Sized


class LoginDone(Reply, frozen=True, tag=4):
    """The channel is the account's; this is what it needs to become a device."""

    device_list: Sized
    vault: Blob
    vault_version: Counter


class DeviceLoginDone(Reply, frozen=True, tag=5):
    """The channel is the device's. ``capabilities`` names what this server can do beyond the first version."""

    login_name: Name
    device_list_version: Counter
    vault_version: Counter
    key_packages: Counter
    capabilities: tuple[str, ...]


class Vault(Reply, frozen=True, tag=6):
    """The vault and its version."""

    vault: Blob
    version: Counter


class InviteCreated(Reply, frozen=True, tag=7):
    """A token for an invite link. The server keeps only its hash."""

    token: Token
    address: str
    expires_at: Counter


class Account(Reply, frozen=True, tag=8):
    """An account as the server knows it: judge the device list by its signature."""

    account: AccountId
    login_name: Name
    identity_key: Key32
    device_list: Sized


class KeyPackageCount(Reply, frozen=True, tag=9):
    """How many one-time KeyPackages this device's pool now holds."""

    count: Counter


class KeyPackages(Reply, frozen=True, tag=10):
    """One KeyPackage of each device of the account, which are now claimed."""

    packages: tuple[ClaimedKeyPackage, ...]


class Rooms(Reply, frozen=True, tag=11):
    """Every log that the account may read."""

    rooms: tuple[RoomHead, ...]


class Published(Reply, frozen=True, tag=12):
    """The entry is on disk at this place; also the answer to the same message id again."""

    sequence: Sequence


class Entries(Reply, frozen=True, tag=13):
    """A run of the log without gaps, from ``after`` + 1 or from ``first_available``, whichever is later."""

    room: RoomId
    first_available: Sequence
    newest: Sequence
    entries: Annotated[tuple[Entry, ...], Meta(max_length=MAX_FETCH)]


class GroupState(Reply, frozen=True, tag=14):
    """Sealed: the GroupInfo, the last whole tree at or before it, and the node changes since that tree."""

    group_info: Blob
    tree: Blob
    node_changes: tuple[Blob, ...]


class Inbox(Reply, frozen=True, tag=15):
    """Welcomes, oldest first."""

    items: tuple[InboxItem, ...]


class Roster(Reply, frozen=True, tag=16):
    """The accounts in a room by rising id, as of the Commit entry ``newest_commit``."""

    newest_commit: Sequence
    members: tuple[RosterMember, ...]


AnyReply = (
    Error
    | Done
    | RegisterChallenge
    | LoginChallenge
    | LoginDone
    | DeviceLoginDone
    | Vault
    | InviteCreated
    | Account
    | KeyPackageCount
    | KeyPackages
    | Rooms
    | Published
    | Entries
    | GroupState
    | Inbox
    | Roster
)
