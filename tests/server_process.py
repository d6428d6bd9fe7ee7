"""A server in a process of its own, on SQLite and TCP, for tests that kill it; and people who talk to it.

Run as a program it serves until it is ended, prints one JSON line when it listens, and stretches passwords as little
as Argon2id can: it is for tests alone.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import structlog

from entrenous.cli.run import server_loop
from entrenous.client.accounts import Stretching, register
from entrenous.client.environment import Environment, in_place
from entrenous.client.keyfile import StoreKey
from entrenous.client.session import Connector, TcpConnector
from entrenous.client.store import Store
from entrenous.crypto import system_entropy
from entrenous.identity import InviteLink, format_link, parse_link
from entrenous.server import Server, Settings, SystemClock
from entrenous.server.store import Transaction
from entrenous.testing import FAST_KSF, SeededEntropy
from entrenous.testing.members import PASSWORD, Person
from full_disks import UNLIMITED_PAGES

#: Seconds in which the process must listen.
PATIENCE = 30.0
#: The file in the data directory at whose sight the process dies in its next commit, and the seconds that this takes.
LAST_COMMIT, COMMIT_SECONDS = "last commit", 0.2
#: The file at whose sight there is no space for what it would write.
FULL_DISK = "full disk"
#: Registrations that the link is good for, and its seconds.
_USES, _LIFETIME = 1_000, 3_600
_STORE_KEY = StoreKey(bytes(32))


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder for the stores of people who are not what a test is about: in memory where there is such a place."""
    memory = Path("/dev/shm")  # noqa: S108 the folder in it is private, and gets a name of its own
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@dataclass
class ServerProcess:
    """The process. Started again after ``kill`` it is the same server at the same address.

    Attributes:
        data: its data directory.
        port: 0 until the first start.
        link: lets people register.
        options: further settings, by name.
    """

    data: Path
    port: int = 0
    link: InviteLink | None = None
    process: "subprocess.Popen[bytes] | None" = None
    options: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        (self.data / LAST_COMMIT).unlink(missing_ok=True)
        command = (sys.executable, __file__, "--data", str(self.data), "--port", str(self.port))
        settings = ("--options", json.dumps(self.options))
        search = os.pathsep.join(path for path in sys.path if path)
        environment = {**os.environ, "PYTHONPATH": search}
        self.process = subprocess.Popen((*command, *settings), stdout=subprocess.PIPE, env=environment)  # noqa: ASYNC220 outlives loops
        output = self.process.stdout
        assert output is not None
        async with asyncio.timeout(PATIENCE):
            told = json.loads(await asyncio.to_thread(output.readline))
        self.port, self.link = told["port"], parse_link(told["link"])

    @property
    def database(self) -> Path:
        """Its SQLite file."""
        return self.data / "server.db"

    def kill(self) -> None:
        """SIGKILL: it does nothing more, not even an answer that it has begun. Killing twice is killing once."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.communicate()

    async def kill_in_a_commit(self) -> None:
        """SIGKILL while it writes the next transaction, which is lost: nobody may have heard of what is in it."""
        process = self.process
        assert process is not None
        (self.data / LAST_COMMIT).touch()
        async with asyncio.timeout(PATIENCE):
            await asyncio.to_thread(process.wait)
        self.kill()

    def fill_disk(self) -> None:
        """From now on its database cannot grow."""
        (self.data / FULL_DISK).touch()

    def free_disk(self) -> None:
        """Now it can again."""
        (self.data / FULL_DISK).unlink(missing_ok=True)

    def connector(self) -> Connector:
        """A way to reach it."""
        return TcpConnector("127.0.0.1", self.port)

    async def person(self, name: str, directory: Path) -> Person:
        """Register somebody, on a profile in ``directory``, and start the client, in this process."""
        assert self.link is not None
        person = self._profile(name, directory)
        stretching = Stretching(FAST_KSF, FAST_KSF)
        await register(
            self.link,
            person.connector,
            person.store,
            person.environment,
            login_name=name,
            password=PASSWORD,
            stretching=stretching,
        )
        await person.start()
        return person

    async def returning(self, name: str, directory: Path) -> Person:
        """Somebody who registered in a process that has ended."""
        person = self._profile(name, directory)
        await person.start()
        return person

    def _profile(self, name: str, directory: Path) -> Person:
        path = directory / f"{name}.db"
        environment = Environment(SystemClock(), system_entropy, offload=in_place)
        seed = SeededEntropy(f"{name} {system_entropy(16).hex()}")
        return Person(name, path, self.connector(), environment, seed, Store.open(path, _STORE_KEY))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.kill()


async def serve(data: Path, port: int, options: dict[str, Any]) -> None:
    """Listen until the process ends."""
    settings = Settings(
        data_dir=data,
        host="127.0.0.1",
        port=port,
        public_address="127.0.0.1:7443",
        ksf=FAST_KSF,
        **options,
    )
    server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy)
    await server.listen()
    link = await server.create_invite(_USES, _LIFETIME)
    sys.stdout.write(json.dumps({"port": server.address[1], "link": format_link(link)}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def be_killed_in_a_commit(sign: Path) -> None:
    """Once a file is there, let the next transaction that writes take its time, and die in it by SIGKILL.

    Its time is long enough for the other threads to send whatever they would send before it is on the disk.
    """
    control = Transaction.control
    writes = False

    def mortal(self: Transaction, command: str) -> None:
        nonlocal writes
        if command.startswith("BEGIN"):
            writes = command == "BEGIN IMMEDIATE"
        if command == "COMMIT" and writes and sign.exists():
            time.sleep(COMMIT_SECONDS)
            os.kill(os.getpid(), signal.SIGKILL)
        control(self, command)

    Transaction.control = mortal  # type: ignore[method-assign] # in a process that was made for it


def have_a_disk(sign: Path) -> None:
    """While a file is there, let the database have no page more than it had when it was first seen."""
    control = Transaction.control
    most = 0

    def limited(self: Transaction, command: str) -> None:
        nonlocal most
        control(self, command)
        if command != "BEGIN IMMEDIATE":
            return
        if sign.exists():
            most = most or pragma(self, "page_count")
            pragma(self, f"max_page_count = {most}")
        elif most:
            most = 0
            pragma(self, f"max_page_count = {UNLIMITED_PAGES}")

    def pragma(self: Transaction, what: str) -> int:
        self._cursor.execute(f"PRAGMA {what}")
        row = self._cursor.fetchone()
        return int(row[0]) if row else 0

    Transaction.control = limited  # type: ignore[method-assign] # in a process that was made for it


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=serve.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--options", type=json.loads, default={})
    chosen = parser.parse_args()
    be_killed_in_a_commit(chosen.data / LAST_COMMIT)
    have_a_disk(chosen.data / FULL_DISK)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    with asyncio.Runner(loop_factory=server_loop) as runner:
        runner.run(serve(chosen.data, chosen.port, chosen.options))


if __name__ == "__main__":
    main()
