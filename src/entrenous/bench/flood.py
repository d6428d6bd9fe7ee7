"""How much one client's flood delays another's messages: run ``python -m entrenous.bench.flood``.

A real server in a process of its own, on a disk and over TCP; one person who sends a message every few milliseconds
and waits for each to be stored; and one who floods, in turns of a second or two, so that whatever else the machine
does falls on both. Printed for each kind of flood: both 99th percentiles and their ratio.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from entrenous.bench.floods import Flood, flood
from entrenous.bench.guest import Guest, Place
from entrenous.bench.line import Line
from entrenous.errors import UnavailableError
from entrenous.identity import parse_link
from entrenous.wire import replies, requests

#: Bytes of the messages that are measured, and seconds between an answer and the next one.
MESSAGE_SIZE = 200
PAUSE = 0.004
#: Seconds that a flood runs before its effect is measured.
SETTLING = 0.2
#: Seconds in which everything must be ready.
PATIENCE = 60.0
_INVITES, _LIFETIME = 100, 3_600


@dataclass(slots=True)
class Measured:
    """Seconds that messages took, without the flood and in it."""

    calm: list[float] = field(default_factory=list)
    flooded: list[float] = field(default_factory=list)
    answered: int = 0

    @property
    def ratio(self) -> float:
        """How many times longer the 99th percentile is in the flood."""
        return percentile(self.flooded, 99) / percentile(self.calm, 99)


def percentile(values: Sequence[float], number: int) -> float:
    """The ``number``-th percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[number - 1]


@contextmanager
def server_process(data: Path) -> Iterator[tuple[Place, bytes, int]]:
    """A server on a fresh data directory: where it is, an invite's token, and its process id.

    Raises:
        UnavailableError: it did not start.
    """
    command = [sys.executable, "-m", "entrenous", "server", "run", "--data", str(data), "--json"]
    command += ["--host", "127.0.0.1", "--port", "0"]
    with (data / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)  # noqa: S603 our own program
    try:
        lines = [process.stdout.readline() for _ in range(2)] if process.stdout is not None else []
        if not all(lines):
            raise UnavailableError(f"the server did not start: {(data / 'log').read_text()}")
        listening, invite = (json.loads(line) for line in lines)
        link = parse_link(invite["link"])
        yield Place("127.0.0.1", listening["port"], link.server_id), link.token, process.pid
    finally:
        process.terminate()
        process.communicate()


async def send_for(seconds: float, guest: Guest, line: Line) -> list[float]:
    """Send messages one after the other; returns what each took until it was stored."""
    took: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        await line.call(guest.message(MESSAGE_SIZE), replies.Published)
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(PAUSE)
    return took


async def measure(guest: Guest, line: Line, flooder: Guest, kind: Flood, rounds: int, seconds: float) -> Measured:
    """Turns of calm and flood."""
    context = multiprocessing.get_context("spawn")
    running, answered = context.Event(), context.Value("q", 0)
    process = context.Process(target=flood, args=(flooder, kind, running, answered), daemon=True)
    process.start()
    measured = Measured()
    try:
        running.set()
        await _until(lambda: answered.value > 0)
        before = answered.value
        for _ in range(rounds):
            running.clear()
            await _until(_settled(answered))
            measured.calm += await send_for(seconds, guest, line)
            running.set()
            await asyncio.sleep(SETTLING)
            measured.flooded += await send_for(seconds, guest, line)
        measured.answered = answered.value - before
    finally:
        process.kill()
        process.join()
    return measured


async def _until(is_so: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 another process's value, which nothing can await
            await asyncio.sleep(SETTLING)


def _settled(answered: "Synchronized[int]") -> Callable[[], bool]:
    """Whether everything that a flood had asked for is answered: nothing more was since the last look."""
    last = -1

    def is_so() -> bool:
        nonlocal last
        before, last = last, answered.value
        return before == last

    return is_so


def memory_of(process: int) -> float:
    """Megabytes that a process has in memory; 0 where the system does not tell."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0.0
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def main(kinds: Sequence[Flood], rounds: int, seconds: float) -> None:
    """Measure each kind and print a table."""
    with tempfile.TemporaryDirectory() as directory, server_process(Path(directory)) as (place, token, server):
        guest = await Guest.register(place, token, "measured")
        line = await guest.come()
        invite = await line.call(requests.CreateInvite(_INVITES, _LIFETIME), replies.InviteCreated)
        await send_for(1.0, guest, line)
        say(f"{'flood of':12}{'requests':>10}{'calm p99':>12}{'flood p99':>12}{'ratio':>8}{'server':>10}")
        for kind in kinds:
            flooder = await Guest.register(place, invite.token, f"flood-{kind}")
            found = await measure(guest, line, flooder, kind, rounds, seconds)
            calm, flooded = (percentile(values, 99) * 1000 for values in (found.calm, found.flooded))
            told = f"{kind:12}{found.answered:10}{calm:9.1f} ms{flooded:9.1f} ms{found.ratio:8.2f}"
            say(f"{told}{memory_of(server):7.0f} MB")
        line.transport.close()


def say(line: str) -> None:
    """A line of the result, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kinds", nargs="+", type=Flood, default=list(Flood), choices=list(Flood))
    parser.add_argument("--rounds", type=int, default=5, help="turns of calm and flood")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.kinds, chosen.rounds, chosen.seconds))
