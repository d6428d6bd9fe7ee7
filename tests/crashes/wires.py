"""Connections between the house and the guest: a wire in memory in each process, and the bytes carried over between."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from entrenous.errors import UnavailableError
from entrenous.testing import MemoryTransport, connect_in_memory

P = TypeVar("P", bound=asyncio.Protocol)
Send = Callable[..., None]
#: A connection: whose it is, and the how-manieth.
WireId = tuple[str, int]


class _Passage(asyncio.Protocol):
    """Where a wire leaves this process."""

    def __init__(self, number: WireId, send: Send) -> None:
        self._number = number
        self._send = send
        self.transport: MemoryTransport | None = None

    def data_received(self, data: bytes) -> None:
        self._send("write", self._number, data)

    def connection_lost(self, _: Exception | None) -> None:
        self._send("close", self._number)

    def arrive(self, data: bytes) -> None:
        """Bytes from the other process."""
        if self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        """The other process has closed it, or has died: what it had sent still arrives."""
        if self.transport is not None:
            self.transport.close()


class Wires:
    """All connections between the two processes, as one of them has them.

    Args:
        send: tells the other process.
        accept: makes the server's end of a connection that the other process opens; None where the server is there.
        name: tells the connections that are opened here from those of others.
    """

    def __init__(self, send: Send, accept: Callable[[], asyncio.Protocol] | None = None, *, name: str = "") -> None:
        self._send = send
        self._accept = accept
        self._name = name
        self._passages: dict[WireId, _Passage] = {}
        self._opened = 0
        #: Whether connections come about, and last.
        self.is_up = True

    async def connect(self, factory: Callable[[], P]) -> P:
        """Open a connection, as ``client.session.Connector`` asks.

        Raises:
            UnavailableError: the other process cannot be reached.
        """
        if not self.is_up:
            raise UnavailableError("the server cannot be reached")
        self._opened += 1
        number = self._name, self._opened
        passage = self._passages[number] = _Passage(number, self._send)
        protocol = factory()
        _, wire = connect_in_memory(protocol, passage)
        passage.transport = wire.server
        self._send("open", number)
        await asyncio.sleep(0)
        return protocol

    def take(self, kind: str, number: WireId, *data: Any) -> None:
        """What the other process tells of a connection."""
        if kind == "open" and self.is_up and self._accept is not None:
            passage = self._passages[number] = _Passage(number, self._send)
            passage.transport, _ = connect_in_memory(passage, self._accept())
        elif kind == "open":
            self._send("close", number)
        elif number in self._passages and kind == "write":
            self._passages[number].arrive(*data)
        elif number in self._passages:
            self._passages.pop(number).close()

    def cut(self) -> None:
        """Every connection ends."""
        passages, self._passages = self._passages, {}
        for passage in passages.values():
            passage.close()
