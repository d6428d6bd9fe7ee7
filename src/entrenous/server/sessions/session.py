"""One connection's conversation: who the client has proved to be (``steps``), and its requests answered in order.

Until a device has logged in, one request is worked on at a time. A device's requests are started in order without
waiting for each other, so that many of them share one commit, and answered in order. What a client asks by the
thousand is handed to its service with a callback; for everything else there is a task. Whatever a client sends ends in
a reply, or in MalformedError: then the connection closes.
"""

import asyncio
from functools import partial
from typing import Protocol

from entrenous.server.people.login import Binding
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import Caller
from entrenous.server.rooms.fanout import Arrival
from entrenous.server.rooms.outlets import Outlet
from entrenous.server.sessions.services import ByCallback, Services
from entrenous.server.sessions.sharing import Call
from entrenous.server.sessions.states import Anonymous, OfAccount, OfDevice, State
from entrenous.server.sessions.steps import STEPS
from entrenous.server.watching.counters import Count
from entrenous.wire import ErrorCode, decode_call, encode_answer, replies, requests


class Link(Protocol):
    """The connection below a session."""

    @property
    def backlog(self) -> int:
        """Bytes queued that the client has not taken."""
        ...

    @property
    def is_reading(self) -> bool:
        """Whether the client's requests are taken as they come."""
        ...

    def send(self, message: bytes) -> None:
        """Queue one message. Never raises."""
        ...

    @property
    def outlet(self) -> Outlet:
        """Where events go."""
        ...

    def logged_in(self) -> None:
        """The client has proved who it is: its messages may be large, and it may stay."""
        ...

    def progressed(self) -> None:
        """Requests were answered: there may be room for more."""
        ...

    def label_log(self) -> None:
        """What is logged in the rest of this turn is logged on behalf of this connection."""
        ...

    def end(self, reason: str) -> None:
        """Say why, and close."""
        ...


class Session:
    """See the module. It is also a ``fanout.Subscriber`` once a device has logged in."""

    __slots__ = (
        "_closed",
        "_goes_on",
        "_link",
        "_loop",
        "_rests",
        "_running",
        "_to_begin",
        "_waiting",
        "binding",
        "services",
        "size",
        "state",
    )

    def __init__(self, services: Services, binding: Binding, link: Link) -> None:
        #: What does the work; and what logins are bound to.
        self.services = services
        self.binding = binding
        self._link = link
        self.state: State = Anonymous()
        # Lists, because they are short, and mostly empty: an empty deque has 760 bytes.
        self._waiting: list[Call] = []
        self._running: list[Call] = []
        #: Bytes of the requests that wait or are worked on.
        self.size = 0
        self._rests = False
        self._goes_on = False
        #: Of those that are worked on, how many nobody has begun with.
        self._to_begin = 0
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
    def outlet(self) -> Outlet:
        """Where events go."""
        return self._link.outlet

    @property
    def held(self) -> Count | None:
        """The limit for which the client has to wait before more of its requests are read, if there is one."""
        limits = self.services.limits
        if len(self._waiting) + len(self._running) >= limits.requests_in_flight or self.size >= limits.message_bytes:
            return Count.REQUESTS_IN_FLIGHT
        return Count.REPLY_BACKLOG if self._link.backlog >= limits.reply_backlog else None

    def end(self, reason: str) -> None:
        """Say why, and close."""
        self._link.end(reason)

    def account_proved(self) -> None:
        """The client has proved whose it is."""
        self._link.logged_in()

    def device_arrived(self, arrival: Arrival) -> None:
        """It has proved which device it is: from now on it hears what is said in its rooms."""
        if self._closed:
            return
        former = self.services.fanout.attach(self, arrival)
        self._link.logged_in()
        if former is not None:
            former.end("this device has connected again")

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
        self.services.fanout.detach(self)

    def _start(self) -> None:
        while self._waiting and self._may_start(self._waiting[0]):
            self._begin(self._waiting.pop(0))

    def _may_start(self, call: Call) -> bool:
        if self._link.backlog >= self.services.limits.reply_backlog:
            return False
        # Its rest is reckoned from when its own connection lets it begin.
        return (not self._running or self._may_join(call)) and not self._has_to_rest(call)

    def _may_join(self, call: Call) -> bool:
        """Whether a request may be worked on together with others of this connection."""
        if not isinstance(self.state, OfDevice) or not self.services.serves_devices(call.request):
            return False
        # One at a time, so that what waits for a slow reader stays bounded, and others for the store not for long.
        return not call.is_dear or not any(other.is_dear for other in self._running)

    @property
    def proved(self) -> bytes:
        """The account that the client has proved to be, with a password or as a device; b"" before."""
        return self.state.account if isinstance(self.state, OfAccount) else self.account

    def _has_to_rest(self, call: Call) -> bool:
        """Whether something else has to come first; the request is looked at again when it is time."""
        if self._rests or not call.is_shared:
            return self._rests
        wait = self.services.sharing.wait(call, self.proved, self._loop.time())
        if wait:
            self._rests = True
            self._loop.call_later(wait, self._rested)
        return wait > 0

    def _rested(self) -> None:
        self._rests = False
        self._go_on()

    def _begin(self, call: Call) -> None:
        services, state = self.services, self.state
        if call.is_shared:
            services.sharing.began(call, self.proved, self._loop.time())
        self._running.append(call)
        if isinstance(state, OfDevice):
            if not call.is_dear:
                call.is_prompt = True
                services.courtesy.began()
            hand_over = services.by_callback.get(type(call.request))
            if hand_over is not None:
                if self._to_begin:
                    self._to_begin += 1
                    # Not before what came before it.
                    self._loop.call_soon(self._hand_over_late, hand_over, state.caller, call)
                else:
                    self._hand_over(hand_over, state.caller, call)
                return
        self._to_begin += 1
        services.spawn(self._work_on(call))

    def _hand_over(self, hand_over: ByCallback, caller: Caller, call: Call) -> None:
        """Have a service do it, and tell us when it is done."""
        try:
            self.services.charge(caller.account, call.request, call.size)
            hand_over(caller, call.request, partial(self._done, call))
        except Exception as error:  # noqa: BLE001 whatever it is, it is answered
            self._done(call, error)

    def _hand_over_late(self, hand_over: ByCallback, caller: Caller, call: Call) -> None:
        self._to_begin -= 1
        self._hand_over(hand_over, caller, call)

    async def _work_on(self, call: Call) -> None:
        self._to_begin -= 1
        outcome: replies.Reply | Exception
        try:
            outcome = await self._handle(call.request, call.size)
        except Exception as error:  # noqa: BLE001 whatever it is, it is answered
            outcome = error
        self._done(call, outcome)

    def _done(self, call: Call, outcome: replies.Reply | Exception) -> None:
        """A request has come to something: answer it, and those behind it that only waited for their turn."""
        services, running = self.services, self._running
        if call.is_prompt:
            services.courtesy.ended()
        call.reply = services.answers.to(call.request, outcome, self._link.label_log)
        while running and (reply := running[0].reply) is not None:
            answered = running.pop(0)
            self.size -= answered.size
            if not self._closed:
                self._send(answered, reply)
        # Many are done in one turn of the loop: what follows from it is done once, after them.
        if not self._goes_on and (self._waiting or not self._link.is_reading):
            self._goes_on = True
            self._loop.call_soon(self._go_on)

    def _send(self, call: Call, reply: replies.Reply) -> None:
        answer = encode_answer(call.number, reply)
        if call.is_shared:
            self.services.sharing.answered(call, self.proved, self._loop.time(), len(answer))
        self._link.send(answer)

    def _go_on(self) -> None:
        """There may be room for more."""
        self._goes_on = False
        if not self._closed:
            self._start()
            self._link.progressed()

    async def _handle(self, request: requests.Request, size: int) -> replies.Reply:
        match self.state:
            case OfAccount(account=account) | OfDevice(caller=Caller(account=account)):
                self.services.charge(account, request, size)
        if isinstance(self.state, OfDevice):
            for_device = self.services.of_device.get(type(request))
            if for_device is not None:
                return await for_device(self.state.caller, request)
        step = STEPS.get(type(request))
        if step is not None:
            return await step(self, request)
        if isinstance(request, requests.Ping):
            return replies.Done()
        return await self._of_account(request)

    async def _of_account(self, request: requests.Request) -> replies.Reply:
        handler = self.services.of_account.get(type(request))
        if handler is None:
            raise RefusedError("AUTH-DEVICE", ErrorCode.UNAUTHENTICATED, "this needs a device that has logged in")
        account = self.proved
        if not account:
            raise RefusedError("AUTH-ACCOUNT", ErrorCode.UNAUTHENTICATED, "this needs an account that has logged in")
        return await handler(account, request)
