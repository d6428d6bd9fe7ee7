"""A client with nothing above the wire: a channel and numbered requests, as many at once as its owner likes."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast

from entrenous.channel import HYBRID, ClientConnection, HandshakeFinished, MessageReceived
from entrenous.crypto import Entropy
from entrenous.errors import EntrenousError, UnavailableError
from entrenous.server import Clock
from entrenous.wire import EVENT_NUMBER, decode_from_server, encode_call, replies, requests
from entrenous.wire.limits import MAX_FRAME

R = TypeVar("R", bound=replies.Reply)


class Line(asyncio.Protocol):
    """One connection.

    Attributes:
        channel: the client's side of it.
        secured: resolves with the end of the handshake.
        lost: set when the connection is gone.
        transport: what carries it.
        answered: called once per reply, with the number of the request.
    """

    channel: ClientConnection

    def __init__(self, pin: bytes, clock: Clock, entropy: Entropy) -> None:
        self.channel = self._open_channel(pin, clock, entropy)
        self.secured: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = asyncio.Event()
        self.transport: asyncio.Transport
        self.answered: Callable[[int], None] | None = None
        self._clock = clock
        self._number = 0
        self._calls: dict[int, asyncio.Future[Any]] = {}

    def _open_channel(self, pin: bytes, clock: Clock, entropy: Entropy) -> ClientConnection:
        """The client's side of the channel."""
        return ClientConnection(HYBRID, pin=pin, entropy=entropy, now=clock.now())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first handshake message."""
        # uvloop's transports do not derive from asyncio's class.
        self.transport = cast("asyncio.Transport", transport)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is open."""
        self.lost.set()
        error = UnavailableError(f"the server closed the connection: {exc or 'no reason'}")
        for future in (self.secured, *self._calls.values()):
            if not future.done():
                future.set_exception(error)
                future.exception()

    def data_received(self, data: bytes) -> None:
        """Take replies; what the server says unasked is not for us."""
        self.channel.receive_data(data, self._clock.now())
        try:
            while (event := self.channel.next_event()) is not None:
                match event:
                    case HandshakeFinished():
                        self.channel.max_message = MAX_FRAME
                        self.secured.set_result(None)
                    case MessageReceived(data=message):
                        self._take(message)
                    case _:
                        self.transport.close()
        except EntrenousError:
            self.transport.abort()

    def send(self, request: requests.Request) -> int:
        """Queue a request; returns its number. Nobody waits for the reply."""
        self._number += 1
        self.channel.send_message(encode_call(self._number, request))
        return self._number

    def flush(self) -> None:
        """Write what is queued."""
        self.transport.write(self.channel.data_to_send(self._clock.now()))

    async def call(self, request: requests.Request, expected: type[R]) -> R:
        """Ask and wait.

        Raises:
            UnavailableError: the reply is a refusal, or none came.
        """
        future = asyncio.get_running_loop().create_future()
        self._calls[self.send(request)] = future
        self.flush()
        reply = await future
        if not isinstance(reply, expected):
            raise UnavailableError(f"{type(request).__name__} was answered with {reply}")
        return reply

    def _take(self, message: bytes) -> None:
        number, body = decode_from_server(message)
        if number == EVENT_NUMBER:
            return
        waiting = self._calls.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(body)
        elif self.answered is not None:
            self.answered(number)
