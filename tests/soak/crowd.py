"""The soak's crowd: two hundred clients of one server, to whom everything happens; it tells what it counted.

The clients live in ten processes. Every room has one member in each. While all of them talk, single clients lose their
connection or are restarted, and whole processes are suspended (SIGSTOP) or killed (SIGKILL) and come back. At the end
everybody must hold the same log, every message that was ever said must stand in it once, and nobody may have been
alarmed.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entrenous.identity import format_link
from room_logs import server_log
from server_process import ServerProcess, quick_folder

#: Seconds between two accidents of whole processes, and of a suspension, at most.
ACCIDENT_EVERY, SUSPENDED = 8.0, 10.0
#: Seconds in which any process must have done what it was told.
PATIENCE = 600.0
#: Bytes of the longest line of a report.
LONGEST_LINE = 64 << 20


@dataclass
class Process:
    """One process of clients."""

    name: str
    clients: int
    folder: Path
    server: ServerProcess
    runs: int = 0
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; it registers its clients, or opens them as they were."""
        self.runs += 1
        assert self.server.link is not None
        names = ",".join(f"{self.name}-{number:02}" for number in range(self.clients))
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "soak.worker", "--folder", str(self.folder), "--names", names),
            *("--port", str(self.server.port), "--link", format_link(self.server.link), "--run", str(self.runs)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            limit=LONGEST_LINE,
        )
        await self._answer()

    async def tell(self, line: str) -> dict[str, Any]:
        """Have it obey a line; returns its answer."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()
        return await self._answer()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def kill(self) -> None:
        """End it at once."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def _answer(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self.process.stdout.readline()
        assert line, f"{self.name} has ended"
        return dict(json.loads(line))


@dataclass
class Soak:
    """All processes, and what was counted."""

    server: ServerProcess
    processes: list[Process]
    counts: "Counter[str]" = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        """The whole of it."""
        began = time.perf_counter()
        await asyncio.gather(*(process.start() for process in self.processes))
        self.note(f"registered after {time.perf_counter() - began:.0f} s")
        names = " ".join(process.name for process in self.processes)
        answers = await asyncio.gather(
            *(process.tell(f"invite {place} {names}") for place, process in enumerate(self.processes))
        )
        rooms = [room for answer in answers for room in answer["rooms"]]
        self.note(f"{len(rooms)} rooms of {len(self.processes)} after {time.perf_counter() - began:.0f} s")
        await self._everybody("talk")
        await self._accidents(seconds)
        began = time.perf_counter()
        await self._everybody("hush")
        logs = {room: server_log(self.server.database, bytes.fromhex(room)) for room in rooms}
        places = json.dumps({room: len(log) for room, log in logs.items()})
        reports = await self._everybody(f"settle {places}")
        self.note(f"all read to the end {time.perf_counter() - began:.0f} s after the last word")
        self.counts["entries"] = sum(map(len, logs.values()))
        self._judge(rooms, reports)

    async def _everybody(self, line: str) -> list[dict[str, Any]]:
        return list(await asyncio.gather(*(process.tell(line) for process in self.processes)))

    async def _accidents(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            await asyncio.sleep(min(left, random.uniform(0, 2 * ACCIDENT_EVERY)))
            process = random.choice(self.processes)
            if random.random() < 0.7:
                self.counts["processes suspended"] += 1
                process.signal(signal.SIGSTOP)
                await asyncio.sleep(random.uniform(0, SUSPENDED))
                process.signal(signal.SIGCONT)
            else:
                self.counts["processes killed"] += 1
                await process.kill()
                await process.start()
                await process.tell("talk")

    def _judge(self, rooms: list[str], reports: list[dict[str, Any]]) -> None:
        held = {who: what for report in reports for who, what in report["held"].items()}
        for report in reports:
            self.counts.update({f"clients {what}": count for what, count in report["counts"].items()})
            self.complaints += report["alarms"]
        said = [line for path in self.processes[0].folder.glob("*.said") for line in path.read_text().splitlines()]
        self.counts["messages surely said"] = len(said)
        found: Counter[str] = Counter()
        for room in rooms:
            here = [what for who, what in held.items() if who.endswith(f" {room}")]
            self.counts["messages read"] += sum(len(what["texts"]) for what in here)
            if len(here) != len(self.processes):
                self.complaints.append(f"{room[:8]} has {len(here)} members")
            for thing in ("log", "epoch", "messages"):
                if len({what[thing] for what in here}) != 1:
                    self.complaints.append(f"the members of {room[:8]} disagree about: {thing}")
            found.update(here[0]["texts"])
        self.counts["messages lost"] = len(set(said) - set(found))
        self.counts["messages twice"] = sum(count - 1 for count in found.values())
        waits = sorted(wait for report in reports for wait in report["waits"])
        if waits:
            self.note(
                f"server's answer to a message: median {1000 * waits[len(waits) // 2]:.0f} ms,"
                f" 99th percentile {1000 * waits[len(waits) * 99 // 100]:.0f} ms of {len(waits)}"
            )

    def note(self, line: str) -> None:
        """Tell."""
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    @property
    def has_failed(self) -> bool:
        """Whether anything was wrong."""
        return bool(self.complaints or self.counts["messages lost"] or self.counts["messages twice"])


async def crowd(seconds: float, clients: int, processes: int) -> Soak:
    """Two hundred clients, or so many; returns what was counted."""
    each = clients // processes
    with quick_folder() as folder, tempfile.TemporaryDirectory() as data:
        async with ServerProcess(Path(data) / "server") as server:
            names = (f"process{number}" for number in range(processes))
            soak = Soak(server, [Process(name, each, folder, server) for name in names])
            try:
                await soak.run(seconds)
            finally:
                await asyncio.gather(*(process.kill() for process in soak.processes if process.process is not None))
    return soak
