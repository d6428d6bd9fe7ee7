"""Which program listens on a TCP port of this machine, where the system tells (Linux, /proc)."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
#: A table's columns, and the state LISTEN (proc(5)).
_LOCAL, _STATE, _INODE, _LISTEN = 1, 3, 9, "0A"


def listener_on(port: int) -> str | None:
    """The name and number of the process that listens on ``port``; None if that cannot be told."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not wanted:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(descriptor) in wanted:
                        return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return None


def _inodes(port: int) -> Iterator[str]:
    for table in _TABLES:
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[_STATE] == _LISTEN and int(fields[_LOCAL].rpartition(":")[2], 16) == port:
                    yield fields[_INODE]
