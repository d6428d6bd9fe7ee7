"""Connected pairs for the channel's tests: one server identity, seeded keys, both suites."""

import itertools
from typing import Any

from entrenous.channel import (
    CLASSIC,
    HYBRID,
    SUITES,
    ClientConnection,
    Connection,
    Event,
    HandshakeFinished,
    MessageReceived,
    ServerConnection,
    State,
    Suite,
    issue_credential,
)
from entrenous.crypto import Entropy, SigningKey
from entrenous.identity import ServerIdentityKey

NOW = 1_800_000_000.0
NOT_AFTER = int(NOW) + 86_400
IDENTITY = ServerIdentityKey(SigningKey.from_seed(b"\x07" * 32))
BOTH = (HYBRID, CLASSIC)


def seeded(seed: str) -> Entropy:
    """The same bytes for the same seed and the same order of draws."""
    numbers = itertools.count()
    return lambda size: (f"{seed} {next(numbers)} ".encode() * size)[:size]


CREDENTIALS = {
    suite.number: issue_credential(IDENTITY, suite, suite.noise.dh.generate(seeded(suite.label)), NOT_AFTER)
    for suite in SUITES.values()
}


def make_client(suite: Suite = HYBRID, **options: Any) -> ClientConnection:
    defaults: dict[str, Any] = {"pin": IDENTITY.server_id, "entropy": seeded("client"), "now": NOW}
    return ClientConnection(suite, **(defaults | options))


def make_server(**options: Any) -> ServerConnection:
    defaults: dict[str, Any] = {"credentials": CREDENTIALS, "entropy": seeded("server"), "now": NOW}
    return ServerConnection(**(defaults | options))


def drain(connection: Connection) -> list[Event]:
    """Every event there is now."""
    return list(iter(connection.next_event, None))


def carry(sender: Connection, receiver: Connection, now: float = NOW) -> list[Event]:
    """Move everything the sender has to the receiver; returns the receiver's events."""
    receiver.receive_data(sender.data_to_send(now), now)
    return drain(receiver)


def messages(events: list[Event]) -> list[bytes]:
    """The messages among ``events``."""
    return [event.data for event in events if isinstance(event, MessageReceived)]


def connect(suite: Suite = HYBRID, **options: Any) -> tuple[ClientConnection, ServerConnection]:
    """A client and a server whose handshake is finished; ``options`` go to both."""
    client, server = make_client(suite, **options), make_server(**options)
    for event in (*carry(client, server), *carry(server, client)):
        assert isinstance(event, HandshakeFinished)
    return client, server


def state_of(connection: Connection) -> State:
    """Its state, asked anew: a type checker believes that a state once compared stays."""
    return connection.state
