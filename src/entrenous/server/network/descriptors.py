"""How many connections the system lets this process have open, beside its own files.

Where there are no descriptors left, the system turns newcomers away by itself, and neither they nor the log are told.
"""

import contextlib
import sys

#: Descriptors for everything else: files, and connections that are refused and not closed yet.
RESERVE = 256


def room_for(connections: int) -> int:
    """Ask the system for as many descriptors as ``connections`` need; returns how many connections it allows."""
    if sys.platform == "win32":
        return connections
    from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit  # not for Windows

    soft, hard = getrlimit(RLIMIT_NOFILE)
    wanted = connections + RESERVE
    if soft == RLIM_INFINITY or soft >= wanted:
        return connections
    most = wanted if hard == RLIM_INFINITY else min(wanted, hard)
    # A system may have bounds of its own beside the one that it tells.
    with contextlib.suppress(ValueError, OSError):
        setrlimit(RLIMIT_NOFILE, (most, hard))
        soft = most
    return min(connections, max(soft - RESERVE, soft // 2))
