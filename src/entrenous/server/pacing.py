"""Spreading costly work over time, so that a burst of newcomers does not stall those who are in, nor each other."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

from entrenous.server.counters import uncounted
from entrenous.server.limits import Rate

#: Says whether it did anything: what came to nothing, e.g. for a client that is gone, takes nobody's turn.
Work = Callable[[], bool]


class Pacer:
    """Runs callbacks: so many in one turn of the loop, and then none for a while.

    Those of one origin run in order; the origins take turns, so that a flood from one delays the others little.

    Args:
        rate: how many together, and seconds until the next ones.
        put_off: called whenever a turn ends and leaves some to the next.
    """

    def __init__(self, rate: Rate, put_off: Callable[[], None] = uncounted) -> None:
        self._rate = rate
        self._put_off = put_off
        self._waiting: OrderedDict[str, deque[Work]] = OrderedDict()
        self._count = 0
        self._resting = False

    def __len__(self) -> int:
        return self._count

    def submit(self, origin: str, work: Work) -> None:
        """Run ``work`` in one of the next turns; it does not raise."""
        self._waiting.setdefault(origin, deque()).append(work)
        self._count += 1
        if not self._resting:
            self._resting = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        done = 0
        while done < self._rate.count and self._count:
            done += self._next()()
        if self._count:
            self._put_off()
        asyncio.get_running_loop().call_later(self._rate.seconds, self._rested)

    def _next(self) -> Work:
        origin, queue = self._waiting.popitem(last=False)
        work = queue.popleft()
        self._count -= 1
        if queue:
            # Behind all the others.
            self._waiting[origin] = queue
        return work

    def _rested(self) -> None:
        if self._count:
            self._turn()
        else:
            self._resting = False
