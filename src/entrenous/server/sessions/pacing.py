"""Spreading costly work over time, so that a burst of newcomers does not stall those who are in, nor each other."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

import structlog

from entrenous.server.configuration.limits import Live, Rate, live
from entrenous.server.watching.counters import uncounted

_log = structlog.get_logger(__name__)

#: Says whether it did anything: what came to nothing, e.g. for a client that is gone, takes nobody's turn.
Work = Callable[[], bool]

#: The most seconds that newcomers stand back for a request that is in hand, and seconds between two looks.
PATIENCE = 0.004
LOOK_AGAIN = 0.001
#: A turn has a step more for every so many networks that wait, up to so many: after a restart all come at once, and are
#: to be in before their time for a handshake ends. A flood from a few networks gains nothing by it.
CROWD, MOST_STEPS = 16, 8
#: Seconds after a request of somebody who is in, in which newcomers go on at a measured pace.
RECENTLY = 0.05


class Courtesy:
    """Those who are in come first: what newcomers want stands back while a request of theirs is in hand.

    Every such request passes the network's thread twice and the storage thread once, and would wait each time. Where
    nobody who is in wants anything, newcomers need not rest either.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        #: How many such requests are worked on.
        self.in_hand = 0
        self._last = -RECENTLY

    def began(self) -> None:
        """A request of somebody who is in is worked on from now on."""
        self.in_hand += 1
        self._last = self._loop.time()

    def ended(self) -> None:
        """One that had begun is done."""
        self.in_hand -= 1

    def stands_back(self, since: float) -> bool:
        """Whether what was due at ``since``, on the loop's clock, is to wait for another LOOK_AGAIN."""
        return self.in_hand > 0 and self._loop.time() - since < PATIENCE

    def rest(self, seconds: float) -> float:
        """How long to rest of so many seconds: not at all where nobody would notice."""
        is_noticed = self.in_hand or self._loop.time() - self._last < RECENTLY
        return seconds if is_noticed else 0.0

    async def take_a_rest(self, seconds: float) -> None:
        """Rest, and then stand back."""
        await asyncio.sleep(self.rest(seconds))
        since = self._loop.time()
        while self.stands_back(since):  # noqa: ASYNC110 it waits for the first moment, or for so long and no longer
            await asyncio.sleep(LOOK_AGAIN)


class Pacer:
    """Runs callbacks: so many in one turn of the loop, and then none for a while if somebody would notice.

    Those of one origin run in order; the origins take turns, so that a flood from one delays the others little.

    Args:
        rate: how many together, and seconds until the next ones.
        courtesy: to whom they give way.
        put_off: called whenever a turn ends and leaves some to the next.
    """

    def __init__(self, rate: Live[Rate], courtesy: Courtesy, put_off: Callable[[], None] = uncounted) -> None:
        self._loop = asyncio.get_running_loop()
        self._rate = live(rate)
        self._courtesy = courtesy
        self._put_off = put_off
        self._waiting: OrderedDict[str, deque[Work]] = OrderedDict()
        self._count = 0
        self._resting = False
        self._due_since = 0.0

    def __len__(self) -> int:
        return self._count

    def submit(self, origin: str, work: Work) -> None:
        """Run ``work`` in one of the next turns; an exception is logged, and ends nothing else."""
        self._waiting.setdefault(origin, deque()).append(work)
        self._count += 1
        if not self._resting:
            self._resting = True
            self._due_since = self._loop.time()
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        if self._courtesy.stands_back(self._due_since):
            self._loop.call_later(LOOK_AGAIN, self._turn)
            return
        done, rate = 0, self._rate()
        most = max(rate.count, min(len(self._waiting) // CROWD, MOST_STEPS))
        while done < most and self._count:
            done += self._do(self._next())
        if self._count:
            self._put_off()
        self._loop.call_later(self._courtesy.rest(rate.seconds), self._rested)

    def _do(self, work: Work) -> bool:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 a bug of ours: whose it is has a deadline, and others have their turns
            _log.exception("pacing.work_failed", error=repr(error))
            return True

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
            self._due_since = self._loop.time()
            self._turn()
        else:
            self._resting = False
