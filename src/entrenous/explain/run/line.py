"""A client's connection to the server: both ends of the real channel, and every byte that passed between them."""

from dataclasses import dataclass
from typing import TypeVar

from entrenous.channel import (
    ClientConnection,
    Connection,
    Event,
    MessageReceived,
    ServerConnection,
    ServerCredential,
    Suite,
)
from entrenous.crypto import Entropy
from entrenous.errors import UsageError
from entrenous.explain.run.recorder import Draws, Recorder
from entrenous.wire import decode_call, decode_from_server, encode_answer, encode_call, encode_event
from entrenous.wire.events import Event as ServerEvent
from entrenous.wire.replies import Reply
from entrenous.wire.requests import Request
from entrenous.wire.types import Shape

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Reply)
E = TypeVar("E", bound=ServerEvent)
S = TypeVar("S", bound=Shape)


@dataclass(frozen=True, slots=True)
class Sent:
    """One write of one side.

    Attributes:
        wire: the bytes on the network.
        message: the channel message inside; b"" in the handshake.
        number: of its record under the key, from 1; 0 in the handshake.
    """

    from_client: bool
    wire: bytes
    message: bytes
    number: int


class Line:
    """A client and a server that are joined by nothing but bytes.

    Args:
        suite: of the channel.
        credentials: the server's, by suite.
        pin: the server id that the client insists on.
        entropy: of both.
        now: unix seconds.
    """

    def __init__(
        self, suite: Suite, credentials: dict[int, ServerCredential], *, pin: bytes, entropy: Entropy, now: int
    ) -> None:
        self.suite = suite
        self.now = now
        self.client_draws, self.server_draws = Draws(entropy), Draws(entropy)
        self.client_trace, self.server_trace = Recorder(), Recorder()
        self.client = ClientConnection(suite, pin=pin, entropy=self.client_draws, now=now, trace=self.client_trace)
        self.server = ServerConnection(credentials, entropy=self.server_draws, now=now, trace=self.server_trace)
        self.sent: list[Sent] = []
        self._calls = 0

    def shake_hands(self) -> tuple[bytes, bytes]:
        """Both handshake messages as they went over the network: the client's with its preface, the server's.

        Raises:
            CryptoError, MalformedError, RejectedError: one side refused the other.
        """
        first = self.pass_on(from_client=True)
        self._expect_event(self.server)
        second = self.pass_on(from_client=False)
        self._expect_event(self.client)
        return first, second

    def pass_on(self, *, from_client: bool, message: bytes = b"", number: int = 0) -> bytes:
        """Move what one side has to send to the other; returns it."""
        sender, receiver = (self.client, self.server) if from_client else (self.server, self.client)
        data = sender.data_to_send(self.now)
        self.sent.append(Sent(from_client, data, message, number))
        receiver.receive_data(data, self.now)
        return data

    def call(self, request: Q) -> tuple[Sent, Q]:
        """Send a request; returns what went over the network, and the request as the server read it."""
        self._calls += 1
        message = encode_call(self._calls, request)
        sent = self._send(message, from_client=True)
        return sent, _same_kind(decode_call(self._received(self.server))[1], request)

    def answer(self, reply: R) -> tuple[Sent, R]:
        """Answer the last call; returns what went over the network, and the reply as the client read it."""
        sent = self._send(encode_answer(self._calls, reply), from_client=False)
        return sent, _same_kind(decode_from_server(self._received(self.client))[1], reply)

    def tell(self, event: E) -> tuple[Sent, E]:
        """Send an event to the client; returns what went over the network, and the event as the client read it."""
        sent = self._send(encode_event(event), from_client=False)
        return sent, _same_kind(decode_from_server(self._received(self.client))[1], event)

    def _send(self, message: bytes, *, from_client: bool) -> Sent:
        sender, trace = (self.client, self.client_trace) if from_client else (self.server, self.server_trace)
        sender.send_message(message)
        self.pass_on(from_client=from_client, message=message)
        number = trace.last_step("channel.record")["number"]
        last = self.sent[-1]
        self.sent[-1] = Sent(last.from_client, last.wire, message, int(number or 0))
        return self.sent[-1]

    def _received(self, side: Connection) -> bytes:
        event = self._expect_event(side)
        if not isinstance(event, MessageReceived):
            raise UsageError(f"a message was to come, not {event}")
        return event.data

    def _expect_event(self, side: Connection) -> Event:
        event = side.next_event()
        if event is None:
            raise UsageError("a message did not arrive whole")
        return event


def _same_kind(read: object, meant: S) -> S:
    """What the other side read.

    Raises:
        UsageError: it is not what was sent.
    """
    if type(read) is not type(meant) or read != meant:
        raise UsageError(f"a {type(meant).__name__} arrived as {read}")
    return read
