"""The real tshark on the loopback interface: a capture of a test's own ports, and what the dissector says of it."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postgres import PATIENCE, ended_with_us, need

DISSECTOR = Path(__file__).parents[1] / "tools" / "wireshark" / "entrenous.lua"
_BEGIN, _END = b"the capture begins here", b"the capture ends here"


@dataclass
class Tap:
    """A capture that runs, and a connection in it that is not encrypted.

    Attributes:
        file: the capture.
        said: what has passed on the unencrypted connection: what a search must find.
    """

    file: Path
    port: int
    said: bytes = b""

    async def say(self, data: bytes) -> None:
        """Send bytes over the unencrypted connection; they are in the file when this returns."""
        async with asyncio.timeout(PATIENCE):
            while data not in self.file.read_bytes():
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(data)
                await writer.drain()
                writer.close()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._has(data), 2)

    async def _has(self, data: bytes) -> None:
        while data not in self.file.read_bytes():  # noqa: ASYNC110 another process writes it
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def tapped(folder: Path, port: int) -> AsyncIterator[Tap]:
    """Capture a TCP port of the loopback interface. When the block ends, all of it is in the file."""
    need(*(name for name in ("tshark", "dumpcap", "setpriv") if shutil.which(name) is None))
    if os.geteuid() != 0:
        need("the right to capture packets")
    plain = await asyncio.start_server(_swallow, "127.0.0.1", 0)
    tap = Tap(folder / "tap.pcapng", plain.sockets[0].getsockname()[1])
    tap.file.touch()
    own = f"tcp port {port} or tcp port {tap.port}"
    command = ended_with_us("dumpcap", "-q", "-i", "lo", "-f", own, "-w", str(tap.file))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 it runs beside us
    try:
        await tap.say(_BEGIN)
        yield tap
        await tap.say(_END)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        plain.close()
        await plain.wait_closed()


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1 << 16):
        pass
    writer.close()


def dissected(file: Path, fields: tuple[str, ...], wanted: str = "entrenous", *more: str) -> list[dict[str, list[str]]]:
    """The packets that tshark shows for a display filter, each with all values of these fields; ``more`` for tshark."""
    command = ["tshark", "-X", f"lua_script:{DISSECTOR}", "-r", str(file), *more, "-Y", wanted, "-T", "json"]
    command += [option for name in fields for option in ("-e", name)]
    found = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)
    assert b"Lua" not in found.stderr, found.stderr
    packets: list[dict[str, Any]] = json.loads(found.stdout or b"[]")
    return [packet["_source"]["layers"] for packet in packets]
