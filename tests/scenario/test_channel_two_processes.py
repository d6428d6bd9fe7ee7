"""Two processes, one TCP connection on loopback, both suites: what one says the other hears, and nobody in between."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from entrenous.channel import SUITES, ClientConnection, Event, HandshakeFinished, MessageReceived, Suite
from entrenous.crypto import system_entropy
from entrenous.errors import RejectedError

ANSWERING = Path(__file__).with_name("channel_answering_process.py")
TIME_LIMIT = 30  # seconds; only a hang takes that long
TEXT = b"a secret that only the two of us should read"

every_suite = pytest.mark.parametrize("suite", SUITES.values(), ids=[suite.label for suite in SUITES.values()])


class Line:
    """A client connection over one TCP stream, which also keeps every byte that was on the wire."""

    def __init__(
        self, connection: ClientConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connection = connection
        self.wire = b""
        self._reader = reader
        self._writer = writer

    async def flush(self) -> None:
        data = self.connection.data_to_send(time.time())
        self.wire += data
        self._writer.write(data)
        await self._writer.drain()

    async def event(self) -> Event:
        """The next event, read from the network until there is one."""
        while (event := self.connection.next_event()) is None:
            data = await self._reader.read(65_536)
            self.wire += data
            self.connection.receive_data(data, time.time())
            if not data:
                self.connection.eof_received()
        return event


@asynccontextmanager
async def other_process() -> AsyncIterator[tuple[bytes, int, asyncio.StreamReader]]:
    """A server in another process: its id, its port, and what it goes on to print."""
    process = await asyncio.create_subprocess_exec(sys.executable, str(ANSWERING), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        server_id, port = (await process.stdout.readline()).decode().split()
        yield bytes.fromhex(server_id), int(port), process.stdout
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def line_to(port: int, suite: Suite, pin: bytes) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(ClientConnection(suite, pin=pin, entropy=system_entropy, now=time.time()), reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


@every_suite
async def test_two_processes_exchange_a_message_nobody_on_the_wire_can_read(suite: Suite) -> None:
    async with asyncio.timeout(TIME_LIMIT), other_process() as (server_id, port, printed):
        async with line_to(port, suite, server_id) as line:
            await line.flush()
            opened = await line.event()
            assert isinstance(opened, HandshakeFinished)
            assert (await printed.readline()).decode().split() == [opened.handshake_hash.hex(), str(suite.number)]
            line.connection.send_message(TEXT)
            await line.flush()
            assert await line.event() == MessageReceived(b"heard: " + TEXT)
            line.connection.close()
            await line.flush()
        assert TEXT not in line.wire
        assert line.wire.startswith(b"ENTR")


@every_suite
async def test_a_client_with_another_pin_tells_that_server_nothing(suite: Suite) -> None:
    async with (
        asyncio.timeout(TIME_LIMIT),
        other_process() as (_, port, _printed),
        line_to(port, suite, bytes(32)) as line,
    ):
        await line.flush()
        with pytest.raises(RejectedError, match="CHAN-PIN"):
            await line.event()
        assert line.connection.data_to_send(time.time()) == b""
