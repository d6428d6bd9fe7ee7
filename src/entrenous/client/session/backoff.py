"""How long to wait before connecting again: exponential, with full jitter.

Full jitter (any time up to the ceiling, rather than the ceiling give or take a little) spreads the clients of a server
that comes back, so that it is not knocked over by all of them at once.
"""

from entrenous.crypto import Entropy, draw
from entrenous.errors import UsageError

_RANDOM_SIZE = 8


class Backoff:
    """A series of waits. Ceilings double from ``least`` to ``most``; each wait is a random part of its ceiling."""

    def __init__(self, entropy: Entropy, *, least: float, most: float) -> None:
        if not 0 < least <= most:
            raise UsageError(f"waits cannot grow from {least} to {most}")
        self._entropy = entropy
        self._least = least
        self._most = most
        self._ceiling = least

    def next(self) -> float:
        """Seconds to wait now, between 0 and the ceiling; the ceiling of the wait after it is twice as high."""
        part = int.from_bytes(draw(self._entropy, _RANDOM_SIZE), "big") / (1 << 8 * _RANDOM_SIZE)
        wait = self._ceiling * part
        self._ceiling = min(self._most, self._ceiling * 2)
        return wait

    def reset(self) -> None:
        """Start again at the lowest ceiling."""
        self._ceiling = self._least
