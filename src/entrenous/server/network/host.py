"""What all connections of one server share."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from entrenous.channel import ServerCredential
from entrenous.crypto import Entropy
from entrenous.server.clock import Clock
from entrenous.server.network.admission import Admission
from entrenous.server.network.flushing import Flushes
from entrenous.server.network.holding import Holdings
from entrenous.server.sessions.pacing import Pacer
from entrenous.server.sessions.services import Services
from entrenous.server.watching.reporting import Reports
from entrenous.trace import Trace


class Connection(Protocol):
    """A client's connection, as the server ends it."""

    @property
    def account(self) -> bytes:
        """The account that the client has proved to be; b"" before."""
        ...

    def hold(self) -> None:
        """Take no more requests."""
        ...

    def end(self, reason: str) -> None:
        """Say why, and close."""
        ...

    def adopt_limits(self) -> None:
        """Go by limits that have changed."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Connections:
    """The connections that are open."""

    def __init__(self) -> None:
        self._open: set[Connection] = set()
        self._none = asyncio.Event()
        self._none.set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._open))

    def add(self, connection: Connection) -> None:
        """A connection is open."""
        self._open.add(connection)
        self._none.clear()

    def discard(self, connection: Connection) -> None:
        """It is gone."""
        self._open.discard(connection)
        if not self._open:
            self._none.set()

    async def all_gone(self) -> None:
        """Wait until there is none."""
        await self._none.wait()


@dataclass(slots=True)
class Host:
    """The server, as its connections see it."""

    services: Services
    clock: Clock
    entropy: Entropy
    trace: Trace
    admission: Admission
    pacer: Pacer
    holdings: Holdings
    reports: Reports
    #: By suite; replaced daily, and each connection keeps those it began with.
    credentials: Mapping[int, ServerCredential]
    #: Nobody's requests are taken any more.
    closing: bool = False
    connections: Connections = field(default_factory=Connections)
    flushes: Flushes = field(init=False)

    def __post_init__(self) -> None:
        self.flushes = Flushes(self.clock)
        # What is said in a room while connections are written to is pushed together.
        self.services.fanout.soon = self.flushes.before
