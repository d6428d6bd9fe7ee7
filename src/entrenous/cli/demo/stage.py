"""The demo's stage: a temporary folder with a real server process in it, and the wiretap before it."""

import asyncio
import contextlib
import json
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from entrenous.cli.demo.person import PATIENCE, Person, entrenous
from entrenous.cli.demo.relay import Relay
from entrenous.errors import UnavailableError
from entrenous.mls.types import MLSMessage, PrivateMessage


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What the server keeps of one entry of a room's log: its kind and size, and how its ciphertext begins."""

    sequence: int
    kind: str
    size: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Stage:
    """A running server, the relay that records what crosses, and the folder of both."""

    folder: Path
    relay: Relay
    first_link: str

    def client_files(self, people: tuple[Person, ...]) -> dict[str, bytes]:
        """Everything that the people's own clients keep."""
        return {
            f"{person.name}/{path.relative_to(person.directory)}": path.read_bytes()
            for person in people
            for path in sorted(person.directory.rglob("*"))
            if path.is_file()
        }

    @property
    def server_folder(self) -> Path:
        """Where the server keeps its database, keys and log."""
        return self.folder / "server"

    def haystacks(self) -> dict[str, bytes]:
        """Everything that the server wrote and everything that crossed the sockets."""
        files = {
            f"server/{path.relative_to(self.server_folder)}": path.read_bytes()
            for path in sorted(self.server_folder.rglob("*"))
            if path.is_file()
        }
        return files | self.relay.haystacks()

    def stored_entries(self) -> list[StoredEntry]:
        """The log as it stands in the server's database."""
        database = next(path for path in self.server_folder.rglob("*.db"))
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT sequence, body FROM entries ORDER BY room, sequence").fetchall()
        return [_described(sequence, body) for sequence, body in rows]


def _described(sequence: int, body: bytes) -> StoredEntry:
    message = MLSMessage.decode(body).body
    if not isinstance(message, PrivateMessage):
        raise UnavailableError(f"entry {sequence} is no PrivateMessage")
    return StoredEntry(sequence, message.content_type.name.lower(), len(body), message.ciphertext[:16])


@contextlib.asynccontextmanager
async def raised() -> AsyncIterator[Stage]:
    """Set the stage, and clear it away afterwards whatever happened on it."""
    with tempfile.TemporaryDirectory(prefix="entrenous-demo-") as name:
        folder = Path(name)
        (folder / "server").mkdir(mode=0o700)
        async with Relay(target_port=0) as relay:
            process = await _start_server(folder / "server", relay.port)
            try:
                async with asyncio.timeout(PATIENCE):
                    listening, invite = await _read_line(process), await _read_line(process)
                relay.target_port = listening["port"]
                yield Stage(folder, relay, str(invite["link"]))
            finally:
                await _stop(process)


async def _start_server(folder: Path, public_port: int) -> asyncio.subprocess.Process:
    arguments = ("--log-level", "debug", "server", "run", "--data", str(folder / "data"), "--json")
    with (folder / "server.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *entrenous(*arguments, "--host", "127.0.0.1", "--port", "0", "--public", f"127.0.0.1:{public_port}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )


async def _read_line(process: asyncio.subprocess.Process) -> dict[str, int]:
    assert process.stdout is not None  # noqa: S101 it was made with a pipe
    line = await process.stdout.readline()
    if not line:
        raise UnavailableError("the server did not start; its log is in the demo's folder")
    return dict(json.loads(line))


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
