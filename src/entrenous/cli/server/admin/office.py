"""What the operator's commands share: the store they work on, who is at work, questions, and how lists are shown."""

import contextlib
import datetime as dt
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import common
from entrenous.cli.output import json_line, note, say
from entrenous.cli.run import run
from entrenous.cli.secrets_input import asked
from entrenous.cli.server.actor import actor
from entrenous.cli.server.configured import configured, tell_notes

if TYPE_CHECKING:
    from entrenous.server import Settings
    from entrenous.server.operating import Admin

T = TypeVar("T")

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="A login name, or an account's id.")]


def effective_settings(data: Path | None, config: Path | None) -> "Settings":
    """The server's settings, with a word on what an operator should know of them.

    Raises:
        UsageError, UnavailableError: see ``configured``.
    """
    effective = configured(data, config)
    tell_notes(effective)
    return effective.settings


@contextlib.asynccontextmanager
async def at_work(settings: "Settings") -> "AsyncIterator[Admin]":
    """An operator with the server's store open.

    Raises:
        UnavailableError: there is no server, or its store cannot be used.
    """
    from entrenous.server import SystemClock
    from entrenous.server.operating import Admin, opened

    async with opened(settings) as storage:
        yield Admin(storage, SystemClock(), actor())


def work(
    context: typer.Context, data: Path | None, config: Path | None, task: "Callable[[Admin], Coroutine[Any, Any, T]]"
) -> T:
    """Run a task of the operator's, and end with a sentence where it cannot be done."""
    common(context).start_logging(LogLevel.WARNING)

    async def main() -> T:
        async with at_work(effective_settings(data, config)) as admin:
            return await task(admin)

    return run(main)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is lost for good.

    Raises:
        typer.BadParameter: nobody is there to ask.
        typer.Exit: the answer is no.
    """
    note(question)
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("There is no terminal to ask at; say --yes if this is meant.")
    if asked("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        note("Nothing was done.")
        raise typer.Exit(1)


def tell(kind: str, value: object, text: str, *, as_json: bool) -> None:
    """One result: a JSON line, or a line for people."""
    say(json_line(kind, value) if as_json else text)


def when(seconds: int | None) -> str:
    """A time in UTC, to the minute; a dash where there is none."""
    if seconds is None:
        return "-"
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M")


def size(count: int) -> str:
    """Bytes for people."""
    amount, units = float(count), iter(("B", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    for larger in units:
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
