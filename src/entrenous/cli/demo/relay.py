"""A relay between the clients and the server that keeps every byte that crossed: the demo's wiretap."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Self

_CHUNK = 64 << 10


@dataclass
class Relay:
    """Listens on loopback and passes each connection on to the server, recording both directions."""

    target_port: int
    recorded: dict[str, bytearray] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        assert self._server is not None  # noqa: S101 only asked for inside the context
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many connections have crossed."""
        return len(self.recorded) // 2

    def haystacks(self) -> dict[str, bytes]:
        """What crossed each connection, by direction."""
        return {name: bytes(data) for name, data in self.recorded.items()}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101 set by __aenter__
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 a coroutine always runs in a task
        self._tasks.add(task)
        try:
            number = self.connections + 1
            up = self.recorded.setdefault(f"socket {number}, client to server", bytearray())
            down = self.recorded.setdefault(f"socket {number}, server to client", bytearray())
            await self._pass_on(reader, writer, up, down)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: bytearray, down: bytearray
    ) -> None:
        with contextlib.suppress(OSError):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            try:
                await asyncio.gather(_copy(reader, server_writer, up), _copy(server_reader, writer, down))
            finally:
                server_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            record += data
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
