"""The stage of a film: a temporary folder, a home for each person in it, their terminals, and what is filmed."""

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pictures.errors import PictureError
from pictures.frames import Frame
from pictures.places import Layout
from pictures.ports import free_port
from pictures.stored import entries, rows_of
from pictures.terminals import Terminal, Terminals
from pictures.views import Pane, Scene, pane_of, row_in, text_before_cursor, text_of

#: A terminal's rows at the least; a lower pane shows those around its cursor.
_ROWS = 24
#: Characters typed between two frames, how long each frame is seen, and how long nothing while a password is typed.
_STROKE, _STROKE_MS, _UNSEEN_MS = 2, 60, 600

#: What stands in the pane of somebody who has done nothing yet.
_IDLE = "a machine elsewhere, waiting for a link"


@dataclass
class Stage:
    """What is in the picture now, and the film so far."""

    folder: Path
    layout: Layout
    terminals: Terminals
    port: int
    caption: str = ""
    frames: list[Frame] = field(default_factory=list)
    shells: dict[str, Terminal] = field(default_factory=dict)
    #: What the lower pane shows: a shell's name, or None for what is stored.
    below: str | None = "server"
    _typing: str | None = None

    def shell(self, name: str, owner: str) -> None:
        """Open a fresh terminal with a shell, at home of one of them."""
        home = self.folder / owner
        home.mkdir(exist_ok=True, mode=0o700)
        place = self.layout.places[{"alice": 0, "bob": 1}.get(owner, 2)]
        # Without job control: what a shell starts belongs to its group, and ends with it.
        self.shells[name] = self.terminals.start(
            ("/bin/sh", "-i", "+m"), home, self._environment(owner), size=(place.columns, max(_ROWS, place.rows))
        )
        self.terminals.wait_for_text(self.shells[name], f"{owner}$ ")

    def show(self, milliseconds: int) -> None:
        """Film what is to be seen now, for so long."""
        self.terminals.settle()
        panes = (self._pane("alice", 0), self._pane("bob", 1), self._below())
        self.frames.append(Frame(Scene(self.caption, panes), milliseconds))

    def type(self, name: str, text: str) -> None:
        """Type a text in a shell, key by key."""
        self._typing = name
        terminal = self.shells[name]
        for at in range(0, len(text), _STROKE):
            terminal.write(text[at : at + _STROKE])
            self.terminals.wait_for_echo(terminal, text[: at + _STROKE])
            self.show(_STROKE_MS)

    def type_unseen(self, name: str, text: str) -> None:
        """Type a password.

        Raises:
            PictureError: it is to be seen.
        """
        self.shells[name].write(text)
        self.show(_UNSEEN_MS)
        if text in self.text(name):
            raise PictureError("a password is to be seen on the screen")

    def paste(self, name: str, text: str) -> None:
        """Put a text into a shell at once."""
        self._typing = name
        self.shells[name].write(text)
        self.terminals.wait_for_echo(self.shells[name], text)
        self.show(500)

    def enter(self, name: str, answer: str, milliseconds: int) -> None:
        """Press Enter, wait until an answer is on the screen, and film it for so long."""
        self.shells[name].write("\r")
        self.terminals.wait_for_text(self.shells[name], answer)
        self.show(milliseconds)

    def finish(self, name: str, milliseconds: int) -> None:
        """Press Enter, wait until the command has ended, and film what it printed for so long."""
        self.shells[name].write("\r")
        self.prompted(name, "$ ")
        self.show(milliseconds)

    def sees(self, name: str, text: str) -> None:
        """Wait until a text is on somebody's screen."""
        self.terminals.wait_for_text(self.shells[name], text)

    def prompted(self, name: str, prompt: str) -> None:
        """Wait until somebody is asked for the next line."""
        screen = self.shells[name].screen
        self.terminals.wait(f"the prompt {prompt!r}", lambda: text_before_cursor(screen).endswith(prompt))

    def text(self, name: str) -> str:
        """All of somebody's screen."""
        return text_of(self.shells[name].screen)

    @property
    def database(self) -> Path:
        """The server's."""
        return self.folder / "server" / "data" / "server.db"

    def stored(self, count: int) -> None:
        """Wait until the server has stored so many entries."""
        self.terminals.wait(f"{count} stored entries", lambda: len(entries(self.database)) >= count)

    def _environment(self, owner: str) -> dict[str, str]:
        paths = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        return {
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, paths)),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder / owner),
            "PS1": f"{owner}$ ",
            "TERM": "linux",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            # So that the links are short and lead to this machine alone.
            "ENTRENOUS_SERVER_HOST": "127.0.0.1",
            "ENTRENOUS_SERVER_PORT": str(self.port),
            "ENTRENOUS_SERVER_PUBLIC_ADDRESS": f"localhost:{self.port}",
            "ENTRENOUS_SERVER_LOG_LEVEL": "warning",
        }

    def _pane(self, name: str, number: int) -> Pane:
        place = self.layout.places[number]
        if name not in self.shells:
            return Pane(name, "idle", (row_in(_IDLE, "bar"),))
        return pane_of(self.shells[name].screen, name, name, place.rows, is_typing=self._typing == name)

    def _below(self) -> Pane:
        place = self.layout.places[2]
        if self.below is None:
            rows = rows_of(entries(self.database), place.columns, place.rows)
            return Pane("what the server stores: its table of entries, as they arrive", "server", rows)
        screen = self.shells[self.below].screen
        return pane_of(screen, "the server's machine", "server", place.rows, is_typing=self._typing == self.below)


@contextlib.contextmanager
def raised(layout: Layout) -> Iterator[Stage]:
    """Set the stage, and clear it away afterwards with all that ran on it."""
    terminals = Terminals()
    folder = Path(tempfile.mkdtemp(prefix="entrenous-film-"))
    try:
        _install(folder / "bin")
        stage = Stage(folder, layout, terminals, free_port())
        yield stage
    finally:
        terminals.close()
        shutil.rmtree(folder, ignore_errors=True)


def _install(folder: Path) -> None:
    """The command ``entrenous``, with this interpreter."""
    folder.mkdir()
    command = folder / "entrenous"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m entrenous "$@"\n', encoding="utf-8")
    command.chmod(0o700)
