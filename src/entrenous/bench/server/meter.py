"""What a process has used, as Linux tells it in /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

#: What was measured, by name; the unit is part of the name.
Figures = dict[str, float]

#: The clock's ticks in a second, in which /proc tells processor time; bytes of a page.
_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
#: Where user and system time stand behind the process's name.
_UTIME, _STIME = 11, 12


def processor_time(process: int) -> float:
    """Seconds of user and system time of a process, all its threads together."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS


def resident_kib(process: int) -> float:
    """KiB of memory that a process has."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / 1024


@dataclass(frozen=True, slots=True)
class Used:
    """What was used since a moment: seconds on the clock, the server's and our own of the processor."""

    wall: float
    server: float
    own: float


class Meter:
    """Measures from when it is made."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._wall, self._cpu, self._own = time.perf_counter(), processor_time(server), time.process_time()

    def read(self) -> Used:
        """What was used by now."""
        wall = time.perf_counter() - self._wall
        return Used(wall, processor_time(self._server) - self._cpu, time.process_time() - self._own)
