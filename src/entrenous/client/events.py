"""What a front end is told unasked: one frozen class per event, each with a sentence for people.

Every event is told after what it tells of is on disk, so a front end that missed some reads the store again.
"""

from dataclasses import dataclass

from entrenous.client.views import Message, MessageState


class Event:
    """The base of all events."""

    __slots__ = ()

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ConnectionChanged(Event):
    """The connection to the server came up or went down.

    Attributes:
        reason: why it went down; empty when it is up.
        retry_in: seconds until the next attempt; None when it is up, or when there will be none.
    """

    is_connected: bool
    reason: str = ""
    retry_in: float | None = None

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        if self.is_connected:
            return "Connected."
        if self.retry_in is None:
            return f"Not connected: {self.reason}."
        return f"Not connected: {self.reason}. Trying again in {self.retry_in:.0f} s."


@dataclass(frozen=True, slots=True)
class MessageArrived(Event):
    """A line was added to a room's timeline by somebody's message, an own one of another moment included."""

    message: Message

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"{self.message.sender_name}: {self.message.text}"


@dataclass(frozen=True, slots=True)
class MessageStateChanged(Event):
    """An own message was stored by the server, or finally failed.

    Attributes:
        sequence: its place in the log, once the server has told it.
        reason: why it failed; empty otherwise.
    """

    room: bytes
    message_id: bytes
    state: MessageState
    sequence: int | None = None
    reason: str = ""

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        if self.state is MessageState.FAILED:
            return f"A message was not sent: {self.reason}."
        return "Sent." if self.state is MessageState.SENT else "Sending."


@dataclass(frozen=True, slots=True)
class RoomJoined(Event):
    """This device is in a room it was not in before."""

    room: bytes
    name: str
    inviter_name: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"{self.inviter_name} added you to {self.name}."


@dataclass(frozen=True, slots=True)
class BlockChanged(Event):
    """A person has blocked an account, or no longer does."""

    account: bytes
    name: str
    is_blocked: bool

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        if self.is_blocked:
            return f"{self.name} is blocked: invitations by {self.name} are refused. Rooms that you share stay."
        return f"{self.name} is no longer blocked."


@dataclass(frozen=True, slots=True)
class RoomChanged(Event):
    """A room's settings, members or keys changed: whoever shows them reads them again."""

    room: bytes
    name: str
    epoch: int

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"{self.name} changed."


@dataclass(frozen=True, slots=True)
class MemberJoined(Event):
    """An account was added to a room."""

    room: bytes
    account: bytes
    name: str
    by_name: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"{self.by_name} added {self.name}."


@dataclass(frozen=True, slots=True)
class MemberRemoved(Event):
    """An account was removed from a room."""

    room: bytes
    account: bytes
    name: str
    by_name: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"{self.by_name} removed {self.name}."


@dataclass(frozen=True, slots=True)
class RemovedFromRoom(Event):
    """This account was removed from a room; its keys are deleted, what was read stays."""

    room: bytes
    name: str
    by_name: str

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"{self.by_name} removed you from {self.name}. What you have read stays on this device."


@dataclass(frozen=True, slots=True)
class EventsMissed(Event):
    """A subscriber read too slowly, and ``count`` events were dropped: read the store again."""

    count: int

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return f"{self.count} notices were skipped."
