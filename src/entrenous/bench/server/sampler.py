"""Runs ``entrenous`` and notes where its processor time goes: ``python -m entrenous.bench.server.sampler FILE ARGS``.

Every few milliseconds of processor time the stack of the thread that has used most of it since is counted. What C code
takes counts for the function of Python that called it. At SIGUSR2, and at the end, what was counted is added to FILE as
a line of JSON, and counting begins anew.
"""

import json
import os
import runpy
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

#: Seconds of processor time from one sample to the next: the system's tick, below which it does not count.
EVERY = 0.004
#: Frames of a stack that are looked at, the innermost ones.
_DEEPEST = 40


class Sampler:
    """Counts stacks.

    Args:
        file: what is counted is added to it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stacks: Counter[str] = Counter()
        self._used: dict[int, float] = {}

    def start(self) -> None:
        """Begin; for the main thread."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.siginterrupt(signal.SIGPROF, False)  # noqa: FBT003 the function's own order
        signal.signal(signal.SIGUSR2, lambda *_: self.write())
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)

    def stop(self) -> None:
        """Count no more, and write the rest."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.write()

    def write(self) -> None:
        """Add what was counted to the file, and begin anew."""
        with self._file.open("a") as file:
            file.write(json.dumps(self._stacks) + "\n")
        self._stacks.clear()

    def _sample(self, _number: int, here: FrameType | None) -> None:
        thread = self._busiest()
        frame = here if thread is threading.main_thread() else sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 the only way to see another thread's stack
        self._stacks[";".join([thread.name, *_names(frame)])] += 1

    def _busiest(self) -> threading.Thread:
        """The thread that has used most processor time since it was last asked."""
        most, busiest = 0.0, threading.main_thread()
        for thread in threading.enumerate():
            if thread.ident is None:
                continue
            used = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
            since = used - self._used.get(thread.ident, 0.0)
            self._used[thread.ident] = used
            if since > most:
                most, busiest = since, thread
        return busiest


def end_phase(process: int) -> None:
    """Let a process that is sampled write what was counted, and begin anew."""
    os.kill(process, signal.SIGUSR2)


def _names(frame: FrameType | None) -> list[str]:
    """The functions on a stack, outermost first."""
    names: list[str] = []
    while frame is not None and len(names) < _DEEPEST:
        module = str(frame.f_globals.get("__name__", "?")).removeprefix("entrenous.")
        names.append(f"{module}.{frame.f_code.co_qualname}")
        frame = frame.f_back
    return names[::-1]


def main() -> None:
    """The program."""
    sampler = Sampler(Path(sys.argv[1]))
    del sys.argv[1]
    sampler.start()
    try:
        runpy.run_module("entrenous", run_name="__main__", alter_sys=True)
    finally:
        sampler.stop()


if __name__ == "__main__":
    main()
