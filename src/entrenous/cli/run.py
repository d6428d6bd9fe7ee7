"""Run a command to its end, and tell a person what went wrong: what happened, whether anything was lost, what to do."""

import asyncio
import signal
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import typer

from entrenous.cli.output import note
from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError, UnavailableError

T = TypeVar("T")

#: Exit codes: what a script can tell apart.
REFUSED, USAGE, TRY_AGAIN, NOT_GENUINE, INTERRUPTED = 1, 2, 3, 4, 130
#: The same for people, as ``entrenous --help`` shows it.
EXIT_CODES = (
    (0, "done"),
    (REFUSED, "refused: a rule forbids it, and the sentence says which"),
    (USAGE, "the command line is wrong"),
    (TRY_AGAIN, "not now: the server or the profile cannot be had; a message that waits is kept"),
    (NOT_GENUINE, "damaged or not genuine: a link, a file, an answer"),
    (INTERRUPTED, "stopped by Ctrl+C"),
)


def run(main: Callable[[], Coroutine[Any, Any, T]], *, loop: Callable[[], AbstractEventLoop] | None = None) -> T:
    """Run ``main`` on an event loop of its own, asyncio's unless ``loop`` makes another, and return its result.

    An error that a person can meet is printed as a sentence and ends the program with its exit code.
    """
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(main())
    except EntrenousError as error:
        stop(error)
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            note("")  # ends the line in which the terminal shows Ctrl+C
        raise typer.Exit(INTERRUPTED) from None


def stop(error: EntrenousError) -> NoReturn:
    """Print the error and leave with its code."""
    note(f"error: {sentence(error)}")
    raise typer.Exit(exit_code(error)) from None


def sentence(error: EntrenousError) -> str:
    """What happened and what to do next, for people."""
    match error:
        case RejectedError():
            return f"{error.detail} [{error.rule}]"
        case UnavailableError():
            return f"{error}. Nothing was lost. {error.remedy}"
        case CryptoError():
            return f"{error}. Nothing was changed."
        case _:
            return str(error)


def exit_code(error: EntrenousError) -> int:
    """The code for a script."""
    match error:
        case UnavailableError():
            return TRY_AGAIN
        case CryptoError() | MalformedError():
            return NOT_GENUINE
        case _:
            return REFUSED


async def until_stopped() -> None:
    """Wait for Ctrl+C or a polite request to end."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl+C arrives as KeyboardInterrupt instead
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    await stopped.wait()


def server_loop() -> AbstractEventLoop:
    """The loop for a server: uvloop, where there is one."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # not for Windows

    return uvloop.new_event_loop()
