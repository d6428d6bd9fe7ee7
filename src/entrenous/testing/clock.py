"""Virtual time: an event loop that jumps to its next timer instead of waiting for it, and the clock to go with it."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: Unix seconds at which virtual time begins: 1 January 2030.
VIRTUAL_START = 1_893_456_000.0
#: Virtual seconds after which a test is told that what it waits for does not come: 100 days.
LATEST = 100 * 86_400.0
#: Real seconds without anything to do, and without a timer, after which a test is told that it hangs.
STUCK_AFTER = 10.0


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer: reports the time that would have passed instead."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; if nothing is, time has jumped by ``timeout`` seconds."""
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(STUCK_AFTER)
            if not ready:
                raise RuntimeError("the test waits for something that nothing will ever bring about")
            return ready
        self._jump(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when nothing is left to do. Nothing may run in threads beside it.

    Args:
        latest: virtual seconds after which the loop raises, since a server's own timers would keep it going for ever.
    """

    def __init__(self, latest: float = LATEST) -> None:
        self._virtual = 0.0
        self._latest = latest
        super().__init__(_JumpingSelector(self._advance))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual

    def _advance(self, seconds: float) -> None:
        # A timer's own rounding may leave it a hair in the future; the loop would then spin.
        self._virtual += max(seconds, 1e-6)
        if self._virtual > self._latest:
            raise RuntimeError(f"{self._latest:.0f} virtual seconds have passed, and the test has not ended")


class VirtualClock:
    """The time of day in virtual time; ``shift`` sets a clock wrong, as on a machine whose battery failed.

    Args:
        loop: whose time it follows; None is a clock that stands still but for ``shift``.
        start: unix seconds at the loop's time 0.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, start: float = VIRTUAL_START) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> float:
        """Unix seconds."""
        return self._start + (0.0 if self._loop is None else self._loop.time())

    def shift(self, seconds: float) -> None:
        """Move the clock, and it alone: no timer fires."""
        self._start += seconds


def run_virtual(main: Coroutine[Any, Any, T], *, latest: float = LATEST) -> T:
    """Run a coroutine to its end under virtual time: an hour of waiting takes no time at all.

    Raises:
        RuntimeError: it waits for something that does not come, by itself or within ``latest`` virtual seconds.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(latest)) as runner:
        return runner.run(main)
