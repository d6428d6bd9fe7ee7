"""``entrenous explain``: one conversation, made for the purpose and told step by step with its real values."""

import enum
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import SuiteName, SuiteOption, common, examples
from entrenous.cli.output import note, printable, say
from entrenous.cli.run import stop
from entrenous.cli.secrets_input import asked
from entrenous.errors import EntrenousError, UnavailableError

if TYPE_CHECKING:
    from entrenous.explain import Explanation

#: Lines between two pauses, on however low a terminal.
_LEAST = 5
#: How a terminal shows what ``explain.text`` names.
_COLOURS = {"title": "cyan", "label": "yellow", "good": "green", "bad": "red"}


class ChapterName(enum.StrEnum):
    """What ``--only`` takes: the chapters, and mls for the four that are about the room."""

    HANDSHAKE = "handshake"
    OPAQUE = "opaque"
    MLS = "mls"
    GROUP = "group"
    TREEKEM = "treekem"
    SCHEDULE = "schedule"
    MESSAGE = "message"
    RECORD = "record"


_ONLY = f"Only this chapter: {', '.join(ChapterName)}. May be repeated."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "explain",
        epilog=examples(
            "entrenous explain | less                   # all of it",
            "entrenous explain --step                   # Enter goes on, q ends",
            "entrenous explain --only mls               # the room: group, treekem, schedule, message",
            "entrenous explain --html explained.html    # a page with pictures, for a browser",
            "entrenous explain --json | jq '.[].attacks[]'",
        ),
    )(explain)


def explain(
    context: typer.Context,
    only: Annotated[list[ChapterName] | None, typer.Option("--only", metavar="CHAPTER", help=_ONLY)] = None,
    step: Annotated[
        bool, typer.Option("--step", help="Wait for Enter after each step and each screenful; q ends.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array, with every value whole.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page; a file that is not there yet.")
    ] = None,
    suite: SuiteOption = SuiteName.HYBRID,
) -> None:
    """Explain the cryptography by a conversation that is held for it, in memory, by the code that all others use.

    Handshake, password, room, keys, message and record: what happens with which bytes, why, what an attacker would
    gain without it, and where it is specified. Attacks are tried, and fail before your eyes. The keys protect nothing.
    """
    common(context).start_logging(LogLevel.WARNING)
    _check(step=step, as_json=as_json, html=html)
    try:
        explanation = _run(suite, only or ())
        if html is not None:
            _write(html, explanation)
        elif as_json:
            _print_json(explanation)
        else:
            _tell(explanation, waits=step)
    except EntrenousError as error:
        stop(error)


def _check(*, step: bool, as_json: bool, html: Path | None) -> None:
    """Refuse what cannot be had together, before anything is done.

    Raises:
        typer.BadParameter: it is so.
    """
    if sum((step, as_json, html is not None)) > 1:
        raise typer.BadParameter("--step, --json and --html are three ways to be told: choose one.")
    if step and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter("There is no terminal to wait for Enter at; leave it out.", param_hint="--step")
    if html is not None and html.exists():
        raise typer.BadParameter(f"{html} is there already; name a new file.", param_hint="--html")


def _run(suite: SuiteName, only: Iterable[ChapterName]) -> "Explanation":
    from entrenous.channel import suite_by_label
    from entrenous.crypto import system_entropy
    from entrenous.explain import PARTS, explain

    whole = explain(system_entropy, int(time.time()), suite_by_label(suite.value))
    names = [name for wanted in only for name in PARTS.get(wanted.value, (wanted.value,))]
    return whole.only(names) if names else whole


def _write(path: Path, explanation: "Explanation") -> None:
    """Write the page, whole or not at all.

    Raises:
        UnavailableError: it cannot be written.
    """
    from entrenous.explain import html_page

    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_text(html_page(explanation), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UnavailableError(f"{path} cannot be written: {error.strerror}", remedy="Name another file.") from None
    note(f"{path}: open it in a browser.")


def _print_json(explanation: "Explanation") -> None:
    from entrenous.explain import listing

    say(json.dumps(listing(explanation), indent=1))


def _tell(explanation: "Explanation", *, waits: bool) -> None:
    """Print it, screen by screen if somebody turns the pages."""
    for page in _pages(explanation):
        for screen in _screens(page) if waits else (page,):
            typer.echo("\n".join(screen))
            if waits and asked("Enter: on, q: end ").strip().lower() == "q":
                return


def _screens(page: Sequence[str]) -> Iterator[Sequence[str]]:
    """A page in pieces that the terminal shows whole."""
    height = max(shutil.get_terminal_size().lines - 1, _LEAST)
    for start in range(0, len(page), height):
        yield page[start : start + height]


def _pages(explanation: "Explanation") -> Iterator[Sequence[str]]:
    """What is shown between two pauses: the opening, then each step, a chapter's first one with the chapter's head."""
    from entrenous.explain import chapter_lines, opening_lines, step_lines

    yield list(opening_lines(explanation, _paint))
    numbers = iter(explanation.numbers)
    shown = None
    for told in explanation.steps():
        head: list[str] = []
        if told.chapter is not shown:
            shown, head = told.chapter, list(chapter_lines(next(numbers), told.chapter, _paint))
        yield head + list(step_lines(told, _paint))


def _paint(kind: str, text: str) -> str:
    """Coloured on a terminal that has colours and whose owner wants them; typer takes it out elsewhere."""
    text = printable(text)
    if "NO_COLOR" in os.environ:
        return text
    return typer.style(text, dim=True) if kind == "dim" else typer.style(text, fg=_COLOURS[kind], bold=kind == "title")
