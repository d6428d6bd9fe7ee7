"""Reaching the server and shaking hands: from a connector to an open, pinned connection, or an error in time."""

import asyncio
from collections.abc import Callable

from entrenous.channel import HYBRID, ClientConnection, Suite
from entrenous.client.environment import Environment
from entrenous.client.session.connection import Connection
from entrenous.client.session.timings import DEFAULT_TIMINGS, Timings
from entrenous.client.session.transport import Connector
from entrenous.errors import UnavailableError
from entrenous.wire.events import AnyEvent


def ignore(_event: AnyEvent) -> None:
    """For owners who ask and go: the server's events are not for them."""


async def open_connection(
    connector: Connector,
    environment: Environment,
    *,
    pin: bytes | None,
    known_key: bytes | None = None,
    suite: Suite = HYBRID,
    on_event: Callable[[AnyEvent], None] = ignore,
    timings: Timings = DEFAULT_TIMINGS,
) -> Connection:
    """Connect and shake hands.

    Args:
        connector: reaches the server.
        environment: clock, entropy and trace.
        pin: the server id to insist on; None at first use: the caller then judges ``peer`` before it calls anything.
        known_key: the newest identity key seen of that server.
        suite: the channel's suite.
        on_event: told what the server says unasked.
        timings: how long to wait.

    Raises:
        RejectedError: rule CHAN-PIN, it is another server; or another rule of the channel.
        MalformedError, CryptoError: it does not speak our protocol.
        UnavailableError: it cannot be reached, or not in time.
    """
    made: list[Connection] = []

    def make() -> Connection:
        channel = ClientConnection(
            suite,
            pin=pin,
            known_key=known_key,
            entropy=environment.entropy,
            now=environment.clock.now(),
            trace=environment.trace,
        )
        made.append(Connection(channel, environment, on_event, timings))
        return made[-1]

    try:
        async with asyncio.timeout(timings.connect):
            connection = await connector.connect(make)
            await connection.opened()
            return connection
    except BaseException as error:
        for unused in made:
            unused.close("given up")
        if isinstance(error, TimeoutError):
            raise UnavailableError(f"the server did not answer within {timings.connect:.0f} s") from None
        raise
