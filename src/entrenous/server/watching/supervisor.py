"""What started the server may want to hear from it: systemd's protocol of notifications (sd_notify(3)).

One datagram for each piece of news, to the socket that ``NOTIFY_SOCKET`` names. Where nobody listens, nobody is told.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Mapping

#: A heartbeat comes at half of the time after which the supervisor gives up.
_BEATS_IN_TIME = 2
_MICROSECONDS = 1_000_000


class Supervisor:
    """Tells a supervisor how far the server is.

    Args:
        environment: says where to tell it, and how often it wants to hear.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.beat_seconds = _beat_seconds(environment) if self._address else None

    def ready(self, words: str) -> None:
        """It serves, or serves again after ``reloading``; with a sentence for people."""
        self._tell("READY=1", "STATUS=" + " ".join(words.split()))

    def reloading(self) -> None:
        """It reads its settings again."""
        # The supervisor compares this with the moment at which it asked.
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """It ends."""
        self._tell("STOPPING=1")

    async def keep_telling(self) -> None:
        """Tell it again and again that the loop turns, as often as it wants; ends at once if it does not want to."""
        while self.beat_seconds is not None:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.beat_seconds)

    def _tell(self, *lines: str) -> None:
        if not self._address or sys.platform == "win32":
            return
        # "@" stands for the zero byte of a name that is in no file system.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # A supervisor that has gone is no reason to end, and one that does not listen none to wait.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(0)
            line.sendto("\n".join(lines).encode(), address)


def _beat_seconds(environment: Mapping[str, str]) -> float | None:
    wanted = environment.get("WATCHDOG_USEC", "")
    whose = environment.get("WATCHDOG_PID", str(os.getpid()))
    if whose != str(os.getpid()) or not wanted.isascii() or not wanted.isdigit() or len(wanted) > len(str(1 << 64)):
        return None
    seconds = int(wanted) / _MICROSECONDS / _BEATS_IN_TIME
    return seconds or None
