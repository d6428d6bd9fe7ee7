"""What all members agree on about a room: the GroupContext extension that the server cannot read.

Everything here is a pure function of the settings, so that all honest members judge a Commit alike. Lists are sorted:
one set of facts has one encoding, and a member of a large room is found without looking at all of them.
"""

import bisect
import dataclasses
from collections.abc import Iterable
from typing import Annotated

from entrenous.codec import Bytes16, Bytes32, Struct, UInt8Enum, UInt16Enum, UInt32, VarText, VarVector, struct
from entrenous.errors import RejectedError

#: The extension's number in MLS, out of those for private use.
ROOM_SETTINGS_EXTENSION = 0xF0E0

#: Bytes of UTF-8.
MAX_NAME_SIZE = 256
MAX_TOPIC_SIZE = 2048
#: Every signature in the room covers the settings: an account costs all senders 17 bytes to hash.
MAX_MEMBERS = 2000
MAX_BANNED = 2000
MAX_LINKS = 64
#: How long the server keeps entries: 30 days, by default and at most.
MAX_RETENTION_SECONDS = 30 * 24 * 3600


class SettingsVersion(UInt16Enum):
    """The forms of settings. One that we do not know is malformed: we could not judge by it."""

    V1 = 1


class Role(UInt8Enum):
    """What an account may do in a room."""

    MEMBER = 1
    ADMIN = 2


class JoinPolicy(UInt8Enum):
    """Who may add an account to the room."""

    ADMINS_ADD = 1
    MEMBERS_ADD = 2


@struct
class MemberRole(Struct):
    """An account of the room. It may have no leaf yet: it stands here so that its devices may join."""

    account_id: Bytes16
    role: Role


@struct
class RoomLink(Struct):
    """A link that admits people: who signs with its key may join with its role."""

    id: Bytes16
    key: Bytes32
    role: Role


@struct
class RoomSettings(Struct):
    """The settings. ``read_settings`` makes them from bytes; the methods make them from others.

    Attributes:
        version: the form of what follows.
        name: of the room, for people.
        topic: of the room, for people.
        members: accounts by rising id, each once.
        banned: ids of accounts that may not join, rising, none of them a member.
        retention_seconds: how long the server keeps entries, 1 to 30 days' worth.
        join_policy: who may add accounts.
        links: by rising id, each once.
    """

    version: SettingsVersion
    name: Annotated[str, VarText(MAX_NAME_SIZE)]
    topic: Annotated[str, VarText(MAX_TOPIC_SIZE)]
    members: Annotated[tuple[MemberRole, ...], VarVector(MAX_MEMBERS)]
    banned: Annotated[tuple[Bytes16, ...], VarVector(MAX_BANNED)]
    retention_seconds: UInt32
    join_policy: JoinPolicy
    links: Annotated[tuple[RoomLink, ...], VarVector(MAX_LINKS)]


def new_settings(
    name: str,
    founder: bytes,
    *,
    topic: str = "",
    retention_seconds: int = MAX_RETENTION_SECONDS,
    join_policy: JoinPolicy = JoinPolicy.ADMINS_ADD,
) -> RoomSettings:
    """The settings of a new room, with its founder's account as admin.

    Raises:
        RejectedError: ROOM-SETTINGS-RETENTION.
    """
    founders = (MemberRole(founder, Role.ADMIN),)
    settings = RoomSettings(SettingsVersion.V1, name, topic, founders, (), retention_seconds, join_policy, ())
    validate(settings)
    return settings


def read_settings(data: bytes) -> RoomSettings:
    """Read the extension's body.

    Raises:
        MalformedError: ``data`` is no settings of a version we know, or a list in it is too long.
        RejectedError: the settings contradict themselves, see ``validate``.
    """
    settings = RoomSettings.decode(data)
    validate(settings)
    return settings


def validate(settings: RoomSettings) -> None:
    """Check what an encoding alone does not.

    Raises:
        RejectedError: ROOM-SETTINGS-ORDER, a list is unsorted or names somebody twice; ROOM-SETTINGS-BANNED, a member
            is banned; ROOM-SETTINGS-RETENTION, it is not 1 second to 30 days.
    """
    _check_rising("members", (member.account_id for member in settings.members))
    _check_rising("banned", settings.banned)
    _check_rising("links", (link.id for link in settings.links))
    if not {member.account_id for member in settings.members}.isdisjoint(settings.banned):
        raise RejectedError("ROOM-SETTINGS-BANNED", "an account is a member and banned")
    if not 1 <= settings.retention_seconds <= MAX_RETENTION_SECONDS:
        raise RejectedError("ROOM-SETTINGS-RETENTION", f"{settings.retention_seconds} seconds")


def _check_rising(name: str, ids: Iterable[bytes]) -> None:
    previous = b""
    for identifier in ids:
        if identifier <= previous:
            raise RejectedError("ROOM-SETTINGS-ORDER", f"{name} are not sorted, or somebody is in them twice")
        previous = identifier


def role_of(settings: RoomSettings, account_id: bytes) -> Role | None:
    """An account's role; None if it is no member."""
    index = _member_index(settings, account_id)
    return settings.members[index].role if _is_at(settings, index, account_id) else None


def is_banned(settings: RoomSettings, account_id: bytes) -> bool:
    """Whether an account may not join."""
    index = bisect.bisect_left(settings.banned, account_id)
    return settings.banned[index : index + 1] == (account_id,)


def link_of(settings: RoomSettings, link_id: bytes) -> RoomLink | None:
    """The link with this id; None if there is none (any more)."""
    return next((link for link in settings.links if link.id == link_id), None)


def with_member(settings: RoomSettings, account_id: bytes, role: Role) -> RoomSettings:
    """The settings with an account in this role, whether it was a member before or not.

    Raises:
        RejectedError: ROOM-BANNED, the account is banned; ROOM-FULL.
    """
    if is_banned(settings, account_id):
        raise RejectedError("ROOM-BANNED", "a banned account is no member")
    index = _member_index(settings, account_id)
    after = index + _is_at(settings, index, account_id)
    members = (*settings.members[:index], MemberRole(account_id, role), *settings.members[after:])
    if len(members) > MAX_MEMBERS:
        raise RejectedError("ROOM-FULL", f"a room has at most {MAX_MEMBERS} accounts")
    return dataclasses.replace(settings, members=members)


def without_member(settings: RoomSettings, account_id: bytes) -> RoomSettings:
    """The settings without an account; the same settings if it is no member."""
    index = _member_index(settings, account_id)
    if not _is_at(settings, index, account_id):
        return settings
    return dataclasses.replace(settings, members=settings.members[:index] + settings.members[index + 1 :])


def with_banned(settings: RoomSettings, account_id: bytes) -> RoomSettings:
    """The settings with an account out of the room and unable to join again.

    Raises:
        RejectedError: ROOM-FULL, the list of the banned is.
    """
    banned = tuple(sorted({*settings.banned, account_id}))
    if len(banned) > MAX_BANNED:
        raise RejectedError("ROOM-FULL", f"a room bans at most {MAX_BANNED} accounts")
    return dataclasses.replace(without_member(settings, account_id), banned=banned)


def without_banned(settings: RoomSettings, account_id: bytes) -> RoomSettings:
    """The settings with an account free to join again."""
    return dataclasses.replace(settings, banned=tuple(other for other in settings.banned if other != account_id))


def with_link(settings: RoomSettings, link: RoomLink) -> RoomSettings:
    """The settings with a link, in place of one with the same id.

    Raises:
        RejectedError: ROOM-FULL, the list of links is.
    """
    links = sorted([*(other for other in settings.links if other.id != link.id), link], key=lambda each: each.id)
    if len(links) > MAX_LINKS:
        raise RejectedError("ROOM-FULL", f"a room has at most {MAX_LINKS} links")
    return dataclasses.replace(settings, links=tuple(links))


def without_link(settings: RoomSettings, link_id: bytes) -> RoomSettings:
    """The settings without a link: who still holds it cannot join by it."""
    return dataclasses.replace(settings, links=tuple(link for link in settings.links if link.id != link_id))


def _member_index(settings: RoomSettings, account_id: bytes) -> int:
    return bisect.bisect_left(settings.members, account_id, key=lambda member: member.account_id)


def _is_at(settings: RoomSettings, index: int, account_id: bytes) -> bool:
    return index < len(settings.members) and settings.members[index].account_id == account_id
