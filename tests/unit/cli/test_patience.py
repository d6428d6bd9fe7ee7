"""No command waits without a word, or without end."""

import asyncio

import pytest

from entrenous.cli.patience import TELL_AFTER, patiently
from entrenous.errors import UnavailableError
from entrenous.testing import run_virtual


def test_what_is_quick_is_not_talked_about() -> None:
    told: list[str] = []

    async def main() -> str:
        return await patiently(asyncio.sleep(TELL_AFTER / 2, "done"), told.append)

    assert run_virtual(main()) == "done"
    assert told == []


def test_what_takes_long_is_told_once_and_what_takes_too_long_ends() -> None:
    told: list[str] = []

    async def main() -> str:
        slow = await patiently(asyncio.sleep(40, "done"), told.append, seconds=60)
        with pytest.raises(UnavailableError, match="within 60 s; it may still happen"):
            await patiently(asyncio.sleep(100), told.append, seconds=60)
        return slow

    assert run_virtual(main()) == "done"
    assert told == ["Waiting for the server …"] * 2


def test_what_fails_fails_as_it_is() -> None:
    async def fails() -> None:
        raise UnavailableError("gone")

    async def main() -> None:
        with pytest.raises(UnavailableError, match="gone"):
            await patiently(fails(), print)

    run_virtual(main())


def test_who_is_cancelled_leaves_nothing_running() -> None:
    async def main() -> bool:
        work = asyncio.ensure_future(asyncio.sleep(100))
        waiting = asyncio.create_task(patiently(work, print))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return work.cancelled()

    assert run_virtual(main())
