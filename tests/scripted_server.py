"""A server that does what a test tells it: a real channel, answers by a function, and the wire in the test's hands."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, cast

from entrenous.channel import SUITES, HandshakeFinished, MessageReceived, ServerConnection, issue_credential
from entrenous.client.environment import Environment, in_place
from entrenous.crypto import DHKeyPair, SigningKey
from entrenous.errors import EntrenousError, UnavailableError
from entrenous.identity import ServerIdentityKey
from entrenous.testing import SeededEntropy, VirtualClock, Wire, connect_in_memory, run_virtual
from entrenous.wire import decode_call, encode_answer, encode_event, events, replies, requests

P = TypeVar("P", bound=asyncio.Protocol)
Answer = Callable[[requests.Request], replies.Reply | None]


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test under virtual time."""

    @wraps(test)
    def run(*arguments: object, **named: object) -> None:
        run_virtual(test(*arguments, **named))

    return run


def environment(seed: str = "client") -> Environment:
    """Seeded randomness and the running loop's virtual time."""
    return Environment(VirtualClock(asyncio.get_running_loop()), SeededEntropy(seed), offload=in_place)


def done(_request: requests.Request) -> replies.Reply | None:
    """Answers everything with Done."""
    return replies.Done()


class ScriptedProtocol(asyncio.Protocol):
    """One connection of the scripted server."""

    def __init__(self, server: "ScriptedServer") -> None:
        self.server = server
        self.channel = ServerConnection(server.credentials, entropy=server.entropy, now=server.now())
        self.calls: list[tuple[int, requests.Request]] = []
        self.error: EntrenousError | None = None
        self.transport: asyncio.Transport | None = None
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.channel.receive_data(data, self.server.now())
        try:
            while (event := self.channel.next_event()) is not None:
                if isinstance(event, MessageReceived):
                    self._call(*decode_call(event.data))
                elif isinstance(event, HandshakeFinished):
                    self.server.handshake_hashes.append(event.handshake_hash)
        except EntrenousError as error:
            self.error = error
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True

    def say(self, event: events.Event) -> None:
        """Send an event unasked."""
        self.say_bytes(encode_event(event))

    def say_bytes(self, data: bytes) -> None:
        """Send any message."""
        self.channel.send_message(data)
        self.flush()

    def goodbye(self) -> None:
        """Close the channel in order."""
        self.channel.close()
        self.flush()
        if self.transport is not None:
            self.transport.close()

    def flush(self) -> None:
        if self.transport is not None:
            self.transport.write(self.channel.data_to_send(self.server.now()))

    def _call(self, number: int, request: requests.Request) -> None:
        self.calls.append((number, request))
        reply = self.server.answer(request)
        if reply is not None:
            self.channel.send_message(encode_answer(number, reply))


@dataclass
class ScriptedServer:
    """Is a Connector too. ``answer`` may give None, and the call then waits for ever."""

    answer: Answer = done
    identity: ServerIdentityKey = field(default_factory=lambda: ServerIdentityKey(SigningKey.from_seed(b"s" * 32)))
    entropy: SeededEntropy = field(default_factory=lambda: SeededEntropy("server"))
    is_down: bool = False
    is_deaf: bool = False
    handshake_hashes: list[bytes] = field(default_factory=list)
    connections: list[ScriptedProtocol] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    attempts: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.certify()

    def certify(self) -> None:
        """Fresh channel keys under the present identity."""
        not_after = int(self.now()) + 30 * 86_400
        self.credentials = {
            number: issue_credential(self.identity, suite, self._static(suite.noise.dh.generate), not_after)
            for number, suite in SUITES.items()
        }

    def _static(self, generate: Callable[[SeededEntropy], DHKeyPair]) -> DHKeyPair:
        return generate(self.entropy)

    @property
    def newest(self) -> ScriptedProtocol:
        """The newest connection."""
        return self.connections[-1]

    def now(self) -> float:
        return self.clock.now()

    async def connect(self, factory: Callable[[], P]) -> P:
        self.attempts.append(asyncio.get_running_loop().time())
        if self.is_down:
            raise UnavailableError("nobody listens there")
        protocol = factory()
        other = asyncio.Protocol() if self.is_deaf else ScriptedProtocol(self)
        if isinstance(other, ScriptedProtocol):
            self.connections.append(other)
        self.wires.append(connect_in_memory(protocol, other)[1])
        return protocol
