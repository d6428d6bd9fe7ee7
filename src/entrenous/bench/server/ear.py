"""A member's connection, as cheap as it can be: records are opened, and what is in them goes to the room's ledger."""

import time
from collections.abc import Callable, Iterator

from entrenous.bench.line import Line
from entrenous.bench.server.ledger import Ledger, Place
from entrenous.channel import HYBRID, ClientConnection
from entrenous.channel.records import HEADER_SIZE, OVERHEAD, Kind
from entrenous.crypto import Entropy
from entrenous.errors import UsageError
from entrenous.server import Clock
from entrenous.wire import EVENT_NUMBER, decode_from_server, encode_call, replies, requests

#: Bytes of a message's length; the number of its call stands behind that and one more byte.
_LENGTH, _NUMBER_AT = 4, 5


class OpenChannel(ClientConnection):
    """A channel whose owner cuts the stream into messages himself."""

    def open_whole(self, data: bytes) -> bytes | None:
        """What one record of data carries, where ``data`` is that; None, and nothing has happened, where it is not."""
        length = len(data) - HEADER_SIZE
        if (
            self._inbox
            or self._reader is None
            or length < OVERHEAD
            or int.from_bytes(data[:HEADER_SIZE], "big") != length
        ):
            return None
        plaintext = self._reader.open(data[HEADER_SIZE:])
        if plaintext[0] == Kind.CLOSE:
            raise UsageError("the server has closed a connection")
        return plaintext[1:] if plaintext[0] == Kind.DATA else b""

    def pieces(self) -> Iterator[bytes]:
        """What the records carry that have arrived."""
        while self._reader is not None and (record := self._reader.next_record(self._inbox)) is not None:
            if record.kind is Kind.DATA:
                yield bytes(record.body)
            elif record.kind is Kind.CLOSE:
                raise UsageError("the server has closed a connection")


class Ear(Line):
    """One member of a room. ``listen`` begins it; before that it is a line as any other."""

    channel: OpenChannel

    def __init__(self, pin: bytes, clock: Clock, entropy: Entropy) -> None:
        super().__init__(pin, clock, entropy)
        self._ledger: Ledger | None = None
        self._place = Place()
        self._finished: Callable[[list[int]], None]
        self._talks = False
        self._rest = b""
        self._asked: dict[int, bytes] = {}

    def _open_channel(self, pin: bytes, clock: Clock, entropy: Entropy) -> ClientConnection:
        return OpenChannel(HYBRID, pin=pin, entropy=entropy, now=clock.now())

    def listen(self, ledger: Ledger, finished: Callable[[list[int]], None], *, talks: bool) -> None:
        """Hear what is said in a room from now on.

        Args:
            ledger: the room's.
            finished: told whose messages all have heard, as soon as that is so.
            talks: whether this member also talks, and so has replies among what it hears.
        """
        self._ledger, self._finished, self._talks = ledger, finished, talks

    def settled(self) -> None:
        """The ledger begins anew."""
        self._place = Place()

    def talk(self, message: requests.Publish, due: float, sender: int) -> None:
        """Queue a message; the caller flushes."""
        if self._ledger is None or not self._talks:
            raise UsageError("this member only listens")
        self._number += 1
        self._asked[self._number] = message.message_id
        self._ledger.sent(message.message_id, due, sender)
        self.channel.send_message(encode_call(self._number, message))

    def data_received(self, data: bytes) -> None:
        """Hear what has come, or take replies while nobody listens."""
        ledger = self._ledger
        if ledger is None:
            super().data_received(data)
            return
        if not self._talks:
            # Most of what a listener is sent comes one record a write.
            events = self.channel.open_whole(data)
            if events is not None:
                finished = ledger.hear(self._place, events, time.perf_counter())
                if finished:
                    self._finished(finished)
                return
        self.channel.receive_data(data, self._clock.now())
        for piece in self.channel.pieces():
            now = time.perf_counter()
            for events in self._cut(piece) if self._talks else (piece,):
                finished = ledger.hear(self._place, events, now)
                if finished:
                    self._finished(finished)

    def _cut(self, piece: bytes) -> Iterator[bytes]:
        """Take the replies out of what one who talks is sent; what is left are events."""
        data = self._rest + piece
        start = 0
        while (body := start + _LENGTH) <= len(data):
            end = body + int.from_bytes(data[start:body], "big")
            if end > len(data):
                break
            if data[start + _NUMBER_AT] == EVENT_NUMBER:
                yield data[start:end]
            else:
                self._take_reply(data[body:end])
            start = end
        self._rest = data[start:]

    def _take_reply(self, message: bytes) -> None:
        number, reply = decode_from_server(message)
        if not isinstance(reply, replies.Published) or self._ledger is None:
            raise UsageError(f"a message was answered with {reply}")
        self._ledger.acknowledged(self._asked.pop(number), reply.sequence)
