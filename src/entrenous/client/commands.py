"""What a front end can ask: one frozen class per command, each naming its result. The same for every front end.

``await client.do(SendText(room, "hello"))`` is typed by the command's parameter: ``SendText`` is a
``Command[MessageRef]``, so that is what ``do`` returns.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from entrenous.client.views import MemberSummary, Message, MessageRef, RoomSummary
from entrenous.content import MAX_NAME_SIZE, MAX_RETENTION_SECONDS, MAX_TEXT_SIZE, MAX_TOPIC_SIZE

Result_co = TypeVar("Result_co", covariant=True)

#: Bytes (UTF-8) of one text message, of a room's name and of its topic; seconds that a server keeps entries at most.
MAX_TEXT = MAX_TEXT_SIZE
MAX_ROOM_NAME = MAX_NAME_SIZE
MAX_TOPIC = MAX_TOPIC_SIZE
DEFAULT_RETENTION = MAX_RETENTION_SECONDS
#: Lines in one answer to ``History``.
MAX_HISTORY = 500
#: Seconds in which an invite link works, unless its maker says otherwise.
DEFAULT_LINK_LIFETIME = 7 * 86_400


class Command(Generic[Result_co]):
    """The base of all commands; ``Result_co`` is what the command answers."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CreateRoom(Command[RoomSummary]):
    """Open a room whose only member, and admin, is this account. Needs the server.

    Attributes:
        members_may_invite: whether members who are not admins may add others.
    """

    name: str
    topic: str = ""
    retention_seconds: int = DEFAULT_RETENTION
    members_may_invite: bool = True


@dataclass(frozen=True, slots=True)
class InviteMember(Command[MemberSummary]):
    """Add an account to a room, or replace the device it had there by its new one. Needs the server.

    Answers when the log shows that the account is a member.
    """

    room: bytes
    login_name: str


@dataclass(frozen=True, slots=True)
class KickMember(Command[None]):
    """Remove an account from a room, for admins. It reads nothing that is sent afterwards. Needs the server."""

    room: bytes
    login_name: str


@dataclass(frozen=True, slots=True)
class RefreshKeys(Command[None]):
    """Give this device new keys in a room, so that who stole the old ones is locked out. Needs the server."""

    room: bytes


@dataclass(frozen=True, slots=True)
class SendText(Command[MessageRef]):
    """Say something. Answers as soon as it is on this device's disk; it is sent when the server can be reached."""

    room: bytes
    text: str


@dataclass(frozen=True, slots=True)
class WaitUntilSent(Command[None]):
    """Wait until the server has stored a message of this device, or it has finally failed (an error says why)."""

    message: MessageRef


@dataclass(frozen=True, slots=True)
class ListRooms(Command[tuple[RoomSummary, ...]]):
    """Every room of this profile, those it was removed from too, by name."""


@dataclass(frozen=True, slots=True)
class FindRoom(Command[RoomSummary]):
    """The one room whose name, or the beginning of whose id in hexadecimal, is ``text``."""

    text: str


@dataclass(frozen=True, slots=True)
class ListMembers(Command[tuple[MemberSummary, ...]]):
    """The accounts in a room, by login name."""

    room: bytes


@dataclass(frozen=True, slots=True)
class History(Command[tuple[Message, ...]]):
    """Lines of a room's timeline, oldest first: the last ``limit`` before ``before``, or the first after ``after``.

    Messages that are not in the log yet follow at the end when ``before`` is None.

    Attributes:
        before: a sequence number; None for the newest.
        after: a sequence number; when given, ``before`` is not.
        limit: at most ``MAX_HISTORY``.
    """

    room: bytes
    before: int | None = None
    after: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class CreateInviteLink(Command[str]):
    """A link with which people can register at this server; it carries this account's fingerprint. Needs the server.

    Attributes:
        uses: how many people can register with it, 1 to 1,000.
        lifetime_seconds: one minute to 90 days.
    """

    uses: int = 1
    lifetime_seconds: int = DEFAULT_LINK_LIFETIME


@dataclass(frozen=True, slots=True)
class BlockPerson(Command[None]):
    """Refuse to be added to rooms by an account from now on, or no longer; kept in the vault.

    Attributes:
        login_name: of a contact; the server is asked for one that is none yet.
        is_blocked: False takes it back.
    """

    login_name: str
    is_blocked: bool = True


@dataclass(frozen=True, slots=True)
class AcceptIdentity(Command[None]):
    """Trust the new identity key that an account shows; messages that were held back because of it are sent."""

    login_name: str
