"""One room's log as its members hear it: every entry once and in order, for each of them, or the measurement fails.

All members of a room are sent the same bytes in the same order. Whoever hears an entry first has it parsed; what the
others hear is compared with that, byte for byte, which costs next to nothing and misses nothing.
"""

from bisect import bisect_right
from dataclasses import dataclass

from entrenous.errors import EntrenousError, UsageError
from entrenous.wire import EVENT_NUMBER, decode_from_server
from entrenous.wire.events import NewEntry

#: Bytes of a message's length.
_LENGTH = 4


@dataclass(frozen=True, slots=True)
class _Step:
    """What was heard in one go, after so many bytes of the log: up to where, and how many entries that is in all."""

    start: int
    said: bytes
    end: int
    heard: int


_NO_STEP = _Step(-1, b"", -1, 0)


class Ledger:
    """The log of one room, from one measurement to the next.

    Args:
        room: the room's id.
        members: how many hear it.
    """

    def __init__(self, room: bytes, members: int) -> None:
        self.room = room
        self._members = members
        self._sequence = 0
        #: Those entries, and where each ends.
        self._stream = bytearray()
        self._ends: list[int] = []
        #: Of each entry, when it was due and whose it is.
        self._entries: list[tuple[float, int]] = []
        #: Messages that nobody has heard yet.
        self._sent: dict[bytes, tuple[float, int]] = {}
        self._said = 0
        self._acknowledged: dict[bytes, int] = {}
        self._places: dict[bytes, int] = {}
        #: How many members stand before each entry; all have heard what is before ``_done``.
        self._standing = [members]
        self._done = 0
        self._heard: list[tuple[float, int, int]] = []
        #: What somebody heard last: most hear it next.
        self._step = _NO_STEP

    @property
    def open(self) -> int:
        """Messages that somebody has not heard, and those that are not acknowledged."""
        return 2 * self._said - self._done - len(self._acknowledged)

    @property
    def progress(self) -> int:
        """How often somebody has heard something."""
        return len(self._heard)

    def sent(self, message_id: bytes, due: float, sender: int) -> None:
        """A message is on its way, by the member ``sender``."""
        self._sent[message_id] = (due, sender)
        self._said += 1

    def acknowledged(self, message_id: bytes, sequence: int) -> None:
        """The server says that a message is stored, and where."""
        self._acknowledged[message_id] = sequence

    def hear(self, place: "Place", piece: bytes | memoryview, now: float) -> list[int]:
        """One member hears the next bytes of events; returns whose messages all have heard now.

        Raises:
            UsageError: it is not what comes next in this room's log.
        """
        step = self._step
        if step.start != place.offset or step.said != piece:
            step = self._step = self._compared(place, bytes(piece))
        place.offset = step.end
        before, heard = place.heard, step.heard
        if heard == before:
            return []
        place.heard = heard
        self._heard.append((now, before, heard))
        standing = self._standing
        standing[heard] += 1
        standing[before] -= 1
        return [] if standing[self._done] else self._finished()

    def _compared(self, place: "Place", piece: bytes) -> "_Step":
        """What a member says that he heard next is what others have heard there, or what is due."""
        start, end = place.offset, place.offset + len(piece)
        known = len(self._stream)
        if not self._stream.startswith(piece[: known - start], start):
            raise UsageError(f"a member heard something else than others at entry {place.heard}")
        if end > known:
            self._stream += piece[known - start :]
            self._parse()
        return _Step(start, piece, end, bisect_right(self._ends, end, place.heard))

    def settle(self) -> tuple[int, list[float]]:
        """End a measurement: how many messages there were, and the seconds that each delivery took.

        Raises:
            UsageError: somebody did not hear a message once, or the server's word does not hold.
        """
        if self.open or self._standing[-1] != self._members:
            raise UsageError("a message was not delivered to all, or not acknowledged")
        if self._acknowledged != self._places:
            raise UsageError("the server acknowledged messages with places that they do not have")
        dues = [due for due, _ in self._entries]
        took = [now - due for now, first, end in self._heard for due in dues[first:end]]
        messages = len(self._entries)
        for each in (self._stream, self._ends, self._entries, self._acknowledged, self._places, self._heard):
            each.clear()
        self._standing, self._done, self._said, self._step = [self._members], 0, 0, _NO_STEP
        return messages, took

    def _finished(self) -> list[int]:
        before = self._done
        while self._done < len(self._ends) and not self._standing[self._done]:
            self._done += 1
        return [sender for _, sender in self._entries[before : self._done]]

    def _parse(self) -> None:
        """Read the entries that nobody had heard before."""
        stream = self._stream
        start = self._ends[-1] if self._ends else 0
        while (body := start + _LENGTH) <= len(stream):
            end = body + int.from_bytes(stream[start:body], "big")
            if end > len(stream):
                return
            self._take(bytes(stream[body:end]))
            self._ends.append(end)
            self._standing.append(0)
            start = end

    def _take(self, message: bytes) -> None:
        try:
            number, event = decode_from_server(message)
        except EntrenousError as error:
            raise UsageError(f"the server said what is no event: {error}") from error
        if number != EVENT_NUMBER or not isinstance(event, NewEntry) or event.room != self.room:
            raise UsageError(f"the server said {event} where an entry of the room was due")
        entry = event.entry
        self._sequence += 1
        if entry.sequence != self._sequence or entry.message_id not in self._sent:
            raise UsageError(f"entry {entry.sequence} came where {self._sequence} was due, or twice")
        self._places[entry.message_id] = entry.sequence
        self._entries.append(self._sent.pop(entry.message_id))


class Place:
    """Where one member stands in a ledger: entries heard, and bytes of them."""

    __slots__ = ("heard", "offset")

    def __init__(self) -> None:
        self.heard = 0
        self.offset = 0
