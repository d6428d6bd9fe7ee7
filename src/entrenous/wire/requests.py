"""What a client asks. One class per request; the class names the reply it expects."""

from typing import Annotated, ClassVar

from msgspec import Meta

from entrenous.wire import replies
from entrenous.wire.limits import (
    MAX_FETCH,
    MAX_KEY_PACKAGES,
    MAX_RETENTION_SECONDS,
    MAX_WELCOMES,
    MIN_RETENTION_SECONDS,
)
from entrenous.wire.types import (
    AccountId,
    Blob,
    Counter,
    DeviceId,
    EntryBytes,
    Key32,
    KeyPackageBytes,
    KsfParameters,
    MessageId,
    Name,
    RoomId,
    Sequence,
    Shape,
    Signature,
    Sized,
    Token,
    WelcomeFor,
)


class Request(Shape, frozen=True):
    """The base of all requests."""

    REPLY: ClassVar[type[replies.Reply]]


# Before anybody has logged in on the channel.


class RegisterStart(Request, frozen=True, tag=1):
    """Redeem an invite: begin the OPAQUE registrations of the password and of the recovery code."""

    REPLY: ClassVar[type[replies.Reply]] = replies.RegisterChallenge
    invite: Token
    login_name: Name
    password_request: Key32
    recovery_request: Key32


class RegisterFinish(Request, frozen=True, tag=2):
    """Create the account in one transaction: records, identity key, device list, vault, invite used."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Done
    ksf: KsfParameters
    password_record: Sized
    recovery_record: Sized
    identity_key: Key32
    device_list: Sized
    vault: Blob


class LoginStart(Request, frozen=True, tag=3):
    """OPAQUE KE1, for the password's record or the recovery code's."""

    REPLY: ClassVar[type[replies.Reply]] = replies.LoginChallenge
    login_name: Name
    recovery: bool
    ke1: Sized


class LoginFinish(Request, frozen=True, tag=4):
    """OPAQUE KE3: verified, the channel is this account's."""

    REPLY: ClassVar[type[replies.Reply]] = replies.LoginDone
    ke3: Sized


class DeviceLogin(Request, frozen=True, tag=5):
    """A returning device's first request: its login key's signature over the channel binding."""

    REPLY: ClassVar[type[replies.Reply]] = replies.DeviceLoginDone
    account: AccountId
    device: DeviceId
    launch_counter: Counter
    signature: Signature


# An account's: after a password login or a device login.


class PutDeviceList(Request, frozen=True, tag=10):
    """Store the signed device list that follows version ``expected``; compare-and-set."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Done
    expected: Counter
    device_list: Sized


class GetVault(Request, frozen=True, tag=11):
    """Read the own vault."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Vault


class PutVault(Request, frozen=True, tag=12):
    """Store the vault that follows version ``expected``; compare-and-set."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Done
    expected: Counter
    vault: Blob


# A device's: after a device login.


class CreateInvite(Request, frozen=True, tag=20):
    """Ask for a token that lets somebody register."""

    REPLY: ClassVar[type[replies.Reply]] = replies.InviteCreated
    uses: Annotated[int, Meta(ge=1, le=1_000)]
    lifetime_seconds: Annotated[int, Meta(ge=60, le=90 * 86_400)]


class FindAccount(Request, frozen=True, tag=21):
    """Look an account up by its login name."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Account
    login_name: Name


class GetAccount(Request, frozen=True, tag=22):
    """Look an account up by its id; only for accounts that share a room with the asker."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Account
    account: AccountId


class PutKeyPackages(Request, frozen=True, tag=23):
    """Add KeyPackages to this device's pool, and set its last-resort package if one is given."""

    REPLY: ClassVar[type[replies.Reply]] = replies.KeyPackageCount
    packages: Annotated[tuple[KeyPackageBytes, ...], Meta(max_length=MAX_KEY_PACKAGES)]
    last_resort: KeyPackageBytes | None = None


class ClaimKeyPackages(Request, frozen=True, tag=24):
    """Take one KeyPackage of each device of an account; each is handed out once."""

    REPLY: ClassVar[type[replies.Reply]] = replies.KeyPackages
    account: AccountId


class CreateRoom(Request, frozen=True, tag=30):
    """Open an empty log whose only member, and manager, is the asker. Creating twice is creating once."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Done
    room: RoomId
    retention_seconds: Annotated[int, Meta(ge=MIN_RETENTION_SECONDS, le=MAX_RETENTION_SECONDS)]
    group_info: Blob
    tree: Blob


class ListRooms(Request, frozen=True, tag=31):
    """Where every log stands that this account may read."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Rooms


class Publish(Request, frozen=True, tag=32):
    """Append an application message, made after the Commit entry ``base``. Publishing twice is publishing once."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Published
    room: RoomId
    base: Sequence
    message_id: MessageId
    entry: EntryBytes


class Commit(Request, frozen=True, tag=33):
    """Append a Commit, with all that belongs to it, in one transaction. The roster delta stands in the entry itself."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Published
    room: RoomId
    base: Sequence
    message_id: MessageId
    entry: EntryBytes
    welcomes: Annotated[tuple[WelcomeFor, ...], Meta(max_length=MAX_WELCOMES)]
    #: Sealed under the room access key: the GroupInfo without its tree, and the nodes this Commit changed.
    group_info: Blob
    node_changes: Blob
    #: A sealed whole tree, at most every 32 Commits.
    tree: Blob | None = None


class Fetch(Request, frozen=True, tag=34):
    """Entries after a sequence number, oldest first."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Entries
    room: RoomId
    after: Sequence
    limit: Annotated[int, Meta(ge=1, le=MAX_FETCH)]


class FetchGroupState(Request, frozen=True, tag=35):
    """The sealed GroupInfo and tree as they were after the Commit entry ``sequence`` (0: at creation)."""

    REPLY: ClassVar[type[replies.Reply]] = replies.GroupState
    room: RoomId
    sequence: Sequence


class Acknowledge(Request, frozen=True, tag=36):
    """Everything up to ``sequence`` is on this device's disk."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Done
    room: RoomId
    sequence: Sequence


class FetchInbox(Request, frozen=True, tag=37):
    """Welcomes that wait for this device, after an item's id."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Inbox
    after: Counter


class DropInbox(Request, frozen=True, tag=38):
    """Everything up to ``id`` is on this device's disk."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Done
    id: Counter


class Ping(Request, frozen=True, tag=39):
    """Is anybody there?"""

    REPLY: ClassVar[type[replies.Reply]] = replies.Done


class FetchRoster(Request, frozen=True, tag=40):
    """Whom the server counts among a room's accounts: for members, who know better."""

    REPLY: ClassVar[type[replies.Reply]] = replies.Roster
    room: RoomId


AnyRequest = (
    RegisterStart
    | RegisterFinish
    | LoginStart
    | LoginFinish
    | DeviceLogin
    | PutDeviceList
    | GetVault
    | PutVault
    | CreateInvite
    | FindAccount
    | GetAccount
    | PutKeyPackages
    | ClaimKeyPackages
    | CreateRoom
    | ListRooms
    | Publish
    | Commit
    | Fetch
    | FetchGroupState
    | Acknowledge
    | FetchInbox
    | DropInbox
    | Ping
    | FetchRoster
)
