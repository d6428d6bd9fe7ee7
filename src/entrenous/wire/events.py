"""What the server says unasked. Every event is a hint: the log is the truth, and a lost event only delays."""

from entrenous.wire.types import Entry, RoomId, Sequence, Shape


class Event(Shape, frozen=True):
    """The base of all events."""


class NewEntry(Event, frozen=True, tag=1):
    """An entry was appended to a room's log; the same bytes go to every member's connection."""

    room: RoomId
    entry: Entry


class LogAdvanced(Event, frozen=True, tag=2):
    """The log moved on and this connection was too slow to be sent all of it: fetch from the cursor."""

    room: RoomId
    newest: Sequence


class InboxChanged(Event, frozen=True, tag=3):
    """A Welcome waits in this device's inbox."""


class GoingAway(Event, frozen=True, tag=4):
    """The server is about to close this connection; ``reason`` is for people."""

    reason: str


AnyEvent = NewEntry | LogAdvanced | InboxChanged | GoingAway
