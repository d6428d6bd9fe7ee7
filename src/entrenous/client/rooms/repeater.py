"""Work that is nudged: done at least once after every nudge, never twice at a time, and again later if it fails.

A room's reading and its writing are one such work each, so a thousand quiet rooms cost no task.
"""

import asyncio
from collections.abc import Awaitable, Callable

from entrenous.client.session import Backoff, BusyError, RefusedError
from entrenous.errors import UnavailableError

#: Seconds: ceilings of the first and of every later wait after a failure.
RETRY_LEAST = 0.5
RETRY_MOST = 60.0


class Repeater:
    """Runs one piece of work whenever it is nudged.

    What is unavailable or refused is tried again after a growing wait, or at the next nudge; any other exception is a
    bug, ends the work and is told to ``on_bug``.
    """

    def __init__(
        self, work: Callable[[], Awaitable[None]], backoff: Backoff, on_bug: Callable[[Exception], None]
    ) -> None:
        self._work = work
        self._backoff = backoff
        self._on_bug = on_bug
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_nudged = False
        self._is_closed = False
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def quiet(self) -> None:
        """Wait until the work is done and nothing of it is to be tried again."""
        await self._quiet.wait()

    def nudge(self) -> None:
        """There is, or may be, something to do."""
        if self._is_closed:
            return
        self._is_nudged = True
        self._quiet.clear()
        if self._task is None:
            self._forget_timer()
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop, in the middle of the work if need be."""
        self._is_closed = True
        self._forget_timer()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._is_nudged:
                self._is_nudged = False
                await self._once()
        except Exception as bug:  # noqa: BLE001 a bug in one room must not be silent, and must not end the others
            self._is_closed = True
            self._on_bug(bug)
        finally:
            self._task = None
            if self._timer is None:
                self._quiet.set()

    async def _once(self) -> None:
        try:
            await self._work()
        except (UnavailableError, RefusedError) as error:
            wait = self._backoff.next()
            if isinstance(error, BusyError):
                wait = max(wait, error.retry_after)
            self._forget_timer()
            self._timer = asyncio.get_running_loop().call_later(wait, self.nudge)
        else:
            self._backoff.reset()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
