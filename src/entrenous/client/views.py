"""What commands answer with: plain values for people, copied out of the store, never live state."""

import enum
from dataclasses import dataclass


class RoomState(enum.StrEnum):
    """How this device stands to a room."""

    #: Made here; the server does not know it yet.
    CREATING = "creating"
    ACTIVE = "active"
    #: Removed from it: what was read stays, nothing more comes.
    REMOVED = "removed"


class MemberRole(enum.StrEnum):
    """What a member may do."""

    MEMBER = "member"
    ADMIN = "admin"


class MessageKind(enum.StrEnum):
    """What a line of the timeline is."""

    TEXT = "text"
    #: A Commit that was applied; ``text`` says what it did.
    CHANGE = "change"
    #: A Commit that broke a rule and changed nothing; ``text`` says which.
    REFUSED = "refused"
    #: An entry that could not be read; ``text`` says why.
    UNREADABLE = "unreadable"
    #: Entries that the server no longer had.
    GAP = "gap"
    #: Content that this version has no form for.
    UNKNOWN = "unknown"


class MessageState(enum.StrEnum):
    """How far an own message has come."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """A room in a list.

    Attributes:
        room: its 16-byte id.
        members: accounts in it.
        newest: the sequence number of the newest entry this device has processed.
        retention_seconds: how long the server keeps an entry that somebody has not fetched.
    """

    room: bytes
    name: str
    topic: str
    state: RoomState
    own_role: MemberRole
    members: int
    newest: int
    epoch: int
    retention_seconds: int


@dataclass(frozen=True, slots=True)
class MemberSummary:
    """A member of a room.

    Attributes:
        login_name: the name the server tells for the account; empty until it was asked.
        identity_changed: the account shows another identity key than the one this profile trusts.
    """

    account: bytes
    login_name: str
    role: MemberRole
    is_self: bool
    identity_changed: bool


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Names a message of this device from the moment it is stored, before it is sent."""

    room: bytes
    message_id: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a room's timeline.

    Attributes:
        sequence: its place in the room's log; None for an own message that is not in the log yet.
        sender: the account; None where the entry does not tell.
        sender_name: for people: the login name, or the beginning of the account id.
        sent_at: the sender's word, ms since 1970; 0 where the entry does not tell.
        received_at: the server's word, ms since 1970: a hint.
    """

    room: bytes
    sequence: int | None
    message_id: bytes
    kind: MessageKind
    text: str
    sender: bytes | None
    sender_name: str
    is_own: bool
    state: MessageState
    sent_at: int
    received_at: int
