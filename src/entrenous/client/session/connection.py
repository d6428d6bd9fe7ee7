"""One connection to the server: bytes from the transport through the channel, calls and events out.

It knows nothing of accounts: who logs in, and when to connect again, is for its owner to decide.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

from entrenous.channel import ClientConnection, HandshakeFinished, MessageReceived, Suite
from entrenous.client.environment import Environment
from entrenous.client.session.calls import Calls
from entrenous.client.session.timings import MOMENT, Timings
from entrenous.errors import EntrenousError, MalformedError, UnavailableError
from entrenous.identity import ServerIdentity
from entrenous.wire import EVENT_NUMBER, decode_from_server, limits, replies, requests
from entrenous.wire.events import AnyEvent

R = TypeVar("R", bound=replies.Reply)

#: Calls in flight at once; more wait for their turn.
MAX_IN_FLIGHT = 16


class Connection(asyncio.Protocol):
    """An open channel with numbered calls. Made by ``open_connection``.

    Attributes:
        closed: resolves, with the reason, when the connection has ended for whatever reason.
        last_received: when bytes last came, in the loop's time.
        last_sent: when bytes last went.
    """

    def __init__(
        self,
        channel: ClientConnection,
        environment: Environment,
        on_event: Callable[[AnyEvent], None],
        timings: Timings,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._environment = environment
        self._on_event = on_event
        self._timings = timings
        self._calls = Calls()
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._transport: asyncio.Transport | None = None
        self._flush_scheduled = False
        self._is_paused = False
        self._finished: asyncio.Future[HandshakeFinished | None] = self._loop.create_future()
        self.closed: asyncio.Future[EntrenousError] = self._loop.create_future()
        self.last_received = self.last_sent = self._loop.time()

    # What the owner uses.

    async def opened(self) -> None:
        """Wait for the end of the handshake.

        Raises:
            RejectedError: the server is not the one that is pinned, or breaks another rule of the channel.
            MalformedError, CryptoError: it does not speak our protocol.
            UnavailableError: it went away.
        """
        if await asyncio.shield(self._finished) is None:
            raise self.closed.result()

    @property
    def handshake_hash(self) -> bytes:
        """The channel binding that logins sign."""
        return self._channel.handshake_hash

    @property
    def suite(self) -> Suite:
        """The suite of the channel."""
        return self._channel.suite

    @property
    def peer(self) -> ServerIdentity:
        """Whom the server's certificate speaks for; a handshake that finished has one."""
        return cast("ServerIdentity", self._channel.peer)

    @property
    def in_flight(self) -> int:
        """Calls that wait for their answer."""
        return len(self._calls)

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return self.closed.done()

    def expired(self) -> bool:
        """Whether the channel's keys are so old that a new connection should take its place."""
        return self._channel.expired(self._environment.clock.now())

    def expect_large_answers(self) -> None:
        """From a login on, the server may answer with as much as the protocol allows."""
        self._channel.max_message = limits.MAX_FRAME

    async def call(self, request: requests.Request, expected: type[R]) -> R:
        """Ask and wait for the answer.

        Args:
            request: what to ask.
            expected: ``request.REPLY``, given again so that the answer has its type.

        Raises:
            RefusedError: the server refused it; ConflictError and StaleError are two kinds of it.
            UnavailableError: no answer came; the server may or may not have acted on it.
        """
        async with self._slots:
            if self.closed.done():
                raise UnavailableError(f"not connected: {self.closed.result()}")
            data, answer = self._calls.start(request, expected)
            self._channel.send_message(data)
            self._schedule_flush()
            try:
                return await self._wait(answer, len(data))
            finally:
                answer.cancel()

    def close(self, reason: str = "closed here") -> None:
        """Say goodbye and end. Repeating it does no harm."""
        if not self.closed.done():
            self._channel.close()
            self._end(UnavailableError(reason))

    def abort(self, reason: str) -> None:
        """End without a goodbye, which nobody would hear. Repeating it does no harm."""
        transport = self._transport
        self._end(UnavailableError(reason))
        if transport is not None:
            transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface and the first handshake message."""
        self._transport = cast("asyncio.Transport", transport)
        if self.closed.done():
            self._transport.abort()
            return
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take bytes and do what they say."""
        self.last_received = self._loop.time()
        self._channel.receive_data(data, self._environment.clock.now())
        self._pump()

    def eof_received(self) -> None:
        """Nothing more will come; the channel tells whether that was said before."""
        self._channel.eof_received()
        self._pump()

    def connection_lost(self, error: Exception | None) -> None:
        """The transport is gone."""
        self._transport = None
        self._end(UnavailableError(f"the connection was lost{f': {error}' if error else ''}"))

    def pause_writing(self) -> None:
        """The transport is full: what is queued stays in the channel, and calls in flight are few."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """The transport has room again."""
        self._is_paused = False
        self._flush()

    # Inside.

    async def _wait(self, answer: asyncio.Future[R], size: int) -> R:
        """Wait as long as there is hope: silence ends it, and so does ``call_most``."""
        started = self._loop.time()
        patience = started + self._timings.call + size / self._timings.slowest
        while not answer.done():
            deadline = max(patience, self.last_received + self._timings.call)
            deadline = min(deadline, started + self._timings.call_most)
            left = deadline - self._loop.time()
            if left <= 0:
                # Answers come in order: behind this one all others would wait too.
                self.abort(f"the server did not answer for {self._loop.time() - started:.0f} s")
                break
            await asyncio.wait((answer,), timeout=max(left, MOMENT))
        return await answer

    def _pump(self) -> None:
        try:
            while not self.closed.done() and (event := self._channel.next_event()) is not None:
                if isinstance(event, MessageReceived):
                    self._take(event.data)
                elif isinstance(event, HandshakeFinished):
                    self._finished.set_result(event)
                else:
                    self._end(UnavailableError("the server closed the connection"))
        except MalformedError as error:
            self._channel.close()  # in the channel itself it is closed already
            self._end(error)
        except EntrenousError as error:
            self._end(error)

    def _take(self, data: bytes) -> None:
        number, body = decode_from_server(data)
        if number == EVENT_NUMBER:
            self._on_event(cast("AnyEvent", body))
        else:
            self._calls.answer(number, body)

    def _schedule_flush(self) -> None:
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """One write per turn of the loop, however many calls were made in it."""
        self._flush_scheduled = False
        if self._transport is None or self._is_paused:
            return
        data = self._channel.data_to_send(self._environment.clock.now())
        if data:
            self.last_sent = self._loop.time()
            self._transport.write(data)

    def _end(self, reason: EntrenousError) -> None:
        if self.closed.done():
            return
        self.closed.set_result(reason)
        if not self._finished.done():
            self._finished.set_result(None)
        self._calls.fail(f"the connection ended before the answer came: {reason}")
        if self._transport is not None:
            self._is_paused = False  # the goodbye or the alert may wait in the transport
            self._flush()
            self._transport.close()
