"""What happens to servers while people talk; it goes on for a while, and counts what it has done."""

import asyncio
import contextlib
import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from entrenous.testing.members import Person
from nats_server import PrivateNats
from postgres import PrivatePostgres
from server_process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable


@dataclass(frozen=True, slots=True)
class Pace:
    """How long it goes on.

    Attributes:
        seconds: after which nothing more happens, if everything has once.
        every: seconds between two misfortunes.
        gone: seconds for which something is gone.
    """

    seconds: float
    every: float = 3.0
    gone: float = 1.5


async def server_is_killed(server: ServerProcess, people: Sequence[Person], pace: Pace, counts: "Counter[str]") -> None:
    """SIGKILL every few seconds, by turns in the middle of a commit and at any moment; it is started again at once."""

    async def kill() -> None:
        await server.kill_in_a_commit()
        await come_back("killed in a commit")

    async def kill_anywhere() -> None:
        server.kill()
        await come_back("killed at any moment")

    async def come_back(what: str) -> None:
        counts[what] += 1
        await server.start()
        retry(people)

    await _by_turns(pace, kill, kill_anywhere)


async def disk_is_full(server: ServerProcess, people: Sequence[Person], pace: Pace, counts: "Counter[str]") -> None:
    """The server's disk is full, and has space again."""

    async def fill() -> None:
        counts["disk full"] += 1
        server.fill_disk()
        # What still fits is stored. Then people go on talking, and nothing of it is.
        before, stored = -1, entries_of(server.database)
        while stored > before:
            await asyncio.sleep(pace.gone)
            before, stored = stored, entries_of(server.database)
        server.free_disk()
        retry(people)

    await _by_turns(pace, fill)


async def cluster_is_shaken(
    nodes: Sequence[ServerProcess],
    postgres: PrivatePostgres,
    nats: PrivateNats,
    people: Sequence[Person],
    pace: Pace,
    counts: "Counter[str]",
) -> None:
    """PostgreSQL, NATS, and one node after the other are gone for a while."""

    async def without(what: str, stop: Callable[[], None], start: "Callable[[], Awaitable[None]]") -> None:
        counts[what] += 1
        await asyncio.to_thread(stop)
        retry(people)
        await asyncio.sleep(pace.gone)
        await start()
        retry(people)

    async def start_postgres() -> None:
        await asyncio.to_thread(postgres.start)

    async def start_nats() -> None:
        await asyncio.to_thread(nats.start)

    turn = itertools.cycle(nodes)

    async def node_dies() -> None:
        node = next(turn)
        await without("node killed", node.kill, node.start)

    await _by_turns(
        pace,
        lambda: without("PostgreSQL stopped", postgres.stop, start_postgres),
        node_dies,
        lambda: without("NATS stopped", nats.stop, start_nats),
        node_dies,
    )


def entries_of(database: Path) -> int:
    """How many entries a server's database has; the server may run."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM entries").fetchone()[0])


def retry(people: Sequence[Person]) -> None:
    """Nobody waits longer than he must before he tries to connect again."""
    for person in people:
        person.running.retry_now()


async def _by_turns(pace: Pace, *happenings: "Callable[[], Awaitable[None]]") -> None:
    """One after the other, again and again; each of them happens at least once."""
    loop = asyncio.get_running_loop()
    end = loop.time() + pace.seconds
    for number, happening in enumerate(itertools.cycle(happenings)):
        if number >= len(happenings) and loop.time() >= end:
            return
        await asyncio.sleep(pace.every)
        await happening()
