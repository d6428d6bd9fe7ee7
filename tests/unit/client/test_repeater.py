"""Nudged work: at least once after every nudge, never twice at a time, again later when it fails."""

import asyncio
from collections.abc import Callable

from entrenous.client.rooms.repeater import Repeater
from entrenous.client.session import Backoff, BusyError
from entrenous.errors import UnavailableError
from entrenous.testing import SeededEntropy
from entrenous.wire import ErrorCode, replies
from scripted_server import virtual


class Work:
    """Counts, and does what a test says."""

    def __init__(self, does: Callable[[int], float | Exception] = lambda _: 0.0) -> None:
        self.runs = 0
        self.running = 0
        self.times: list[float] = []
        self.bugs: list[Exception] = []
        self._does = does
        backoff = Backoff(SeededEntropy(), least=1.0, most=8.0)
        self.repeater = Repeater(self._run, backoff, self.bugs.append)

    async def _run(self) -> None:
        self.runs += 1
        self.running += 1
        assert self.running == 1
        self.times.append(asyncio.get_running_loop().time())
        try:
            result = self._does(self.runs)
            if isinstance(result, Exception):
                raise result
            await asyncio.sleep(result)
        finally:
            self.running -= 1


@virtual
async def test_many_nudges_before_it_runs_are_one_and_one_while_it_runs_is_another() -> None:
    work = Work(lambda _: 5.0)
    for _ in range(10):
        work.repeater.nudge()
    await asyncio.sleep(1)
    assert work.runs == 1
    for _ in range(10):
        work.repeater.nudge()
    await work.repeater.quiet()
    assert work.runs == 2
    await work.repeater.close()


@virtual
async def test_what_is_unavailable_is_tried_again_after_growing_waits_until_it_works() -> None:
    work = Work(lambda run: UnavailableError("not now") if run < 6 else 0.0)
    work.repeater.nudge()
    await work.repeater.quiet()
    assert work.runs == 6
    waits = [later - earlier for earlier, later in zip(work.times, work.times[1:], strict=False)]
    assert all(wait <= ceiling for wait, ceiling in zip(waits, (1, 2, 4, 8, 8), strict=True))
    assert work.bugs == []


@virtual
async def test_a_server_that_is_busy_is_left_alone_for_as_long_as_it_asks() -> None:
    busy = BusyError(replies.Error(ErrorCode.LIMIT, "too much", 30))
    work = Work(lambda run: busy if run == 1 else 0.0)
    work.repeater.nudge()
    await work.repeater.quiet()
    assert work.times[1] - work.times[0] >= 30


@virtual
async def test_a_nudge_ends_the_wait() -> None:
    work = Work(lambda run: BusyError(replies.Error(ErrorCode.LIMIT, "too much", 1000)) if run == 1 else 0.0)
    work.repeater.nudge()
    await asyncio.sleep(1)
    work.repeater.nudge()
    await work.repeater.quiet()
    assert work.times[-1] < 10


@virtual
async def test_a_bug_is_told_and_ends_the_work() -> None:
    bug = ZeroDivisionError("ours")
    work = Work(lambda _: bug)
    work.repeater.nudge()
    await asyncio.sleep(1)
    work.repeater.nudge()
    await asyncio.sleep(100)
    assert (work.runs, work.bugs) == (1, [bug])


@virtual
async def test_closing_stops_it_in_the_middle_and_for_good() -> None:
    work = Work(lambda _: 1000.0)
    work.repeater.nudge()
    await asyncio.sleep(1)
    await work.repeater.close()
    work.repeater.nudge()
    await asyncio.sleep(10_000)
    assert (work.runs, work.running, work.bugs) == (1, 0, [])
