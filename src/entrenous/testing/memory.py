"""Connections without a network: a pair of asyncio transports that hand bytes to each other through the loop.

Bytes arrive in order in a later turn of the loop; what was written in one turn arrives in one piece, as a busy network
would have it. Reading can be paused, a writer learns when too much waits, and a test can look at what crossed, change
it, or cut the line.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: Bytes that may wait at the reading end before the writer is asked to pause, and when it may go on.
HIGH_WATER = 64 << 10
LOW_WATER = 16 << 10
#: Bytes that arrive at once at most, as with asyncio's own transports.
LARGEST_PIECE = 256 << 10


@dataclass(eq=False, slots=True)
class Wire:
    """What lies between the two ends, for a test to look at and to handle.

    Attributes:
        upstream: every piece that the client's side wrote, in order.
        downstream: every piece that the server's side wrote.
        tamper: sees each piece on its way, and whether it goes upstream; returns what arrives instead (b"": nothing).
    """

    client: "MemoryTransport"
    server: "MemoryTransport"
    upstream: list[bytes] = field(default_factory=list)
    downstream: list[bytes] = field(default_factory=list)
    tamper: Callable[[bytes, bool], bytes] | None = None

    def cut(self) -> None:
        """Break the line: both sides lose their connection, without a word from the other."""
        error = ConnectionResetError("the line was cut")
        self.client.lose(error)
        self.server.lose(error)

    def carry(self, data: bytes, *, upward: bool) -> bytes:
        """Note a piece on its way; returns what arrives."""
        (self.upstream if upward else self.downstream).append(data)
        return data if self.tamper is None else self.tamper(data, upward)


class MemoryTransport(asyncio.Transport):
    """One end. ``extra`` is what ``get_extra_info`` knows, e.g. the peer's name."""

    def __init__(self, protocol: asyncio.Protocol, loop: asyncio.AbstractEventLoop, extra: dict[str, Any]) -> None:
        super().__init__(extra)
        self._protocol: asyncio.BaseProtocol = protocol
        self._loop = loop
        self._peer: MemoryTransport | None = None
        self._wire: Wire | None = None
        self._arrived: deque[bytes] = deque()
        self._waiting = 0
        self._delivering = False
        self._reading = True
        self._closing = False
        self._lost = False
        self._peer_paused = False
        self._high, self._low = HIGH_WATER, LOW_WATER

    def connect(self, peer: "MemoryTransport", wire: Wire) -> None:
        """Join the two ends; each protocol is told in the next turn of the loop."""
        self._peer, self._wire = peer, wire
        self._loop.call_soon(self._protocol.connection_made, self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes to the other end."""
        if self._closing or self._lost or not data or self._peer is None or self._wire is None:
            return
        arriving = self._wire.carry(bytes(data), upward=self is self._wire.client)
        if arriving:
            self._peer.arrive(arriving)
        if not self._peer_paused and self.get_write_buffer_size() > self._high:
            self._peer_paused = True
            self._protocol.pause_writing()

    def arrive(self, data: bytes) -> None:
        """Bytes from the other end."""
        if self._lost:
            return
        self._arrived.append(data)
        self._waiting += len(data)
        self._schedule()

    def get_write_buffer_size(self) -> int:
        """Bytes that the other end has not taken."""
        return 0 if self._peer is None else self._peer._waiting  # noqa: SLF001 the two ends are one thing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """When the writer is asked to pause, and when it may go on, in bytes."""
        self._high = HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low

    def pause_reading(self) -> None:
        """Take no more bytes for now."""
        self._reading = False

    def resume_reading(self) -> None:
        """Take bytes again."""
        self._reading = True
        self._schedule()

    def is_reading(self) -> bool:
        """Whether bytes are taken."""
        return self._reading and not self._closing

    def is_closing(self) -> bool:
        """Whether this end was closed."""
        return self._closing

    def close(self) -> None:
        """Close this end; what was written still arrives, then the other end reads the end."""
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self.lose, None)

    def abort(self) -> None:
        """Close at once."""
        self.close()

    def lose(self, error: Exception | None) -> None:
        """The connection is gone; the protocol is told once, and so is the other end."""
        if self._lost:
            return
        self._lost = self._closing = True
        self._arrived.clear()
        self._waiting = 0
        self._loop.call_soon(self._protocol.connection_lost, error)
        if self._peer is not None:
            self._peer.finish()

    def finish(self) -> None:
        """The other end is closed: what arrived is read first, then the end."""
        self._arrived.append(b"")
        self._schedule()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection to another protocol."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whose connection it is."""
        return self._protocol

    def _schedule(self) -> None:
        if self._arrived and self._reading and not self._delivering and not self._lost:
            self._delivering = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivering = False
        if not self._arrived or not self._reading or self._lost:
            return
        data = self._take()
        if self._peer is not None:
            self._peer.drained()
        protocol = self._protocol
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError(f"{protocol!r} is not a streaming protocol")
        if data:
            protocol.data_received(data)
        elif not protocol.eof_received():
            self.close()
        self._schedule()

    def _take(self) -> bytes:
        """What arrives now; b"" is the end."""
        pieces = [self._arrived.popleft()]
        size = len(pieces[0])
        # The end is a piece of its own.
        while size and self._arrived and self._arrived[0] and size + len(self._arrived[0]) <= LARGEST_PIECE:
            pieces.append(self._arrived.popleft())
            size += len(pieces[-1])
        self._waiting -= size
        return b"".join(pieces)

    def drained(self) -> None:
        """The other end has taken something."""
        if self._peer_paused and self.get_write_buffer_size() <= self._low:
            self._peer_paused = False
            if not self._lost:
                self._protocol.resume_writing()


def connect_in_memory(
    client: asyncio.Protocol, server: asyncio.Protocol, *, address: str = "192.0.2.1"
) -> tuple[MemoryTransport, Wire]:
    """Join two protocols; returns the client's transport, and the wire for a test to handle.

    Args:
        client: the client's protocol.
        server: the server's protocol.
        address: where the server believes that the client is (RFC 5737's documentation range unless said otherwise).
    """
    loop = asyncio.get_running_loop()
    near = MemoryTransport(client, loop, {"peername": ("memory", 0)})
    far = MemoryTransport(server, loop, {"peername": (address, 40_000)})
    wire = Wire(near, far)
    far.connect(near, wire)
    near.connect(far, wire)
    return near, wire
