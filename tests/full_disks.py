"""Disks that a test can fill and free: a page limit on one database, and a tiny filesystem where we may mount one.

And a server in memory whose database lies on one.
"""

import asyncio
import contextlib
import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from entrenous.server import Server, Settings
from entrenous.testing import ADDRESS, FAST_KSF, MemoryServer, SeededEntropy, VirtualClock

#: Bytes of the tiny filesystem.
TINY = 4 << 20
#: The pages that SQLite allows a database to have.
UNLIMITED_PAGES = 0x7FFFFFFE

#: Runs one statement on the database's own connection and returns the first column of the first row.
Run = Callable[[str], Any]


class Disk(Protocol):
    """Where one database lies, in ``folder``."""

    folder: Path

    def fill(self, run: Run) -> None:
        """From now on there is no space."""
        ...

    def free(self, run: Run) -> None:
        """Now there is again."""
        ...


class PageLimit:
    """SQLite's own limit: it reports a full disk when the database would need another page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, run: Run) -> None:
        """No page more than now."""
        run(f"PRAGMA max_page_count = {run('PRAGMA page_count')}")

    def free(self, run: Run) -> None:
        """As many as there may be."""
        run(f"PRAGMA max_page_count = {UNLIMITED_PAGES}")


class TinyFilesystem:
    """A filesystem of its own, which a file of zeros fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, run: Run) -> None:
        """Write zeros until nothing more fits."""
        del run
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while file.write(bytes(4_096)):
                pass

    def free(self, run: Run) -> None:
        """Delete them."""
        del run
        self._filler.unlink()


@functools.cache
def may_mount() -> bool:
    """Whether this machine lets us mount a filesystem."""
    if sys.platform != "linux" or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as name:
        return _mount(Path(name)) and _unmount(Path(name))


@contextlib.contextmanager
def tiny_filesystem(folder: Path) -> Iterator[TinyFilesystem]:
    """Mount one over ``folder`` for as long as the context lasts."""
    folder.mkdir(exist_ok=True)
    assert _mount(folder)
    try:
        yield TinyFilesystem(folder)
    finally:
        assert _unmount(folder)


@contextlib.contextmanager
def page_limit(folder: Path) -> Iterator[PageLimit]:
    """The same shape for the limit that needs no rights."""
    folder.mkdir(exist_ok=True)
    yield PageLimit(folder)


async def start_server(folder: Path, seed: str) -> MemoryServer:
    """A server in memory but for its database and its keys, which are in a folder."""
    clock = VirtualClock(asyncio.get_running_loop())
    settings = Settings(data_dir=folder, public_address=ADDRESS, ksf=FAST_KSF)
    return MemoryServer(
        await Server.open(settings, clock=clock, entropy=SeededEntropy(seed), inline_storage=True), clock
    )


def _mount(folder: Path) -> bool:
    return _succeeds("mount", "-t", "tmpfs", "-o", f"size={TINY},mode=700", "tmpfs", str(folder))


def _unmount(folder: Path) -> bool:
    # Lazily: a database that is let go of a moment later must not keep the test from ending.
    return _succeeds("umount", "-l", str(folder))


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
