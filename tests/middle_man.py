"""A man in the middle: a server to the client, a client to the server, who reads every message and hands it on.

All he lacks is the server's identity key.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from entrenous.channel import (
    HYBRID,
    SUITES,
    ClientConnection,
    Connection,
    HandshakeFinished,
    MessageReceived,
    ServerConnection,
    Suite,
    issue_credential,
)
from entrenous.crypto import SigningKey
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.identity import ServerIdentityKey
from entrenous.testing import MemoryServer, SeededEntropy
from entrenous.testing.server import MemoryConnector
from entrenous.wire import decode_call, decode_from_server

#: His own identity.
IDENTITY = ServerIdentityKey(SigningKey.from_seed(b"m" * 32))


class MiddleMan:
    """Stands between one client and the server; ``connector`` is what the client believes to lead to the server.

    Args:
        world: the server.
        suite: of his own channel to it.

    Attributes:
        heard: requests that he read, in order.
        answered: replies and events of the server that he read.
        failures: what ended his channels.
    """

    def __init__(self, world: MemoryServer, suite: Suite = HYBRID) -> None:
        self.heard: list[object] = []
        self.answered: list[object] = []
        self.failures: list[Exception] = []
        self.connector = MemoryConnector(self._stand_between)
        self._world = world
        self._suite = suite
        self._entropy = SeededEntropy("the man in the middle")
        now = int(world.clock.now())
        self._credentials = {
            suite.number: issue_credential(
                IDENTITY, suite, suite.noise.dh.generate(self._entropy), not_after=now + 86_400
            )
            for suite in SUITES.values()
        }

    def _stand_between(self) -> asyncio.Protocol:
        now = self._world.clock.now()
        front = _End(ServerConnection(self._credentials, entropy=self._entropy, now=now), now, self._read_call, self)
        back = _End(
            ClientConnection(self._suite, pin=None, entropy=self._entropy, now=now), now, self._read_answer, self
        )
        front.other, back.other = back, front
        connecting = asyncio.get_running_loop().create_task(self._world.connector().connect(lambda: back))
        front.keep = connecting
        return front

    def _read_call(self, data: bytes) -> None:
        self.heard.append(decode_call(data)[1])

    def _read_answer(self, data: bytes) -> None:
        self.answered.append(decode_from_server(data)[1])


class _End(asyncio.Protocol):
    """One of his two channels: what arrives on it is read and handed to the other."""

    def __init__(self, channel: Connection, now: float, read: Callable[[bytes], None], owner: MiddleMan) -> None:
        self.channel = channel
        self.other: _End
        self.keep: object = None
        self._now = now
        self._read = read
        self._owner = owner
        self._waiting: list[bytes] = []
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self.channel.receive_data(data, self._now)
        try:
            while (event := self.channel.next_event()) is not None:
                if isinstance(event, HandshakeFinished):
                    self._opened()
                elif isinstance(event, MessageReceived):
                    self._read(event.data)
                    self.other.hand_on(event.data)
        except (MalformedError, RejectedError, CryptoError) as error:
            self._owner.failures.append(error)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other._transport is not None:
            self.other._transport.close()

    def hand_on(self, data: bytes) -> None:
        """Say on this channel what was said on the other."""
        self._waiting.append(data)
        if self._is_open:
            self._opened()
            self._flush()

    def _opened(self) -> None:
        self._is_open = True
        for data in self._waiting:
            self.channel.send_message(data)
        self._waiting.clear()

    def _flush(self) -> None:
        if self._transport is not None:
            self._transport.write(self.channel.data_to_send(self._now))
