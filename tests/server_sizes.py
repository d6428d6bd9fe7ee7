"""What accounts and messages take on a server's disk: run as a program, it fills a store and prints bytes for each.

PYTHONPATH=tests .venv/bin/python -m server_sizes
"""

import contextlib
import sqlite3
import tempfile
from pathlib import Path

from entrenous.cli.logs import LogFormat, LogLevel, configure
from entrenous.testing import run_virtual
from entrenous.wire import requests
from server_directory import world_in
from server_people import Person, World

#: Accounts that register, messages that one of them says, and bytes of each: ciphertext of a short text (groups.md).
ACCOUNTS, MESSAGES, SIZE = 40, 5_000, 400
#: Bytes of a vault as clients seal it (auth.md): a multiple of 4,096 and what wraps it.
VAULT = 4_400


def occupied(database: Path) -> int:
    """Bytes of a database's pages that are in use."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        pages, free, size = (
            opened.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


async def measure(folder: Path) -> tuple[float, float]:
    """Bytes of an account with one device, and of a message that waits for its reader."""
    async with await world_in(folder) as world:
        database = folder / "server.db"
        first = await newcomer(world, 0)
        empty = occupied(database)
        for number in range(1, ACCOUNTS + 1):
            await newcomer(world, number)
        accounts = occupied(database)
        room = await first.create_room()
        for _ in range(MESSAGES // 100):
            for answer in [first.client.start(first.publish_request(room, bytes(SIZE))) for _ in range(100)]:
                await answer
        return (accounts - empty) / ACCOUNTS, (occupied(database) - accounts) / MESSAGES


async def newcomer(world: World, number: int) -> Person:
    person = await world.person(f"person{number}")
    await person.client.call(requests.PutVault(1, bytes(VAULT)))
    return person


def main() -> None:
    """Print both."""
    configure(LogLevel.WARNING, LogFormat.CONSOLE)
    with tempfile.TemporaryDirectory() as folder:
        account, message = run_virtual(measure(Path(folder)))
    print(f"account: {account:,.0f} bytes; message of {SIZE} bytes: {message:,.0f} bytes")  # noqa: T201 it is its job


if __name__ == "__main__":
    main()
