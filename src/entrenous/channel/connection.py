"""What both sides of the channel share: records in, events out, and one generic end for every failure.

    receive_data(bytes) ──> next_event() ──> events, or one error and CLOSED
    send_message(bytes) ──> data_to_send() ──> bytes for the network

A connection does no I/O and reads no clock. Times are unix seconds and come as arguments. How long a handshake or a
silence may last is for its owner to decide.
"""

from abc import ABC, abstractmethod
from enum import Enum

from entrenous.channel.buffer import ByteQueue
from entrenous.channel.events import Event, HandshakeFinished, MessageReceived, PeerClosed
from entrenous.channel.messages import MessageReader, message_header
from entrenous.channel.records import ALERT, Kind, RecordReader, RecordWriter, RekeyPolicy
from entrenous.channel.suites import Suite
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.identity import ServerIdentity
from entrenous.noise import HandshakeState
from entrenous.trace import SILENT, Trace

#: Seconds after which a connection should give way to a new one (protocol §1: "a new handshake at least daily").
MAX_AGE = 86_400
#: Bytes of the first handshake message that tell one connection from all others: they begin with a fresh public key.
OPENING_SIZE = 32


class State(Enum):
    """Where a connection stands."""

    HANDSHAKE = "handshake"
    OPEN = "open"
    CLOSING = "closing"  # close() was called, the last record is not out yet
    CLOSED = "closed"


#: Every legal move. Anything not listed here is a bug of ours; what a peer does wrong is the move "failed".
MOVES = {
    (State.HANDSHAKE, "finished"): State.OPEN,
    (State.HANDSHAKE, "failed"): State.CLOSED,
    (State.HANDSHAKE, "close"): State.CLOSED,
    (State.OPEN, "failed"): State.CLOSED,
    (State.OPEN, "close"): State.CLOSING,
    (State.OPEN, "peer closed"): State.CLOSED,
    (State.CLOSING, "failed"): State.CLOSED,
    (State.CLOSING, "flushed"): State.CLOSED,
    (State.CLOSING, "peer closed"): State.CLOSED,
}

#: What is asked for at every message: the class looks its members up anew each time.
_OPEN, _CLOSING = State.OPEN, State.CLOSING


class Connection(ABC):
    """One side of one channel; see ClientConnection and ServerConnection."""

    __slots__ = (
        "_clear",
        "_eof",
        "_first",
        "_handshake_hash",
        "_inbox",
        "_last_words",
        "_messages",
        "_now",
        "_opened_at",
        "_reader",
        "_rekey",
        "_rest",
        "_trace",
        "_writer",
        "allowance",
        "peer",
        "queued",
        "state",
    )

    def __init__(self, *, now: float, rekey: RekeyPolicy, trace: Trace) -> None:
        self.state = State.HANDSHAKE
        #: On the client, after HandshakeFinished: whom the server's certificate speaks for.
        self.peer: ServerIdentity | None = None
        #: Records that may still be opened; None is any number. Records cost time also where they carry nothing, so an
        #: owner that serves others sets this anew at each of the connection's turns.
        self.allowance: int | None = None
        self._now = now
        self._rekey = rekey
        self._trace = trace
        self._inbox = ByteQueue()
        self._messages = MessageReader()
        self._clear: list[bytes] = []  # handshake messages and the alert, which are no records
        # Framed plaintext, which is sealed when it is sent: mostly one piece, and a list for one piece costs its time.
        self._first: bytes | memoryview = b""
        self._rest: list[bytes | memoryview] = []
        #: Bytes of plaintext that wait for the next ``data_to_send``.
        self.queued = 0
        self._handshake_hash: bytes | None = None
        self._opened_at = now
        self._reader: RecordReader | None = None
        self._writer: RecordWriter | None = None
        self._eof = False
        self._last_words = ALERT

    @property
    def handshake_hash(self) -> bytes:
        """The channel binding: equal on both sides, and on no other channel.

        Raises:
            UsageError: the handshake is not finished.
        """
        if self._handshake_hash is None:
            raise UsageError("there is no handshake hash before the handshake is finished")
        return self._handshake_hash

    @property
    def max_message(self) -> int:
        """The longest message accepted from the peer, in bytes: 64 KiB at first, at most 8 MiB after login."""
        return self._messages.maximum

    @max_message.setter
    def max_message(self, maximum: int) -> None:
        self._messages.maximum = maximum

    @property
    def unread(self) -> int:
        """Bytes from the network that did not make a message yet."""
        return len(self._inbox) + len(self._messages)

    @property
    def has_output(self) -> bool:
        """Whether ``data_to_send`` has something for the network, beside a change of key."""
        return bool(self._clear or self.queued) or self.state is State.CLOSING

    def expired(self, now: float) -> bool:
        """Whether this connection is so old that its owner should make a new one."""
        return now - self._opened_at >= MAX_AGE

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes from the network. Never raises; ``next_event`` judges them."""
        self._now = now
        if self.state is not State.CLOSED and not self._eof:
            self._inbox += data

    def eof_received(self) -> None:
        """The network will bring no more. If the peer did not say goodbye, ``next_event`` tells in its turn."""
        self._eof = True

    def next_event(self) -> Event | None:
        """The next event; None until more bytes come, or until there is an allowance again.

        Raises:
            MalformedError, CryptoError: the peer sent what it must not.
            RejectedError: the same, or rule CHAN-ALERT: the peer gave up, or CHAN-TRUNCATED: the stream ended
                without a close. After any of them the connection is CLOSED and sends one alert.
        """
        if self.state is State.CLOSED:
            return None
        try:
            event = self._advance()
        except (MalformedError, RejectedError, CryptoError) as error:
            self._fail(type(error).__name__)
            raise
        if isinstance(event, PeerClosed):
            self._move("peer closed")
            self._forget()
        return event

    def send_message(self, data: bytes) -> None:
        """Queue one message.

        Raises:
            UsageError: the connection is not open, or ``data`` is over 8 MiB.
        """
        header = message_header(data)
        self.queue_framed(header)
        self.queue_framed(data)

    def queue_framed(self, data: bytes) -> None:
        """Queue whole messages that are already framed (``frame_message``), as a fan-out shares them.

        Raises:
            UsageError: the connection is not open.
        """
        if self.state is not _OPEN:
            raise self._not_open()
        if self.queued:
            self._rest.append(data)
        else:
            self._first = data
        self.queued += len(data)

    def send_padding(self, size: int, now: float) -> None:
        """Seal what is queued, then one record of ``size`` bytes that mean nothing.

        Raises:
            UsageError: the connection is not open, or no record can carry that much.
        """
        writer = self._writer
        if self.state is not State.OPEN or writer is None:
            raise self._not_open()
        self._clear += writer.data(b"".join(self._drain()), now), writer.padding(size, now)

    def data_to_send(self, now: float, most: int | None = None) -> bytes:
        """What to write now: queued messages in as few records as possible, keys changed when due.

        Args:
            now: unix seconds.
            most: bytes of messages to seal, for an owner that has others to serve meanwhile. What is left stays
                ``queued``, and a close waits behind it. None is everything.
        """
        writer = self._writer
        if writer is None:
            data = b""
        elif self._rest or (most is not None and self.queued > most):
            data = writer.data(b"".join(self._drain(most)), now)
        else:
            data = writer.data(self._first, now)
            self._first, self.queued = b"", 0
        if self._clear:
            data = b"".join((*self._clear, data))
            self._clear.clear()
        if self.state is _CLOSING and writer is not None and not self.queued:
            data += writer.close()
            self._move("flushed")
            self._forget()
        return data

    def close(self) -> None:
        """End the connection: what is queued still goes out, then the close record. Repeating it does no harm."""
        if self.state is State.HANDSHAKE:
            self._move("close")
            self._clear.clear()
            self._forget()
        elif self.state is State.OPEN:
            self._move("close")

    def _advance(self) -> Event | None:
        event = self._handshake() if self.state is State.HANDSHAKE else self._next_message()
        if event is None and self._eof and self.allowance != 0:
            raise RejectedError("CHAN-TRUNCATED", "the connection was cut off without a close")
        return event

    @abstractmethod
    def _handshake(self) -> HandshakeFinished | None:
        """Go on with the handshake as far as the inbox allows."""

    def _finish(self, suite: Suite, noise: HandshakeState, first_message: bytes) -> HandshakeFinished:
        if self._trace is not SILENT:
            # Whoever sees the connection on the network sees these bytes: a key log names it by them.
            self._trace.step("channel.split", suite=suite.number, opening=first_message[:OPENING_SIZE].hex())
        transport = noise.split()
        self._handshake_hash = noise.handshake_hash
        self._opened_at = self._now
        self._reader = RecordReader(transport.receiving, self._rekey, self._trace)
        self._writer = RecordWriter(transport.sending, self._rekey, self._trace)
        self._move("finished")
        return HandshakeFinished(noise.handshake_hash, suite.number, self.peer)

    def _next_message(self) -> MessageReceived | PeerClosed | None:
        while (message := self._messages.next_message()) is None:
            if self.allowance == 0 or self._reader is None:
                return None
            record = self._reader.next_record(self._inbox)
            if record is None:
                return None
            if self.allowance is not None:
                self.allowance -= 1
            if record.kind is Kind.CLOSE:
                if len(self._messages):
                    raise RejectedError("CHAN-TRUNCATED", "the peer closed in the middle of a message")
                return PeerClosed()
            if record.kind is Kind.DATA:
                self._messages += record.body
        return MessageReceived(message)

    def _not_open(self) -> UsageError:
        return UsageError(f"nothing can be sent on a connection that is {self.state.value}")

    def _drain(self, most: int | None = None) -> list[bytes | memoryview]:
        parts = [self._first, *self._rest]
        self._first, self._rest = b"", []
        if most is None or self.queued <= most:
            self.queued = 0
            return parts
        self.queued -= most
        for index, part in enumerate(parts):
            if len(part) > most:
                # A view: what is left of a large message is not copied at every turn.
                self._first, self._rest = memoryview(part)[most:], parts[index + 1 :]
                return [*parts[:index], memoryview(part)[:most]]
            most -= len(part)
        return parts

    def _fail(self, reason: str) -> None:
        """End the connection over the peer's doing. The alert is the same for every reason."""
        self._trace.step("channel.failed", state=self.state.value, error=reason)
        self._move("failed")
        self._forget()
        self._clear = [self._last_words]

    def _forget(self) -> None:
        """Drop keys, everything unsent and everything unread: a closed connection does nothing more."""
        self._reader = self._writer = None
        self._inbox.clear()
        self._messages.clear()
        self._drain()

    def _move(self, what: str) -> None:
        following = MOVES.get((self.state, what))
        if following is None:
            raise UsageError(f"a connection that is {self.state.value} cannot have {what!r}")
        self._trace.step("channel.state", before=self.state.value, after=following.value, move=what)
        self.state = following

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.state.value}, {self.queued} bytes queued)"
