"""One serving process per data directory: two would not hear of each other's entries, and their clients would wait."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from entrenous.errors import UnavailableError, UsageError
from entrenous.whole_files import PRIVATE_FILE, give_to_owner

#: Bytes that the file can have, and, where a lock is on bytes, the one that it is on.
_MAX_SIZE, _FAR_BEHIND = 512, 1 << 20


@dataclass(frozen=True, slots=True)
class Serving:
    """Who serves a directory, as he tells it in the lock's file.

    Attributes:
        process: his number.
        address: host and port where he listens; None before he does.
    """

    process: int
    address: tuple[str, int] | None


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
            self._descriptor = _opened(self._path)
            _lock(self._descriptor)
            _write(self._descriptor, f"{os.getpid()}\n")
        except OSError as error:
            self.release()
            raise UnavailableError(f"another server serves {self._path.parent}, or it cannot be locked") from error

    def tell(self, host: str, port: int) -> None:
        """Say where the server listens, for who looks at it from beside: see ``serving``.

        Raises:
            UnavailableError: it cannot be written.
        """
        if self._descriptor is None:
            raise UsageError("who does not hold the lock has nothing to tell")
        try:
            _write(self._descriptor, f"{os.getpid()}\n{host} {port}\n")
        except OSError as error:
            raise UnavailableError(f"{self._path} cannot be written: {error.strerror}") from error

    def release(self) -> None:
        """Let another process serve. Repeating it does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def serving(path: Path) -> Serving | None:
    """Who holds the lock at ``path``; None if nobody does.

    Raises:
        UnavailableError: the file cannot be read, or its holder has not written his number yet.
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
        return _read(path, descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        return os.open(path, os.O_RDWR)
    # An operator's command takes the lock too, and is not always the server's user.
    give_to_owner(descriptor, path.parent)
    return descriptor


def _write(descriptor: int, text: str) -> None:
    # Over what is there, and only then no longer than it: who reads meanwhile finds the number.
    data = text.encode()
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, data)
    os.ftruncate(descriptor, len(data))


def _read(path: Path, descriptor: int) -> Serving:
    try:
        number, _, told = os.read(descriptor, _MAX_SIZE).decode().partition("\n")
        host, _, port = told.strip().rpartition(" ")
        return Serving(int(number), (host, int(port)) if host else None)
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
