"""Spreading costly work over turns of the event loop, so that a burst of newcomers does not stall those who are in."""

import asyncio
from collections import deque
from collections.abc import Callable

from entrenous.server.counters import uncounted


class Pacer:
    """Runs callbacks in order, at most ``per_turn`` in one turn of the loop.

    Args:
        per_turn: how many.
        put_off: called whenever a turn ends and leaves some to the next.
    """

    def __init__(self, per_turn: int, put_off: Callable[[], None] = uncounted) -> None:
        self._per_turn = per_turn
        self._put_off = put_off
        self._waiting: deque[Callable[[], None]] = deque()
        self._scheduled = False

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work`` in one of the next turns; it does not raise."""
        self._waiting.append(work)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and self._waiting:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        for _ in range(min(self._per_turn, len(self._waiting))):
            self._waiting.popleft()()
        if self._waiting:
            self._put_off()
        self._schedule()
