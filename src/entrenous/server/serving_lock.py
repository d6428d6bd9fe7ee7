"""One serving process per data directory: two would not hear of each other's entries, and their clients would wait."""

import os
import sys
from pathlib import Path

from entrenous.errors import UnavailableError

_MODE = 0o600


class ServingLock:
    """Held from the first listening to the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Become the one who serves.

        Raises:
            UnavailableError: another process does, or the file cannot be made.
        """
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, _MODE)
            _lock(self._descriptor)
        except OSError as error:
            self.release()
            raise UnavailableError(f"another server serves {self._path.parent}, or it cannot be locked") from error

    def release(self) -> None:
        """Let another process serve. Repeating it does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
