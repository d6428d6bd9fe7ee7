"""``--keylog FILE``: secrets into a file of one's own, so that a recording of one's own traffic can be read."""

import os
import stat
from pathlib import Path

import structlog

from entrenous.cli.output import note
from entrenous.errors import UsageError
from entrenous.trace import SILENT, Field, Trace

_log = structlog.get_logger(__name__)
#: Read and written by its owner alone, made if it is not there, and never through a link that somebody put there.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Both:
    """A Trace that tells two."""

    def __init__(self, first: Trace, second: Trace) -> None:
        self._all = (first, second)

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """Tell both."""
        for trace in self._all:
            trace.derived(name, secret, *inputs)

    def step(self, name: str, **fields: Field) -> None:
        """Tell both."""
        for trace in self._all:
            trace.step(name, **fields)


def with_key_log(trace: Trace, path: Path | None, *, with_epochs: bool = False) -> Trace:
    """``trace``, and a key log in the file, after a warning that cannot be overlooked. Without a file, ``trace``.

    Raises:
        UsageError: others can read the file, it is not ours or no file, or it cannot be written.
    """
    if path is None:
        return trace
    # Who writes no key log has no use for what reads captures.
    from entrenous.capture import HEADER, KeyLogTrace

    file = _KeyLogFile(path, HEADER)
    what = "connections and of the messages in rooms" if with_epochs else "connections"
    note(
        f"WARNING: the keys of all {what} go to {path}.\n"
        "WARNING: whoever has that file can read them in a recording, for as long as it is there. While this is on,\n"
        "WARNING: nothing holds that is said about keys leaving the disk. Delete the file when you have looked."
    )
    log = KeyLogTrace(file.write, with_epochs=with_epochs)
    return log if trace is SILENT else Both(trace, log)


class _KeyLogFile:
    """Lines at the end of a file that only its owner can read."""

    def __init__(self, path: Path, header: str) -> None:
        self._path = path
        try:
            self._descriptor: int | None = os.open(path, _FLAGS, 0o600)
        except OSError as error:
            raise UsageError(f"the key log {path} cannot be written: {error.strerror}") from None
        found = os.fstat(self._descriptor)
        trouble = _trouble(found)
        if trouble:
            os.close(self._descriptor)
            raise UsageError(f"the key log {path} {trouble}: name a new file")
        if not found.st_size:
            self.write(header)

    def write(self, line: str) -> None:
        """Append a line at once. A file that can be written no more ends the log, and nothing else."""
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, f"{line}\n".encode())
        except OSError as error:
            os.close(self._descriptor)
            self._descriptor = None
            _log.error("keylog.failed", file=str(self._path), error=error.strerror)


def _trouble(found: os.stat_result) -> str:
    """Why nothing secret is to be written to a file; "" if nothing is wrong with it."""
    if not stat.S_ISREG(found.st_mode):
        return "is no file"
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return "belongs to somebody else"
    if hasattr(os, "getuid") and found.st_mode & _OTHERS:
        return "can be read or written by others"
    return ""
