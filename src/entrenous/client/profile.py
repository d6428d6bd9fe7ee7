"""A profile: the directory that is one device of one account, and the lock that keeps it to one process.

Two processes on one profile would both step the same MLS ratchets and use a key twice, so the lock is taken before
the store is opened and held until the process lets go of it.
"""

import os
import re
import stat
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs

from entrenous.errors import RejectedError, UnavailableError, UsageError

#: The profile that is meant when nobody names one.
DEFAULT_NAME = "default"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOCK_SIZE = 32

#: Windows locks byte ranges and lets nobody read a locked one: ours lies far behind the text that names the holder.
_LOCKED_BYTE = 1 << 20


def profile_directory(name: str = DEFAULT_NAME) -> Path:
    """Where the profile ``name`` lives: below the platform's directory for a person's application data.

    Raises:
        RejectedError: rule PROFILE-NAME, ``name`` is not a plain file name.
        UnavailableError: who runs this has no home.
    """
    if not _NAME.fullmatch(name):
        raise RejectedError("PROFILE-NAME", "a profile's name has 1 to 64 letters, digits, dots, dashes or underscores")
    try:
        return platformdirs.user_data_path("entrenous", appauthor=False) / name
    except RuntimeError:
        raise UnavailableError("you have no home directory for a profile", remedy="Set HOME.") from None


class Profile:
    """An opened, locked profile directory. Use it as a context manager, or ``close`` it."""

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self._lock: int | None = lock

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Take the profile for this process; the directory is made (0700) if it is not there.

        Raises:
            RejectedError: rule PROFILE-PERMISSIONS, somebody else may enter the directory.
            UnavailableError: another process holds the profile, or the directory cannot be made.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_private(directory, "PROFILE-PERMISSIONS", "chmod 700")
            descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise UnavailableError(
                f"the profile {directory} cannot be opened: {error.strerror}",
                remedy="Look at the permissions of that path, or choose another --profile.",
            ) from error
        try:
            _take(descriptor, directory)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(directory, descriptor)

    @property
    def key_path(self) -> Path:
        """The file that holds the store's key, plain or wrapped."""
        return self.directory / "store.key"

    @property
    def store_path(self) -> Path:
        """The encrypted store."""
        return self.directory / "store.db"

    @property
    def socket_path(self) -> Path:
        """Where a second process finds the one that holds this profile."""
        return self.directory / "socket"

    def close(self) -> None:
        """Let another process have the profile. Closing twice is closing once."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)  # which releases the lock
            self._lock = None

    def __enter__(self) -> Self:
        if self._lock is None:
            raise UsageError("this profile was closed")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def check_private(path: Path, rule: str, remedy: str) -> None:
    """Refuse a path that another person on this machine may use. Windows keeps a person's data directory private.

    Raises:
        RejectedError: rule ``rule``; its sentence says what to do, e.g. "chmod 700 PATH".
        OSError: there is no such path.
    """
    if sys.platform == "win32":
        return
    found = path.stat()
    if found.st_uid != os.getuid():
        raise RejectedError(rule, f"{path} belongs to another user")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise RejectedError(rule, f"others may use {path} (its mode is {mode:o}); run: {remedy} '{path}'")


def _take(descriptor: int, directory: Path) -> None:
    if not _try_lock(descriptor):
        raise UnavailableError(
            f"the profile {directory} is in use by {_holder(descriptor)}",
            remedy="End that program first, or say there what you want.",
        )
    _write_holder(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # exists on Windows only

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # exists everywhere else

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    number = os.read(descriptor, _LOCK_SIZE).decode("ascii", "replace").strip()
    return f"process {number}" if number.isdecimal() else "another process"


def _write_holder(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, f"{os.getpid()}\n".encode())
