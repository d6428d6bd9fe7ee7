"""What a server does by itself again and again; of that, deleting what is due."""

import asyncio
import functools
from collections.abc import Awaitable, Callable

import structlog

from entrenous.errors import EntrenousError
from entrenous.server.clock import Clock
from entrenous.server.configuration.settings import SILENT_AFTER
from entrenous.server.store import (
    Storage,
    Transaction,
    attempts,
    invites,
    key_packages,
    operators,
    retention,
    rosters,
    swept,
)

#: Rooms that one operation sweeps.
ROOMS_PER_SWEEP = 200
#: Other rows that one operation looks at.
ROWS_PER_SWEEP = 500

_log = structlog.get_logger(__name__)


async def sweep(storage: Storage, clock: Clock) -> dict[str, int]:
    """Delete what is due, and what has outlived its use; returns how many of which kind, which is also stored."""
    now = int(clock.now())
    deleted = await _sweep_rooms(storage, now)
    deleted["message_ids"] = await storage.write(lambda tx: retention.forget_sent(tx, now))
    deleted["invites"] = await storage.write(lambda tx: invites.purge(tx, now))
    deleted["key_packages"] = await storage.write(lambda tx: key_packages.purge(tx, now))
    deleted["former_members"] = await _forget_former_members(storage, now - SILENT_AFTER)
    deleted["empty_rooms"] = await _delete_empty_rooms(storage)
    deleted["deleted_accounts"] = await storage.write(operators.forget_deleted)

    await _forget_attempts(storage, clock.now())

    def remember(tx: Transaction) -> None:
        for kind, count in deleted.items():
            swept.count(tx, kind, count, now)

    await storage.write(remember)
    return deleted


async def _sweep_rooms(storage: Storage, now: int) -> dict[str, int]:
    after: bytes | None = b""
    deleted = dict.fromkeys(retention.Gone._fields, 0)
    while after is not None:
        operation = functools.partial(
            retention.sweep, after=after, now=now, silent_after=SILENT_AFTER, limit=ROOMS_PER_SWEEP
        )
        after, gone = await storage.write(operation)
        for kind, count in gone._asdict().items():
            deleted[kind] += count
    return deleted


async def _forget_attempts(storage: Storage, now: float) -> None:
    while await storage.write(lambda tx: attempts.purge(tx, now, limit=ROWS_PER_SWEEP)) == ROWS_PER_SWEEP:
        pass


async def _forget_former_members(storage: Storage, before: int) -> int:
    deleted = 0
    while True:
        count = await storage.write(lambda tx: rosters.forget_removed(tx, before, limit=ROWS_PER_SWEEP))
        deleted += count
        if count < ROWS_PER_SWEEP:
            return deleted


async def _delete_empty_rooms(storage: Storage) -> int:
    after: bytes | None = b""
    deleted = 0
    while after is not None:
        operation = functools.partial(operators.delete_empty_rooms, after=after, limit=ROWS_PER_SWEEP)
        after, count = await storage.write(operation)
        deleted += count
    return deleted


async def repeat(name: str, seconds: float, task: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again; what it came to is logged, a failure too, and the next time comes all the same."""
    while True:
        await asyncio.sleep(seconds)
        try:
            result = await task()
        except EntrenousError as error:
            _log.warning("upkeep.failed", task=name, error=str(error))
        else:
            if result:
                _log.debug("upkeep.done", task=name, result=result)
