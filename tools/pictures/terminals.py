"""Terminals: a program on a pseudo-terminal, what it shows, and somebody who types. Unix only."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyte

from pictures.errors import PictureError
from pictures.views import text_before_cursor, text_of

#: Seconds in which what is waited for must have happened.
PATIENCE = 60
#: Seconds without a byte after which a terminal has shown what it had to show.
_QUIET = 0.15
_CHUNK = 1 << 16
#: How a terminal's programs are ended, and seconds in which the first of them should: a shell ignores the first wish.
_WISHES = ((signal.SIGTERM, 0.5), (signal.SIGHUP, 5), (signal.SIGKILL, 5))


class Terminal:
    """One program on a terminal of its own; the caller ends it with ``close``."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: dict[str, str], *, size: tuple[int, int]
    ) -> None:
        """Start the program.

        Args:
            command: the program and its arguments.
            folder: where it runs.
            environment: all of its environment.
            size: columns and rows.
        """
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.process, self.descriptor = pty.fork()
        if self.process == 0:  # the child
            os.chdir(folder)
            os.execvpe(command[0], list(command), environment)  # noqa: S606 the film's own shells
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # A program asks its terminal where the cursor is.
        self.screen.write_process_input = self.write

    def write(self, text: str) -> None:
        """Type."""
        os.write(self.descriptor, text.encode())

    def take(self) -> bool:
        """Show what the program has written; False where it has ended."""
        try:
            data = os.read(self.descriptor, _CHUNK)
        except OSError:  # Linux says so at the end of a pseudo-terminal
            return False
        self._stream.feed(data)
        return bool(data)

    def close(self) -> None:
        """End the program and all that it started on this terminal, a server too, which reloads at a hang-up."""
        has_ended = False
        for wish, patience in _WISHES:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process, wish)
            has_ended = has_ended or _ended(self.process, patience)
        os.close(self.descriptor)


def _ended(process: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if os.waitpid(process, os.WNOHANG)[0]:
            return True
        time.sleep(0.05)
    return False


class Terminals:
    """Several terminals that are looked at together."""

    def __init__(self) -> None:
        self._open: list[Terminal] = []

    def start(
        self, command: Sequence[str], folder: Path, environment: dict[str, str], *, size: tuple[int, int]
    ) -> Terminal:
        """A further terminal; see ``Terminal``."""
        terminal = Terminal(command, folder, environment, size=size)
        self._open.append(terminal)
        return terminal

    def settle(self) -> None:
        """Look until none of them shows anything new."""
        while self._take(_QUIET):
            pass

    def wait(self, what: str, is_there: Callable[[], bool]) -> None:
        """Look until something is there, and then until nothing new comes.

        Raises:
            PictureError: it did not come in time.
        """
        until = time.monotonic() + PATIENCE
        while not is_there():
            if time.monotonic() > until:
                raise PictureError(f"waited in vain for {what}; the screens show:\n{self._told()}")
            self._take(_QUIET)
        self.settle()

    def wait_for_text(self, terminal: Terminal, text: str) -> None:
        """Look until a terminal shows a text; its rows are read as one.

        Raises:
            PictureError: see ``wait``.
        """
        self.wait(f"{text!r}", lambda: text in text_of(terminal.screen))

    def wait_for_echo(self, terminal: Terminal, typed: str) -> None:
        """Look until what was typed stands before the cursor.

        Raises:
            PictureError: see ``wait``.
        """
        self.wait(f"the echo of {typed!r}", lambda: text_before_cursor(terminal.screen).endswith(typed))

    def close(self) -> None:
        """End all of them, the last started first."""
        while self._open:
            self._open.pop().close()

    def _take(self, seconds: float) -> bool:
        ready = select.select([terminal.descriptor for terminal in self._open], [], [], seconds)[0]
        for terminal in [terminal for terminal in self._open if terminal.descriptor in ready]:
            if not terminal.take():
                raise PictureError(f"a program ended before its time; the screens show:\n{self._told()}")
        return bool(ready)

    def _told(self) -> str:
        return "\n".join("\n".join(line.rstrip() for line in each.screen.display).strip() for each in self._open)
