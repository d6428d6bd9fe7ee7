"""One serving process per data directory: two would not hear of each other's entries, and their clients would wait."""

import os
import sys
from pathlib import Path

from entrenous.errors import UnavailableError

_MODE = 0o600
#: Bytes of the largest process number, and, where a lock is on bytes, the one that it is on.
_NUMBER_SIZE, _FAR_BEHIND = 20, 1 << 20


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
            _write_number(self._descriptor)
        except OSError as error:
            self.release()
            raise UnavailableError(f"another server serves {self._path.parent}, or it cannot be locked") from error

    def release(self) -> None:
        """Let another process serve. Repeating it does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def serving_process(path: Path) -> int | None:
    """The number of the process that holds the lock at ``path``; None if nobody does.

    Raises:
        UnavailableError: the file cannot be read, or its holder has not written its number yet.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}") from error
    try:
        _lock(descriptor)
    except OSError:
        return _read_number(path, descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _write_number(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.write(descriptor, b"%d\n" % os.getpid())


def _read_number(path: Path, descriptor: int) -> int:
    try:
        return int(os.read(descriptor, _NUMBER_SIZE))
    except (OSError, ValueError):
        raise UnavailableError(f"{path} does not tell yet which process serves") from None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # A byte far behind what is written, which others may read meanwhile.
        os.lseek(descriptor, _FAR_BEHIND, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
