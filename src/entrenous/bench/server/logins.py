"""Connecting and logging in: what it costs the server, and what somebody costs who then does nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from entrenous.bench.guest import Guest, Place
from entrenous.bench.line import Line
from entrenous.bench.server.clients import each
from entrenous.bench.server.meter import Figures, Meter, resident_kib
from entrenous.channel import HYBRID
from entrenous.crypto import system_entropy
from entrenous.identity import opaque_context
from entrenous.opaque import finish_login, start_login
from entrenous.wire import replies, requests

L = TypeVar("L", bound=Line)
R = TypeVar("R")

#: The account that is logged in to with a password.
NAME, PASSWORD = "bench", b"its password"
#: Seconds in which the server's memory comes to rest.
_REST = 2.0


async def come(guests: Sequence[Guest], server: int, kind: type[L]) -> tuple[Figures, list[L]]:
    """Everybody logs in, and stays."""

    async def enter(guest: Guest) -> L:
        return await guest.enter(kind)

    return await _measure("login", guests, enter, server)


async def idle(guests: Sequence[Guest], server: int) -> tuple[Figures, list[Line]]:
    """Everybody logs in, stays, and does nothing."""
    before = resident_kib(server)
    figures, lines = await come(guests, server, Line)
    await asyncio.sleep(_REST)
    return {**figures, "kib_per_connection": (resident_kib(server) - before) / len(guests)}, lines


async def logins(
    place: Place, token: bytes, guests: Sequence[Guest], server: int
) -> AsyncIterator[tuple[str, Figures]]:
    """Handshakes without anything behind them; device logins; password logins. Each on a connection of its own."""

    async def shake_hands(_guest: Guest) -> None:
        (await place.connect()).transport.close()

    async def as_device(guest: Guest) -> None:
        (await guest.enter(Line)).transport.close()

    async def with_password(_guest: Guest) -> None:
        (await _log_in(place)).transport.close()

    await Guest.register(place, token, NAME, PASSWORD)
    yield "handshakes", (await _measure("handshake", guests, shake_hands, server))[0]
    yield "device logins", (await _measure("login", guests, as_device, server))[0]
    yield "password logins", (await _measure("login", guests, with_password, server))[0]


async def _measure(
    what: str, guests: Sequence[Guest], work: Callable[[Guest], Awaitable[R]], server: int
) -> tuple[Figures, list[R]]:
    meter = Meter(server)
    results = await each(guests, work)
    used = meter.read()
    figures = {
        "connections": len(guests),
        f"server_ms_per_{what}": used.server * 1e3 / len(guests),
        f"{what}s_per_s": len(guests) / used.wall,
        "server_cores": used.server / used.wall,
        "clients_cores": used.own / used.wall,
    }
    return figures, results


async def _log_in(place: Place) -> Line:
    """Connect and log in with the password, which nobody stretches: that is the client's work."""
    line = await place.connect()
    state, ke1 = start_login(PASSWORD, system_entropy)
    challenge = await line.call(requests.LoginStart(NAME, recovery=False, ke1=ke1), replies.LoginChallenge)
    result = finish_login(
        state,
        challenge.ke2,
        context=opaque_context(HYBRID.number, line.channel.handshake_hash),
        server_identity=place.server_id,
        client_identity=challenge.account,
        ksf=lambda output: output,
    )
    await line.call(requests.LoginFinish(result.ke3), replies.LoginDone)
    return line
