"""One TCP connection: bytes in, a channel, a session; what goes out is in ``sending``."""

import asyncio
from contextvars import ContextVar
from itertools import count
from typing import Any, cast

import structlog
from structlog.contextvars import STRUCTLOG_KEY_PREFIX

from entrenous.channel import (
    HandshakeFinished,
    MessageReceived,
    PeerClosed,
    ServerConnection,
    State,
)
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.server.network.deadlines import Deadlines
from entrenous.server.network.holding import SMALL
from entrenous.server.network.host import Host
from entrenous.server.network.sending import Outgoing
from entrenous.server.network.timers import Deadline
from entrenous.server.people.login import Binding
from entrenous.server.rates import address_key, network_key
from entrenous.server.sessions.session import Session
from entrenous.server.watching.counters import Count
from entrenous.server.watching.details import shows_details
from entrenous.trace import SILENT
from entrenous.wire import encode_event
from entrenous.wire.events import GoingAway

_log = structlog.get_logger(__name__)
_numbers = count(1)
#: Labels every line that is logged on behalf of a connection, from whatever layer. Under structlog's own name for it:
#: it is set for every read and every write, and setting a ContextVar costs less than structlog's function.
_connection: ContextVar[int] = ContextVar(f"{STRUCTLOG_KEY_PREFIX}connection")
#: The states in which the client's messages are still judged.
_LISTENING = (State.HANDSHAKE, State.OPEN)
_TOO_OLD = "this connection is a day old: connect again"


class ClientLink(asyncio.Protocol):
    """The server's end of a client's connection.

    Args:
        host: the server.
        address: where the client is, if a load balancer says so; else it is where the connection comes from.
    """

    __slots__ = (
        "_address",
        "_channel",
        "_counters",
        "_deadlines",
        "_had_to_wait",
        "_heard_at",
        "_host",
        "_known",
        "_limits",
        "_loop",
        "_number",
        "_session",
        "_transport",
        "_waits_for_turn",
        "outlet",
    )

    def __init__(self, host: Host, address: str | None = None) -> None:
        self._host = host
        self._limits = host.services.limits
        self._counters = host.services.counters
        self._loop = asyncio.get_running_loop()
        self._number = next(_numbers)
        self._transport: asyncio.Transport | None = None
        self._channel: ServerConnection | None = None
        self._session: Session | None = None
        self._address = address or ""
        self._known = False
        self._waits_for_turn = False
        self._had_to_wait = False
        self._heard_at = self._loop.time()
        self._deadlines = Deadlines(self._limits, self._counters, self)
        #: What goes out.
        self.outlet = Outgoing(self, host.flushes, is_traced=host.trace is not SILENT)

    @property
    def backlog(self) -> int:
        """Bytes queued that the client has not taken."""
        return self.outlet.backlog

    @property
    def is_known(self) -> bool:
        """Whether the client has logged in."""
        return self._known

    @property
    def account(self) -> bytes:
        """The account that the client has proved to be; b"" before."""
        return b"" if self._session is None else self._session.proved

    @property
    def silence(self) -> float:
        """Seconds since the client's last byte."""
        return self._loop.time() - self._heard_at

    @property
    def is_reading(self) -> bool:
        """Whether the client's bytes are taken."""
        return self._transport is not None and self._transport.is_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        # asyncio promises a streaming protocol such a transport; uvloop's does not derive from the class.
        transport = cast("asyncio.Transport", transport)
        peer: Any = transport.get_extra_info("peername")
        address = address_key(self._address or (str(peer[0]) if isinstance(peer, tuple) and peer else ""))
        reached = self._host.admission.enter(self, address)
        if reached is not None:
            self._host.reports.warn("connection.refused", limit=reached.value)
            transport.abort()
            return
        self._address, self._transport = address, transport
        self._host.connections.add(self)
        host = self._host
        self._channel = ServerConnection(host.credentials, entropy=host.entropy, now=host.clock.now(), trace=host.trace)
        self._channel.max_message = self._limits.message_bytes_before_login
        self.outlet.open(self._channel, transport)
        self.adopt_limits()
        self._deadlines.connected()
        if shows_details():
            _log.debug("connection.opened", connection=self._number)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._deadlines.clear()
        if self._channel is None:
            return
        self._channel = None
        self.outlet.lost()
        self._host.admission.leave(self)
        self._host.holdings.forget(self)
        self._host.connections.discard(self)
        if self._session is not None:
            self._session.close()
        if shows_details():
            _log.debug("connection.closed", connection=self._number, error=repr(exc) if exc else None)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._channel is None:
            return
        self._heard_at = self._loop.time()
        self._channel.receive_data(data, self._host.clock.now())
        if self._waits_for_turn:
            # Most say all that they have to say at once: only who goes on while he waits is not listened to meanwhile.
            self._throttle()
        self._advance()

    def eof_received(self) -> bool:
        """The client sends no more: it is gone."""
        if self._channel is not None:
            self._channel.eof_received()
            self._advance()
        return False

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        self._deadlines.stalled()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._deadlines.reads()
        self._advance()

    def send(self, message: bytes) -> None:
        """Queue one message."""
        self.outlet.send(message)

    def adopt_limits(self) -> None:
        """Go by limits that are not asked for each time."""
        self.outlet.limit(self._limits.reply_backlog)

    def label_log(self) -> None:
        """What is logged in the rest of this turn is logged on behalf of this connection."""
        _connection.set(self._number)

    def flushed(self, *, wrote: bool) -> None:
        """What was queued is written: count what is held, and go on with what waited for that, or end."""
        channel, transport, session = self._channel, self._transport, self._session
        if channel is None or transport is None:
            return
        size = self._size()
        is_busy = session is None or session.size or channel.unread or not transport.is_reading()
        self.outlet.at_rest = not is_busy and size < SMALL and channel.state is State.OPEN
        self._host.holdings.note(self, size)
        if channel.state is State.CLOSED:
            transport.close()
        elif wrote and not transport.is_reading():
            # What was queued may all have been taken at once, and then nothing else would wake us.
            self._advance()
        elif wrote and session is not None:
            # Nor the request that waited for this.
            session.resume()

    def logged_in(self) -> None:
        """The client has proved who it is."""
        if self._channel is None:
            return
        self._channel.max_message = self._limits.message_bytes
        if not self._known:
            self._known = True
            self._host.admission.logged_in(self)
            self._deadlines.logged_in()

    def progressed(self) -> None:
        """Requests were answered: read on, if reading had to stop."""
        if self._transport is not None and not self._transport.is_reading():
            self._advance()

    def hold(self) -> None:
        """Take no more requests, and finish those that were taken."""
        self._throttle()

    def end(self, reason: str) -> None:
        """Say why, and close."""
        self.send(encode_event(GoingAway(reason)))
        self._finish()

    def abort(self) -> None:
        """Close at once."""
        self.outlet.abort()

    def timed_out(self, deadline: Deadline, goodbye: str | None) -> None:
        """The client let us wait for too long."""
        self._host.reports.tell("connection.timed_out", connection=self._number, waiting_for=deadline.value)
        if goodbye is None:
            self.abort()
        else:
            self.end(goodbye)

    def end_if_old(self) -> bool:
        """End a connection that is a day old; whether it was."""
        is_old = self._channel is not None and self._channel.expired(self._host.clock.now())
        if is_old:
            self.end(_TOO_OLD)
        return is_old

    def _advance(self) -> None:
        """Judge what has arrived. Who has not logged in waits for a turn, and so does what was put off."""
        if self._channel is None or self._waits_for_turn or self._host.closing:
            return
        if self._known:
            self._work()
        else:
            self._wait_for_turn()
            # What waits for its turn is held as well.
            self._host.holdings.note(self, self._size())

    def _wait_for_turn(self) -> None:
        self._waits_for_turn = True
        if self._known:
            self._loop.call_later(self._limits.requests_per_turn.seconds, self._work)
        else:
            self._host.pacer.submit(network_key(self._address), self._work)

    def _work(self) -> bool:
        """Have a turn; whether there was anything to do."""
        self.label_log()
        self._waits_for_turn = self.outlet.at_rest = False
        channel, transport = self._channel, self._transport
        if channel is None or transport is None:
            return False
        if self._session is not None:
            self._session.resume()
        if self._host.closing:
            return False
        if self.end_if_old():
            return True
        try:
            self._judge(channel)
        except (MalformedError, RejectedError, CryptoError) as error:
            self._fail(error)
            return True
        self._throttle()
        if channel.has_output:
            self.outlet.flush_soon()
        elif not transport.is_closing():
            self._host.holdings.note(self, self._size())
        return True

    def _judge(self, channel: ServerConnection) -> None:
        """Take what has arrived, as much of it as one turn allows; the rest is put off, and others have theirs."""
        had_to_wait, self._had_to_wait = self._had_to_wait, False
        channel.allowance = self._limits.records_per_turn
        most = self._limits.requests_per_turn.count if self._known else self._limits.handshakes_per_turn.count
        for number in range(most):
            if channel.state not in _LISTENING or self._held() is not None:
                return
            event = channel.next_event()
            if event is None:
                break
            if number == 0 and had_to_wait:
                self._counters.add(Count.REQUESTS_PER_TURN)
            self._take(channel, event)
        else:
            if channel.unread:
                self._had_to_wait = self._known
                self._wait_for_turn()
            return
        self._deadlines.heard(unread=channel.unread, whole=number > 0)
        if channel.allowance == 0:
            self._counters.add(Count.RECORDS_PER_TURN)
            self._wait_for_turn()

    def _fail(self, error: MalformedError | RejectedError | CryptoError) -> None:
        """End a connection over what the client sent."""
        rule = getattr(error, "rule", None)
        self._counters.add(Count.FAILED_CONNECTIONS)
        if rule == "CHAN-MESSAGE-SIZE":
            self._counters.add(Count.MESSAGE_BYTES if self._known else Count.MESSAGE_BYTES_BEFORE_LOGIN)
        # One generic alert whatever was wrong; the log knows, the peer does not.
        self._host.reports.tell("connection.failed", connection=self._number, error=type(error).__name__, rule=rule)
        self._finish()

    def _take(self, channel: ServerConnection, event: HandshakeFinished | MessageReceived | PeerClosed) -> None:
        match event:
            case MessageReceived():
                if self._session is not None:
                    self._session.receive(event.data)
            case HandshakeFinished():
                self._host.admission.secured(self)
                self._host.services.activity.handshakes += 1
                self._deadlines.secured()
                binding = Binding(event.suite, event.handshake_hash, self._address)
                self._session = Session(self._host.services, binding, self)
                if shows_details():
                    _log.debug("connection.secured", connection=self._number, suite=event.suite)
            case PeerClosed():
                self._finish()

    def _throttle(self) -> None:
        """Read from the network only what can be worked on."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        held = self._held()
        is_busy = held is not None or self._waits_for_turn or self._host.closing
        if transport.is_reading() and is_busy:
            self.outlet.at_rest = False
            transport.pause_reading()
            if held is not None:
                self._counters.add(held)
        elif not transport.is_reading() and not is_busy:
            transport.resume_reading()

    def _held(self) -> Count | None:
        """The limit for which the client has to wait before more of its requests are taken."""
        return None if self._session is None else self._session.held

    def _size(self) -> int:
        """Bytes held for this client, in either direction."""
        channel, transport, session = self._channel, self._transport, self._session
        if channel is None or transport is None:
            return 0
        size = channel.unread + channel.queued + transport.get_write_buffer_size()
        return size if session is None else size + session.size

    def _finish(self) -> None:
        """Close: what is queued still goes out, within the time that a stalled client is given."""
        if self._channel is None or self._transport is None:
            return
        if self._session is not None:
            self._session.close()
        self._channel.close()
        self.outlet.at_rest = False
        self._deadlines.ending()
        self.outlet.flush_soon()
