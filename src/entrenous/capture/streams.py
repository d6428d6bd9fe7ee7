"""TCP connections out of segments: each direction's bytes in order, with the times at which they passed."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from entrenous.capture.packets import Endpoint, Segment

#: Sequence numbers are counted modulo this, and half of it ahead is behind.
_MODULUS = 1 << 32


@dataclass(slots=True)
class Stream:
    """One direction of a connection.

    Attributes:
        data: its bytes, as far as there is no gap.
        waiting: a heap of what came after a gap, with its place and time; left over, the capture has lost something.
    """

    data: bytearray = field(default_factory=bytearray, repr=False)
    waiting: list[tuple[int, float, bytes]] = field(default_factory=list, repr=False)
    _start: int | None = None
    _places: list[int] = field(default_factory=list, repr=False)
    _times: list[float] = field(default_factory=list, repr=False)

    @property
    def has_gap(self) -> bool:
        """Whether bytes are missing that others came after."""
        return bool(self.waiting)

    def begin(self, sequence: int) -> None:
        """The number of the first byte, of a SYN or of the first segment that was seen."""
        if self._start is None:
            self._start = sequence

    def add(self, segment: Segment) -> None:
        """A segment with bytes: in order, early, or again."""
        self.begin(segment.sequence)
        place = self._place(segment.sequence)
        if place + len(segment.payload) <= len(self.data):
            return
        heappush(self.waiting, (place, segment.time, segment.payload))
        while self.waiting and self.waiting[0][0] <= len(self.data):
            place, time, payload = heappop(self.waiting)
            fresh = payload[len(self.data) - place :]
            if fresh:
                self._places.append(len(self.data))
                self._times.append(time)
                self.data += fresh

    def time_at(self, place: int) -> float:
        """When the byte at ``place`` passed, in unix seconds."""
        return self._times[max(bisect_right(self._places, place) - 1, 0)]

    def _place(self, sequence: int) -> int:
        # Streams of over 4 GiB: the number nearest to where we are.
        start = self._start or 0
        ahead = (sequence - start - len(self.data)) % _MODULUS
        return len(self.data) + (ahead if ahead < _MODULUS // 2 else ahead - _MODULUS)


@dataclass(slots=True)
class TcpConnection:
    """One TCP connection.

    Attributes:
        client: who opened it.
        began, ended: unix seconds of the first and the last segment.
        is_over: whether either side ended it.
    """

    client: Endpoint
    server: Endpoint
    began: float
    ended: float
    is_over: bool = False
    from_client: Stream = field(default_factory=Stream)
    from_server: Stream = field(default_factory=Stream)

    def take(self, segment: Segment) -> None:
        """One of its segments."""
        self.ended = segment.time
        self.is_over = self.is_over or segment.ends
        stream = self.from_client if segment.source == self.client else self.from_server
        if segment.syn:
            stream.begin(segment.sequence + 1)
        elif segment.payload:
            stream.add(segment)


def connections(segments: Iterable[Segment]) -> list[TcpConnection]:
    """The connections of a capture, by their beginning. Of one whose SYN is missing, who speaks first is the client."""
    found: list[TcpConnection] = []
    current: dict[frozenset[Endpoint], TcpConnection] = {}
    for segment in segments:
        ends = frozenset((segment.source, segment.target))
        connection = current.get(ends)
        opens = segment.syn and not segment.ack
        if connection is None or (opens and (connection.from_client.data or connection.from_server.data)):
            if not opens and not segment.syn and not segment.payload:
                continue  # The end of something whose beginning is not here.
            answers = segment.syn and segment.ack
            client, server = (segment.target, segment.source) if answers else (segment.source, segment.target)
            connection = current[ends] = TcpConnection(client, server, segment.time, segment.time)
            found.append(connection)
        connection.take(segment)
    return found
