"""Counting together: what one node allows an account or a device, the others count too.

Each node judges by what it knows, at once and in memory. What it has allowed it tells the others in sums, a few times a
second, and only of those who use a good part of a limit. What the bus loses is counted by one node alone: nobody is
refused for what he has not done. See docs/adr/0010-nodes-count-together.md.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import cast

import structlog

from entrenous.crypto import Entropy, draw
from entrenous.errors import CryptoError, MalformedError
from entrenous.server.clock import Clock
from entrenous.server.configuration.limits import Live, Rate
from entrenous.server.nodes.bus import Bus
from entrenous.server.nodes.sums import MAX_COST, MAX_SUMS, NODE_SIZE, Limit, Opening, Sealing, Sum
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.rates import MAX_BUCKETS, RateLimiter
from entrenous.server.watching.counters import Count

#: Who has used less than this part of a limit at a node, within the limit's seconds, is not told of.
PARTS = 32
#: Seconds in which sums are gathered.
TELL_SECONDS = 0.25
#: Sums that are gathered; what is beyond is counted here alone.
MAX_GATHERED = 4 * MAX_SUMS

_log = structlog.get_logger(__name__)


class SharedLimiter(RateLimiter):
    """A limiter that tells what it allows.

    Args:
        rate: what is allowed, or what says so each time.
        refused: called whenever something is not.
        tell: called with whom and how much.
    """

    def __init__(self, rate: Live[Rate], refused: Callable[[], None], tell: Callable[[Hashable, float], None]) -> None:
        super().__init__(rate, refused)
        self._tell = tell
        #: What was allowed and not told yet, and since when.
        self._untold: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float, cost: float = 1.0) -> float:
        """See ``RateLimiter``."""
        wait = super().take(key, now, cost)
        if not wait:
            self._note(key, now, cost)
        return wait

    def _note(self, key: Hashable, now: float, cost: float) -> None:
        rate = self._rate()
        known = self._untold.get(key)
        # What is older than the limit's seconds would be refilled: whoever uses little is never told of.
        spent, since = (0.0, now) if known is None or now - known[1] > rate.seconds else known
        spent += cost
        if spent * PARTS < rate.count:
            self._untold[key] = (spent, since)
            if known is None and len(self._untold) > MAX_BUCKETS:
                self._untold.popitem(last=False)
            return
        self._untold.pop(key, None)
        self._tell(key, spent)


class Counting:
    """See the module, and ``rates.Shared``.

    Args:
        keys: the server's, which all its nodes have.
        bus: carries sums.
        clock: the time of day.
        entropy: for the id of this life of the node.
    """

    def __init__(self, keys: ServerKeys, bus: Bus, clock: Clock, entropy: Entropy) -> None:
        node = draw(entropy, NODE_SIZE)
        self._sealing, self._opening = Sealing(keys, node), Opening(keys, node)
        self._bus = bus
        self._clock = clock
        self._limiters: dict[int, SharedLimiter] = {}
        self._gathered: dict[tuple[Limit, Hashable], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        #: Sums told, sums heard and counted, and messages that no node can have sent.
        self.told = self.heard = self.refused = 0

    def limiter(self, count: Count, rate: Live[Rate], refused: Callable[[], None]) -> RateLimiter:
        """See ``rates.Shared``."""
        limit = Limit.of(count)
        made = self._limiters[limit] = SharedLimiter(rate, refused, lambda who, cost: self._gather((limit, who), cost))
        return made

    def hear(self, message: bytes) -> None:
        """Another node says what it has counted. Anything else is not counted."""
        now = self._clock.now()
        try:
            sums = self._opening.open(message, int(now * 1000))
        except (MalformedError, CryptoError) as error:
            self.refused += 1
            _log.debug("counting.refused", error=type(error).__name__, size=len(message))
            return
        for each in sums:
            limiter = self._limiters.get(each.limit)
            if limiter is not None and each.cost <= MAX_COST:
                limiter.spend(each.who, now, each.cost)
                self.heard += 1

    def close(self) -> None:
        """Tell what is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._send()

    def _gather(self, key: tuple[Limit, Hashable], cost: float) -> None:
        if key not in self._gathered and len(self._gathered) >= MAX_GATHERED:
            return
        self._gathered[key] = self._gathered.get(key, 0.0) + cost
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_SECONDS, self._send)

    def _send(self) -> None:
        self._timer = None
        gathered, self._gathered = self._gathered, {}
        sums = [Sum(limit, cast("bytes", who), min(round(cost), MAX_COST)) for (limit, who), cost in gathered.items()]
        for start in range(0, len(sums), MAX_SUMS):
            self._bus.carry(self._sealing.seal(sums[start : start + MAX_SUMS], int(self._clock.now() * 1000)))
        self.told += len(sums)
