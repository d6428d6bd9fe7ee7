"""Log lines that strangers cause: each kind so many a minute, and then how many were left out."""

from collections import Counter
from collections.abc import Callable

import structlog

from entrenous.server.clock import Clock
from entrenous.server.configuration.limits import Rate
from entrenous.server.rates import RateLimiter

#: Lines of one kind that a flood may write; the counters know all of it.
LINES = Rate(20, 60.0)

_log = structlog.get_logger(__name__)


class Reports:
    """A logger for what anybody on the network can make happen as often as he likes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limiter = RateLimiter(LINES)
        self._left_out: Counter[str] = Counter()

    def tell(self, event: str, **fields: object) -> None:
        """One line, unless there were too many of its kind lately."""
        self._write(_log.info, event, fields)

    def warn(self, event: str, **fields: object) -> None:
        """The same, as a warning."""
        self._write(_log.warning, event, fields)

    def _write(self, write: Callable[..., None], event: str, fields: dict[str, object]) -> None:
        if self._limiter.take(event, self._clock.now()):
            self._left_out[event] += 1
            return
        left_out = self._left_out.pop(event, 0)
        if left_out:
            fields["left_out"] = left_out
        write(event, **fields)
