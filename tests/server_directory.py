"""A server's data directory with people in it, and the operator's commands run on it in place."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner

from entrenous.cli.main import NAME, app
from entrenous.testing import run_virtual
from full_disks import start_server
from server_people import World


async def world_in(directory: Path) -> World:
    """The server of a data directory, in this process, with its store in the loop's own thread."""
    return World(await start_server(directory, "server"))


@dataclass(frozen=True)
class Directory:
    """A stopped server's directory: alice and bob are in one room, with three entries in its log."""

    path: Path
    alice: bytes
    bob: bytes
    device: bytes
    room: bytes


def populate(path: Path) -> Directory:
    """Make one."""

    async def main() -> Directory:
        async with await world_in(path) as world:
            alice, bob = await world.person("alice"), await world.person("bob")
            room = await alice.create_room()
            base = await alice.add(room, bob)
            for _ in range(2):
                await alice.publish(room, base=base)
            return Directory(path, alice.account, bob.account, bob.device, room)

    return run_virtual(main())


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output, a JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def entrenous(*words: object, typed: str | None = None, expect: int = 0) -> Ran:
    """Run a command in this process."""
    try:
        done = CliRunner().invoke(app, [str(word) for word in words], input=typed, prog_name=NAME)
    finally:
        structlog.reset_defaults()  # a command configures the log for its process, and this one goes on
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == expect, done.output
    return Ran(done.exit_code, done.stdout, done.stderr)


def server_command(directory: Path, *words: object, typed: str | None = None, expect: int = 0) -> Ran:
    """Run ``entrenous server …`` on a data directory."""
    return entrenous("server", *words, "--data", directory, typed=typed, expect=expect)


def kinds(lines: Sequence[Any]) -> list[str]:
    """What each JSON line is."""
    return [line["type"] for line in lines]
