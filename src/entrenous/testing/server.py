"""A real server without a network or a disk, and connectors that reach it."""

import asyncio
from collections.abc import Callable
from typing import Self, TypeVar

from entrenous.crypto import Argon2Parameters
from entrenous.errors import UnavailableError
from entrenous.server import Limits, Server, Settings
from entrenous.testing.clock import VirtualClock
from entrenous.testing.entropy import SeededEntropy
from entrenous.testing.memory import Wire, connect_in_memory
from entrenous.trace import SILENT, Trace

P = TypeVar("P", bound=asyncio.Protocol)

#: The cheapest Argon2id there is: tests stretch passwords by the hundred. Never outside of tests.
FAST_KSF = Argon2Parameters(memory_kib=8, iterations=1, lanes=1)
#: Where people in memory believe the server to be (RFC 2606).
ADDRESS = "chat.example.org:7443"


class MemoryConnector:
    """Reaches a server in memory, as ``client.session.Connector`` asks. Keeps the wires for a test to handle.

    Args:
        server: the server's protocol factory; a test may set another, or None for a server that cannot be reached.
        address: where the server believes that the client is.
    """

    def __init__(self, server: Callable[[], asyncio.Protocol] | None, address: str = "192.0.2.1") -> None:
        self.server = server
        self.address = address
        self.wires: list[Wire] = []

    async def connect(self, factory: Callable[[], P]) -> P:
        """A new protocol on a new connection.

        Raises:
            UnavailableError: the test has taken the server away.
        """
        if self.server is None:
            raise UnavailableError("the server cannot be reached")
        protocol = factory()
        _, wire = connect_in_memory(protocol, self.server(), address=self.address)
        self.wires.append(wire)
        # The turn in which both ends are told.
        await asyncio.sleep(0)
        return protocol


class MemoryServer:
    """A real ``Server`` in memory, whose clock, randomness and connections belong to a test."""

    def __init__(self, server: Server, clock: VirtualClock) -> None:
        self.server = server
        self.clock = clock

    @classmethod
    async def start(
        cls,
        *,
        seed: str = "server",
        clock: VirtualClock | None = None,
        limits: Limits | None = None,
        trace: Trace = SILENT,
        members_may_invite: bool = True,
        sweep_seconds: float = 600.0,
    ) -> "MemoryServer":
        """Start a server with a database in memory, in the loop's own thread, and the fastest key stretching."""
        clock = clock or VirtualClock(asyncio.get_running_loop())
        settings = Settings(
            data_dir=None,
            public_address=ADDRESS,
            ksf=FAST_KSF,
            members_may_invite=members_may_invite,
            sweep_seconds=sweep_seconds,
            limits=limits or Limits(),
        )
        server = await Server.open(settings, clock=clock, entropy=SeededEntropy(seed), trace=trace, inline_storage=True)
        return cls(server, clock)

    def connector(self, address: str = "192.0.2.1") -> MemoryConnector:
        """A way to reach it, from ``address``."""
        return MemoryConnector(self.server.protocol_factory(), address)

    async def close(self) -> None:
        """End it."""
        await self.server.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
