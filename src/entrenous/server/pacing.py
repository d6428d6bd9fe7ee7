"""Spreading costly work over time, so that a burst of newcomers does not stall those who are in."""

import asyncio
from collections import deque
from collections.abc import Callable

from entrenous.server.counters import uncounted
from entrenous.server.settings import Rate


class Pacer:
    """Runs callbacks in order: so many in one turn of the loop, and then none for a while.

    Args:
        rate: how many together, and seconds until the next ones.
        put_off: called whenever a turn ends and leaves some to the next.
    """

    def __init__(self, rate: Rate, put_off: Callable[[], None] = uncounted) -> None:
        self._rate = rate
        self._put_off = put_off
        self._waiting: deque[Callable[[], None]] = deque()
        self._resting = False

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work`` in one of the next turns; it does not raise."""
        self._waiting.append(work)
        if not self._resting:
            self._resting = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        for _ in range(min(self._rate.count, len(self._waiting))):
            self._waiting.popleft()()
        if self._waiting:
            self._put_off()
        asyncio.get_running_loop().call_later(self._rate.seconds, self._rested)

    def _rested(self) -> None:
        if self._waiting:
            self._turn()
        else:
            self._resting = False
