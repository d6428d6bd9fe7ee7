"""Events that tell a person that not all is as it should be: by the server's doing, by a member's, or by another key.

Each says what was seen and what follows from it; whose doing it was is said only where that is proved. What was lost is
told in ``losses``.
"""

from dataclasses import dataclass

from entrenous.client.events import Event
from entrenous.mls.group import DIVERGING_RULES

#: Names in one sentence.
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class InvitationRefused(Event):
    """Somebody, or the server, wanted this device in a room in a way that is not to be believed. Nothing changed.

    Attributes:
        rule: a row of docs/spec/conformance.md; JOIN-WITHDRAWN where the server says that nobody wants it any more.
    """

    room: bytes
    rule: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        if self.rule == "JOIN-WITHDRAWN":
            return "An invitation to a room was taken back before this device could accept it."
        if self.rule == "JOIN-BLOCKED":
            return "Somebody whom you have blocked wanted to add you to a room. You are not in it."
        if self.rule == "JOIN-STATE":
            return (
                "This device could not get into a room that it was added to: what the server keeps of the room is of "
                "no use. Have an admin there remove you and invite you again."
            )
        return f"An invitation to a room was refused ({self.rule}). Ask who invited you to do it again."


@dataclass(frozen=True, slots=True)
class InvitationDelayed(Event):
    """This device was added to a room and cannot get in yet: what the server keeps of the room does not lead there."""

    room: bytes

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return (
            "You were added to a room, but what the server gives out about it does not let this device in yet. It "
            "tries again for a while."
        )


@dataclass(frozen=True, slots=True)
class CommitRefused(Event):
    """A member sent a Commit that breaks a rule; it changed nothing, for any honest member.

    Attributes:
        sender_name: empty where the Commit does not even tell who sent it.
        rule: a row of docs/spec/conformance.md.
    """

    room: bytes
    sequence: int
    sender_name: str
    rule: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        sender = self.sender_name or "an unknown sender"
        if self.rule in DIVERGING_RULES:
            return f"This device could not follow a change by {sender} ({self.rule}). If others can, you will be told."
        return f"A change by {sender} was refused ({self.rule}). Nothing changed."


@dataclass(frozen=True, slots=True)
class RosterDiffers(Event):
    """The server's roster of a room is not what its members agreed on, by a refused Commit or by the server's doing.

    Attributes:
        strangers: names of accounts that it counts there and nobody has added; it was told that they are not there.
        missing: names of members that it does not count there.
    """

    room: bytes
    name: str
    strangers: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        parts = [f"The server was wrong about who is in {self.name}."]
        if self.strangers:
            parts.append(
                f"It sent {_listed(self.strangers)} what is said there, whom nobody there has added: it was told to "
                "stop, and nothing of it could be read."
            )
        if self.missing:
            parts.append(f"It leaves out {_listed(self.missing)}: remove and invite again whom it leaves out.")
        if not self.strangers and not self.missing:
            parts.append("It was told who manages the room.")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class LogsDiffer(Event):
    """Two members were shown different logs by the server, or this device's log contradicts itself.

    Attributes:
        sequence: the first place known to differ.
        witness_name: who saw something else there.
    """

    room: bytes
    sequence: int
    witness_name: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return (
            f"The server showed us different logs: at entry {self.sequence}, {self.witness_name} saw another one than "
            "this device. Messages may be missing. Ask the people in this room what they see."
        )


@dataclass(frozen=True, slots=True)
class MembershipDenied(Event):
    """The server says that this device is not in a room any more, and no member has said so."""

    room: bytes
    name: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return (
            f"The server says that you are not in {self.name} any more, but this device has seen nobody remove you. "
            "Ask the people there."
        )


@dataclass(frozen=True, slots=True)
class ServerChanged(Event):
    """The server has a new identity key, proved by the former one; or it has forgotten what this device stored there.

    Attributes:
        fingerprint: of the new key, in hexadecimal; empty where the key stayed.
    """

    fingerprint: str = ""

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        if self.fingerprint:
            return f"The server has a new identity key, confirmed by the old one: {self.fingerprint}."
        return "The server was set back to an older state: it has forgotten changes that this device made there."


@dataclass(frozen=True, slots=True)
class IdentityChanged(Event):
    """An account shows another identity key than this profile trusts. Sending to its rooms waits for a decision."""

    account: bytes
    name: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return (
            f"{self.name} has a new identity key. It may be a new start on another device, or somebody else. Messages "
            f"to rooms with {self.name} are held back until you accept the new key."
        )


def _listed(names: tuple[str, ...]) -> str:
    """Some names, for people."""
    shown = list(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        shown.append(f"{len(names) - _MOST_NAMES} others")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
