"""How often something was how large: a count for each size class, cheap enough for every commit."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts by upper bound. Noted by one thread, and read by any.

    Args:
        bounds: the largest value of each class, rising; what is above the last has a class of its own.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.sum = 0.0

    def note(self, value: float) -> None:
        """One more of this size."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many were noted."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[str, int]]:
        """For each class its bound and how many were no larger, as Prometheus has it; the last bound is "+Inf"."""
        names = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        total, found = 0, []
        for name, count in zip(names, self._counts.copy(), strict=True):
            total += count
            found.append((name, total))
        return found
