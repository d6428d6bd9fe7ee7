"""Many clients that come at once, and an ear for what goes wrong with any of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from entrenous.errors import UnavailableError

T = TypeVar("T")
R = TypeVar("R")

#: Clients that connect and log in at the same time.
TOGETHER = 16
#: Seconds without any progress after which a measurement has failed: the machine may be another's for a while.
PATIENCE = 120.0


async def each(items: Sequence[T], work: Callable[[T], Awaitable[R]], together: int = TOGETHER) -> list[R]:
    """Do something with each item, so many at a time; returns the results in the items' order."""
    found: dict[int, R] = {}
    waiting = iter(enumerate(items))

    async def worker() -> None:
        for number, item in waiting:
            found[number] = await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(together):
            group.create_task(worker())
    return [found[number] for number in range(len(items))]


class Alarm:
    """Whatever goes wrong in a callback of the loop ends the measurement, which asks here."""

    def __init__(self) -> None:
        self._error: BaseException | None = None
        asyncio.get_running_loop().set_exception_handler(self._ring)

    def check(self) -> None:
        """Go on, or fail with what has gone wrong."""
        if self._error is not None:
            raise self._error

    async def until(self, is_so: Callable[[], bool], progress: Callable[[], object], pause: float = 0.002) -> None:
        """Wait until something is so.

        Raises:
            UnavailableError: nothing has changed for too long.
        """
        loop = asyncio.get_running_loop()
        last, since = progress(), loop.time()
        while not is_so():
            self.check()
            await asyncio.sleep(pause)
            if (now := progress()) != last:
                last, since = now, loop.time()
            elif loop.time() - since > PATIENCE:
                raise UnavailableError(f"nothing has come for {PATIENCE:.0f} seconds, at {last}")
        self.check()

    def _ring(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._error = self._error or context.get("exception") or UnavailableError(context["message"])


def percentile(values: Iterable[float], number: float) -> float:
    """What ``number`` percent of the values stay below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * number / 100))]
