"""Waiting for the server: a person is told that it takes long, and no command waits without end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from entrenous.errors import UnavailableError

T = TypeVar("T")

#: Seconds of silence after which a person is told what the program waits for.
TELL_AFTER = 2.0
#: Seconds in which the server must have carried out what one command asks of it.
CARRY_OUT_SECONDS = 60.0


async def patiently(work: Awaitable[T], tell: Callable[[str], None], *, seconds: float | None = None) -> T:
    """The result of ``work``.

    Args:
        work: what waits for the server.
        tell: where a person reads that it takes long.
        seconds: when to give up; None waits until somebody cancels.

    Raises:
        UnavailableError: it took longer than ``seconds``.
    """
    task = asyncio.ensure_future(work)
    try:
        first = TELL_AFTER if seconds is None else min(TELL_AFTER, seconds)
        await asyncio.wait({task}, timeout=first)
        if not task.done():
            tell("Waiting for the server …")
            await asyncio.wait({task}, timeout=None if seconds is None else seconds - first)
        if not task.done():
            raise UnavailableError(
                f"the server did not carry it out within {seconds:.0f} s; it may still happen",
                remedy="Look whether it did before you try again.",
            )
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
