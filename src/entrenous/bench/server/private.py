"""A server of one's own to measure: ``entrenous server run`` on a fresh directory, alone on its core."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from entrenous.bench.guest import Place
from entrenous.bench.server.meter import processor_time, resident_kib
from entrenous.crypto import system_entropy
from entrenous.errors import UnavailableError
from entrenous.server import Server, Settings, SystemClock

#: The cores of the server and of its clients.
SERVER_CORE, CLIENTS_CORE = 0, 1
#: Files that a process must be able to have open: more than there are clients.
FILES = 16_384
#: What one machine's clients may not do by default, being more than one household, nor one account's in ten minutes.
LIMITS = (
    "connections_per_address=9000",
    "handshakes_per_address=2000",
    "device_logins_per_address=1000000/60",
    "registrations_per_address=10000/60",
    "logins_per_address=1000000/60",
    "logins_per_name=1000000/60",
    "publishes=10000000/60",
)
#: Registrations that the invite is good for, and its seconds.
_INVITES, _LIFETIME = 100, 3_600
#: Seconds that it gets to end.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Private:
    """The server.

    Attributes:
        place: where it is.
        token: an invite's.
        process: its process id.
        database: its SQLite file.
        ready: seconds from the start of the process until it listens.
        ready_cpu: seconds of the processor that this took.
        idle_kib: KiB of memory that it has then.
    """

    place: Place
    token: bytes
    process: int
    database: Path
    ready: float
    ready_cpu: float
    idle_kib: float


@asynccontextmanager
async def private_server(data: Path, samples: Path | None = None) -> AsyncIterator[Private]:
    """Run one; it has ended when this ends.

    Args:
        data: an empty directory.
        samples: where it notes what it spends its time with (``sampler``); None: it does not.

    Raises:
        UnavailableError: it did not start.
    """
    token = await _prepare(data)
    started = time.perf_counter()
    with (data / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 our own program, which is waited for below
            _command(data, samples), stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    try:
        pin(process.pid, SERVER_CORE)
        line = b"" if process.stdout is None else await asyncio.to_thread(process.stdout.readline)
        ready = time.perf_counter() - started
        if not line:
            raise UnavailableError(f"the server did not start: {(data / 'log').read_text()}")
        listening = json.loads(line)
        place = Place("127.0.0.1", listening["port"], bytes.fromhex(listening["server_id"]))
        cpu, memory = processor_time(process.pid), resident_kib(process.pid)
        yield Private(place, token, process.pid, data / "server.db", ready, cpu, memory)
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.communicate, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


async def _prepare(data: Path) -> bytes:
    """Make keys, database and an invite: else the server would at its first start, which is not measured."""
    settings = Settings(data_dir=data, public_address="127.0.0.1:7443")
    server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy)
    try:
        return (await server.create_invite(_INVITES, _LIFETIME)).token
    finally:
        await server.close()


def pin(process: int, core: int) -> None:
    """Keep a process (0: this one) on one core, where there are as many and the system can."""
    if sys.platform == "linux" and core in os.sched_getaffinity(0):
        os.sched_setaffinity(process, {core})


def allow_files() -> int:
    """Raise how many files processes may open as far as is needed and allowed; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def _command(data: Path, samples: Path | None) -> list[str]:
    program = ["entrenous"] if samples is None else ["entrenous.bench.server.sampler", str(samples)]
    command = [sys.executable, "-m", *program, "server", "run", "--data", str(data), "--json"]
    command += ["--host", "127.0.0.1", "--port", "0"]
    return command + [part for limit in LIMITS for part in ("--limit", limit)]
