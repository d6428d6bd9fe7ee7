"""Files that are there whole or not at all, whenever the process or the power ends, and that nobody else can read.

An operator may work as root beside a server that has a user of its own. What he makes in the server's directory gets
the directory's owner: the server has to read it, and to write it again.
"""

import os
import sys
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


def write_private(path: Path, data: bytes, *, is_servers: bool = False) -> None:
    """Write a file in place of what stood there.

    Args:
        path: where.
        data: the whole of it.
        is_servers: it lies in a server's directory, and belongs to whom that belongs to.

    Raises:
        OSError: it cannot be written; what stood there still stands.
    """
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if is_servers:
                give_to_owner(descriptor, path.parent)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def make_private_directory(path: Path) -> None:
    """Make a directory in a server's, if it is not there.

    Raises:
        OSError: it cannot be made.
    """
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY, parents=True)
    except FileExistsError:
        return
    if sys.platform != "win32":
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            give_to_owner(descriptor, path.parent)
        finally:
            os.close(descriptor)


def give_to_owner(descriptor: int, directory: Path) -> None:
    """Where root has made something in a directory, give it to whom the directory belongs to.

    Raises:
        OSError: it cannot be given.
    """
    if sys.platform != "win32" and os.geteuid() == 0:
        owner, present = directory.stat(), os.fstat(descriptor)
        if (owner.st_uid, owner.st_gid) != (present.st_uid, present.st_gid):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def sync_file(path: Path) -> None:
    """Have a file's content on disk.

    Raises:
        OSError: it is not.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Have a directory's names on disk. Windows has no way to ask for it and needs none.

    Raises:
        OSError: they are not.
    """
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
