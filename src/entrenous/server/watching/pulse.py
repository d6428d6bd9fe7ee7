"""The loop's pulse: how late it comes to what it wanted to do at a certain time, and whether it stands still."""

import asyncio
import time
from collections.abc import Callable

from entrenous.server.watching.histogram import Histogram

#: Seconds between two beats.
BEAT = 0.5
#: Seconds without a beat after which the loop stands still.
STALLED = 5.0
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Pulse:
    """Beats as long as the loop turns. Read by any thread.

    Args:
        clock: seconds that never go back, the same in all threads.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._last = clock()
        #: Seconds that a beat came late.
        self.lag = Histogram(_SECONDS)
        self._timer = self._loop.call_later(BEAT, self._beat, self._loop.time() + BEAT)

    @property
    def age(self) -> float:
        """Seconds since the last beat."""
        return max(0.0, self._clock() - self._last)

    @property
    def is_stalled(self) -> bool:
        """Whether the loop stands still."""
        return self.age > STALLED

    def stop(self) -> None:
        """Beat no more."""
        self._timer.cancel()

    def _beat(self, due: float) -> None:
        self._last = self._clock()
        now = self._loop.time()
        self.lag.note(max(0.0, now - due))
        self._timer = self._loop.call_later(BEAT, self._beat, now + BEAT)
