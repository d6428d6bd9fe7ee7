"""One connection's conversation: who the client has proved to be (``states``), and its requests answered in order.

Until a device has logged in, one request is worked on at a time. A device's requests are started in order without
waiting for each other, so that many of them share one commit, and answered in order. Whatever a client sends ends in a
reply, or in MalformedError: then the connection closes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from entrenous.errors import CryptoError, MalformedError, RejectedError, UnavailableError
from entrenous.server.people.login import Binding
from entrenous.server.refusal import RefusedError, refusal_of
from entrenous.server.rooms.appending import Caller
from entrenous.server.sessions.activity import Outcome
from entrenous.server.sessions.services import Services
from entrenous.server.sessions.sharing import Call
from entrenous.server.sessions.states import Anonymous, LoggingIn, OfAccount, OfDevice, Registering, State
from entrenous.server.watching.counters import Count
from entrenous.wire import ErrorCode, decode_call, encode_answer, replies, requests

_log = structlog.get_logger(__name__)


class Link(Protocol):
    """The connection below a session."""

    @property
    def backlog(self) -> int:
        """Bytes queued that the client has not taken."""
        ...

    def send(self, message: bytes) -> None:
        """Queue one message. Never raises."""
        ...

    def push(self, framed: bytes) -> None:
        """Queue framed messages. Never raises."""
        ...

    def logged_in(self) -> None:
        """The client has proved who it is: its messages may be large, and it may stay."""
        ...

    def progressed(self) -> None:
        """A request was answered: there may be room for more."""
        ...

    def end(self, reason: str) -> None:
        """Say why, and close."""
        ...


class Session:
    """See the module. It is also a ``fanout.Subscriber`` once a device has logged in."""

    __slots__ = (
        "_binding",
        "_closed",
        "_link",
        "_loop",
        "_rests",
        "_running",
        "_services",
        "_waiting",
        "size",
        "state",
    )

    def __init__(self, services: Services, binding: Binding, link: Link) -> None:
        self._services = services
        self._binding = binding
        self._link = link
        self.state: State = Anonymous()
        # Lists, because they are short, and mostly empty: an empty deque has 760 bytes.
        self._waiting: list[Call] = []
        self._running: list[Call] = []
        #: Bytes of the requests that wait or are worked on.
        self.size = 0
        self._rests = False
        self._closed = False
        self._loop = asyncio.get_running_loop()

    @property
    def account(self) -> bytes:
        """The account that the device belongs to; b"" before a device has logged in."""
        return self.state.caller.account if isinstance(self.state, OfDevice) else b""

    @property
    def device(self) -> bytes:
        """The device that has logged in; b"" before."""
        return self.state.caller.device if isinstance(self.state, OfDevice) else b""

    @property
    def backlog(self) -> int:
        """Bytes queued that the client has not taken."""
        return self._link.backlog

    @property
    def held(self) -> Count | None:
        """The limit for which the client has to wait before more of its requests are read, if there is one."""
        limits = self._services.limits
        if len(self._waiting) + len(self._running) >= limits.requests_in_flight or self.size >= limits.message_bytes:
            return Count.REQUESTS_IN_FLIGHT
        return Count.REPLY_BACKLOG if self._link.backlog >= limits.reply_backlog else None

    def push(self, framed: bytes) -> None:
        """Queue framed events."""
        self._link.push(framed)

    def end(self, reason: str) -> None:
        """Say why, and close."""
        self._link.end(reason)

    def receive(self, message: bytes) -> None:
        """Take one message of the client's.

        Raises:
            MalformedError: it is no request; the connection is to be closed.
        """
        number, request = decode_call(message)
        self._waiting.append(Call(number, request, len(message)))
        self.size += len(message)
        self._start()

    def resume(self) -> None:
        """The client may have taken some of what was queued for it: go on with its requests."""
        if not self._closed:
            self._start()

    def close(self) -> None:
        """The connection is gone. What is being stored is stored; nothing is answered any more."""
        self._closed = True
        self._waiting.clear()
        self._services.fanout.detach(self)

    def _start(self) -> None:
        while self._waiting and self._may_start(self._waiting[0]):
            call = self._waiting.pop(0)
            self._services.sharing.began(call, self.proved, self._loop.time())
            prompt = isinstance(self.state, OfDevice) and not call.is_dear
            call.task = self._services.spawn(self._answer(call.request, call.size), prompt=prompt)
            self._running.append(call)
            call.task.add_done_callback(self._finished)

    def _may_start(self, call: Call) -> bool:
        if self._link.backlog >= self._services.limits.reply_backlog:
            return False
        # Its rest is reckoned from when its own connection lets it begin.
        return (not self._running or self._may_join(call)) and not self._has_to_rest(call)

    def _may_join(self, call: Call) -> bool:
        """Whether a request may be worked on together with others of this connection."""
        if not isinstance(self.state, OfDevice) or type(call.request) not in self._services.of_device:
            return False
        # One at a time, so that what waits for a slow reader stays bounded, and others for the store not for long.
        return not call.is_dear or not any(other.is_dear for other in self._running)

    @property
    def proved(self) -> bytes:
        """The account that the client has proved to be, with a password or as a device; b"" before."""
        return self.state.account if isinstance(self.state, OfAccount) else self.account

    def _has_to_rest(self, call: Call) -> bool:
        """Whether something else has to come first; the request is looked at again when it is time."""
        if self._rests:
            return True
        wait = self._services.sharing.wait(call, self.proved, self._loop.time())
        if wait:
            self._rests = True
            self._loop.call_later(wait, self._rested)
        return wait > 0

    def _rested(self) -> None:
        self._rests = False
        if not self._closed:
            self._start()
            self._link.progressed()

    def _finished(self, _task: "asyncio.Task[replies.Reply]") -> None:
        while self._running and (task := self._running[0].task) is not None and task.done():
            call = self._running.pop(0)
            self.size -= call.size
            if not self._closed and not task.cancelled():
                self._reply(call, task.result())
        if not self._closed:
            self._start()
            self._link.progressed()

    def _reply(self, call: Call, reply: replies.Reply) -> None:
        answer = encode_answer(call.number, reply)
        self._services.sharing.answered(call, self.proved, self._loop.time(), len(answer))
        self._link.send(answer)

    async def _answer(self, request: requests.Request, size: int) -> replies.Reply:
        """The reply to a request; never raises."""
        try:
            reply = await self._handle(request, size)
        except RejectedError as error:
            self._services.counters.refused(error.rule)
            self._services.activity.note(type(request), Outcome.REFUSED)
            _log.debug("request.refused", request=type(request).__name__, rule=error.rule)
            return refusal_of(error)
        except (MalformedError, CryptoError) as error:
            self._services.activity.note(type(request), Outcome.INVALID)
            return refusal_of(error)
        except UnavailableError as error:
            self._services.activity.note(type(request), Outcome.UNAVAILABLE)
            return refusal_of(error)
        except Exception as error:  # noqa: BLE001 a bug of ours: one request fails, the server goes on
            self._services.activity.note(type(request), Outcome.FAILED)
            _log.exception("request.failed", request=type(request).__name__, error=type(error).__name__)
            return replies.Error(ErrorCode.UNAVAILABLE, "the server made a mistake; the operator finds it in the log")
        self._services.activity.done[type(request)] += 1
        self._tell(request, reply)
        return reply

    def _tell(self, request: requests.Request, reply: replies.Reply) -> None:
        """One debug line for an answered request, with the room and the place in its log where there is one."""
        if not _log.is_enabled_for(logging.DEBUG):
            return
        fields = {name: getattr(request, name) for name in ("room", "account") if hasattr(request, name)}
        if isinstance(reply, replies.Published):
            fields["sequence"] = reply.sequence
        _log.debug("request.answered", request=type(request).__name__, **fields)

    async def _handle(self, request: requests.Request, size: int) -> replies.Reply:
        match self.state:
            case OfAccount(account=account) | OfDevice(caller=Caller(account=account)):
                self._services.charge(account, request, size)
        if isinstance(self.state, OfDevice):
            for_device = self._services.of_device.get(type(request))
            if for_device is not None:
                return await for_device(self.state.caller, request)
        handler = _HANDLERS.get(type(request))
        if handler is None:
            raise RefusedError("AUTH-DEVICE", ErrorCode.UNAUTHENTICATED, "this needs a device that has logged in")
        return await handler(self, request)

    async def _register_start(self, request: requests.RegisterStart) -> replies.Reply:
        self._expect(Anonymous, Registering)
        self.state = Anonymous()
        reply, pending = await self._services.registration.start(request, self._binding)
        self.state = Registering(pending)
        return reply

    async def _register_finish(self, request: requests.RegisterFinish) -> replies.Reply:
        state = self.state
        if not isinstance(state, Registering):
            raise RefusedError("AUTH-ORDER", ErrorCode.UNAUTHENTICATED, "a registration begins with RegisterStart")
        self.state = Anonymous()
        return await self._services.registration.finish(request, state.pending)

    async def _login_start(self, request: requests.LoginStart) -> replies.Reply:
        self._expect(Anonymous, LoggingIn)
        self.state = Anonymous()
        reply, pending = await self._services.login.start(request, self._binding)
        self.state = LoggingIn(pending)
        return reply

    async def _login_finish(self, request: requests.LoginFinish) -> replies.Reply:
        state = self.state
        if not isinstance(state, LoggingIn):
            raise RefusedError("AUTH-ORDER", ErrorCode.UNAUTHENTICATED, "a login begins with LoginStart")
        self.state = Anonymous()
        reply = await self._services.login.finish(request, state.pending)
        self.state = OfAccount(state.pending.account)
        self._link.logged_in()
        return reply

    async def _device_login(self, request: requests.DeviceLogin) -> replies.Reply:
        self._expect(Anonymous, OfAccount)
        if isinstance(self.state, OfAccount) and self.state.account != request.account:
            raise RefusedError("AUTH-ACCOUNT", ErrorCode.BAD_CREDENTIALS, "this is not proved")
        reply, rooms = await self._services.login.device(request, self._binding)
        # Nothing is awaited from here on: what is appended after the rooms were read finds this session listening.
        self.state = OfDevice(Caller(request.account, request.device))
        if not self._closed:
            former = self._services.fanout.attach(self, rooms)
            self._link.logged_in()
            if former is not None:
                former.end("this device has connected again")
        return reply

    async def _of_account(self, request: requests.Request) -> replies.Reply:
        match self.state:
            case OfAccount(account=account):
                return await self._services.of_account[type(request)](account, request)
            case OfDevice(caller=caller):
                return await self._services.of_account[type(request)](caller.account, request)
        raise RefusedError("AUTH-ACCOUNT", ErrorCode.UNAUTHENTICATED, "this needs an account that has logged in")

    async def _ping(self, request: requests.Ping) -> replies.Reply:
        del request
        return replies.Done()

    def _expect(self, *states: type[State]) -> None:
        if not isinstance(self.state, states):
            raise RefusedError("AUTH-ORDER", ErrorCode.UNAUTHENTICATED, "this channel has gone further than that")


_Handler = Callable[[Session, Any], Awaitable[replies.Reply]]

#: Who handles what before a device has logged in, and what is not a device's.
_HANDLERS: dict[type[requests.Request], _Handler] = {
    requests.RegisterStart: Session._register_start,  # noqa: SLF001 the class's own table
    requests.RegisterFinish: Session._register_finish,  # noqa: SLF001 the class's own table
    requests.LoginStart: Session._login_start,  # noqa: SLF001 the class's own table
    requests.LoginFinish: Session._login_finish,  # noqa: SLF001 the class's own table
    requests.DeviceLogin: Session._device_login,  # noqa: SLF001 the class's own table
    requests.PutDeviceList: Session._of_account,  # noqa: SLF001 the class's own table
    requests.GetVault: Session._of_account,  # noqa: SLF001 the class's own table
    requests.PutVault: Session._of_account,  # noqa: SLF001 the class's own table
    requests.Ping: Session._ping,  # noqa: SLF001 the class's own table
}
