"""Events that tell a person what does not reach this device, or not any more: entries, messages, a room's next epoch.

As with ``alarms``, whose doing it was is said only where that is proved.
"""

from dataclasses import dataclass

from entrenous.client.events import Event


@dataclass(frozen=True, slots=True)
class LogShortened(Event):
    """The server's log of a room ends before what this device knows that it had: it was set back to an older state.

    Attributes:
        newest: the last entry that the server has.
        seen: the last entry that this device has processed, or was told that the server has stored.
        own_lost: messages of this device among those lost that others may have read already; marked as not sent.
        own_again: messages of this device that are sent again.
    """

    room: bytes
    name: str
    newest: int
    seen: int
    own_lost: int
    own_again: int

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        lost = _counted(self.seen - self.newest, "entry", "entries")
        parts = [f"The server was set back: it has lost {lost} of {self.name}."]
        if self.own_lost:
            parts.append(f"Marked as not sent: {_counted(self.own_lost, 'message', 'messages')} of yours.")
        if self.own_again:
            parts.append(f"Sent again: {_counted(self.own_again, 'message', 'messages')} of yours.")
        parts.append("Until it has as many again, what is said there may not reach everybody: better open a new room.")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class EntryUnreadable(Event):
    """An entry of the log could not be read; the room goes on. It stands in the timeline with this reason."""

    room: bytes
    sequence: int
    reason: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"A message could not be read: {self.reason}."


@dataclass(frozen=True, slots=True)
class MessagesMissing(Event):
    """A sender's messages are numbered, and some numbers are missing before entry ``sequence``.

    Attributes:
        count: messages of ``sender_name`` that this device was not shown.
    """

    room: bytes
    sequence: int
    sender_name: str
    count: int

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"{self.count} of {self.sender_name}'s messages did not reach this device: the server left them out."


@dataclass(frozen=True, slots=True)
class GapShown(Event):
    """The server no longer has what this device missed.

    Attributes:
        first_missing: the first entry that this device has not seen.
        first_available: the first entry that the server still has.
        has_other_admins: whether somebody else can bring this device back.
    """

    room: bytes
    name: str
    first_missing: int
    first_available: int
    has_other_admins: bool

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        lost = _counted(self.first_available - self.first_missing, "entry", "entries")
        return (
            f"Gone from the server: {lost} of {self.name}. To read and write there again, "
            f"{_way_back(has_other_admins=self.has_other_admins)}"
        )


@dataclass(frozen=True, slots=True)
class LeftBehind(Event):
    """An entry says that it is of a later epoch than this device is in: others followed a Commit which it could not.

    Attributes:
        sequence: of the entry; whether it is true is not known.
        has_other_admins: whether somebody else can bring this device back.
    """

    room: bytes
    name: str
    sequence: int
    has_other_admins: bool

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return (
            f"The people in {self.name} have gone on with keys that this device does not have, or the server makes it "
            f"look so. If you read nothing more there, {_way_back(has_other_admins=self.has_other_admins)}"
        )


def _counted(count: int, one: str, more: str) -> str:
    """A number of things, for people."""
    return f"{count} {one if count == 1 else more}"


def _way_back(*, has_other_admins: bool) -> str:
    """What somebody can do whose device cannot follow a room any more."""
    if has_other_admins:
        return "have an admin remove you and invite you again."
    return "open a new room: you are its only admin, and nobody else can bring you back."
