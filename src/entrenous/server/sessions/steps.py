"""The steps from nobody to a device (``states``): which of them may be taken when, and what a client has proved by it.

One request is worked on at a time here, so nothing changes the state while a step waits for its service.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from entrenous.server.people.login import Binding
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import Caller
from entrenous.server.rooms.fanout import Arrival
from entrenous.server.sessions.services import Services
from entrenous.server.sessions.states import Anonymous, LoggingIn, OfAccount, OfDevice, Registering, State
from entrenous.wire import ErrorCode, replies, requests


class Entrant(Protocol):
    """A session, as its client goes these steps."""

    state: State

    @property
    def services(self) -> Services:
        """What does the work."""
        ...

    @property
    def binding(self) -> Binding:
        """What logins are bound to."""
        ...

    def account_proved(self) -> None:
        """The client has proved whose it is."""
        ...

    def device_arrived(self, arrival: Arrival) -> None:
        """It has proved which device it is: from now on it hears what is said in its rooms."""
        ...


async def _register_start(entrant: Entrant, request: requests.RegisterStart) -> replies.Reply:
    _expect(entrant, Anonymous, Registering)
    entrant.state = Anonymous()
    reply, pending = await entrant.services.registration.start(request, entrant.binding)
    entrant.state = Registering(pending)
    return reply


async def _register_finish(entrant: Entrant, request: requests.RegisterFinish) -> replies.Reply:
    state = entrant.state
    if not isinstance(state, Registering):
        raise RefusedError("AUTH-ORDER", ErrorCode.UNAUTHENTICATED, "a registration begins with RegisterStart")
    entrant.state = Anonymous()
    return await entrant.services.registration.finish(request, state.pending)


async def _login_start(entrant: Entrant, request: requests.LoginStart) -> replies.Reply:
    _expect(entrant, Anonymous, LoggingIn)
    entrant.state = Anonymous()
    reply, pending = await entrant.services.login.start(request, entrant.binding)
    entrant.state = LoggingIn(pending)
    return reply


async def _login_finish(entrant: Entrant, request: requests.LoginFinish) -> replies.Reply:
    state = entrant.state
    if not isinstance(state, LoggingIn):
        raise RefusedError("AUTH-ORDER", ErrorCode.UNAUTHENTICATED, "a login begins with LoginStart")
    entrant.state = Anonymous()
    reply = await entrant.services.login.finish(request, state.pending)
    entrant.state = OfAccount(state.pending.account)
    entrant.account_proved()
    return reply


async def _device_login(entrant: Entrant, request: requests.DeviceLogin) -> replies.Reply:
    _expect(entrant, Anonymous, OfAccount)
    if isinstance(entrant.state, OfAccount) and entrant.state.account != request.account:
        raise RefusedError("AUTH-ACCOUNT", ErrorCode.BAD_CREDENTIALS, "this is not proved")
    reply, arrival = await entrant.services.login.device(request, entrant.binding)
    # Nothing is awaited from here on: what is appended after the rooms were read finds this session listening.
    entrant.state = OfDevice(Caller(request.account, request.device))
    entrant.device_arrived(arrival)
    return reply


def _expect(entrant: Entrant, *states: type[State]) -> None:
    if not isinstance(entrant.state, states):
        raise RefusedError("AUTH-ORDER", ErrorCode.UNAUTHENTICATED, "this channel has gone further than that")


#: What does each step.
STEPS: dict[type[requests.Request], Callable[[Entrant, Any], Awaitable[replies.Reply]]] = {
    requests.RegisterStart: _register_start,
    requests.RegisterFinish: _register_finish,
    requests.LoginStart: _login_start,
    requests.LoginFinish: _login_finish,
    requests.DeviceLogin: _device_login,
}
