"""What a server does by itself: deleting what is due, and renewing its channel keys."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable

import structlog

from entrenous.channel import SUITES, ServerCredential, issue_credential
from entrenous.crypto import Entropy
from entrenous.errors import EntrenousError
from entrenous.identity import ServerIdentityKey
from entrenous.server.clock import Clock
from entrenous.server.settings import DAY, SILENT_AFTER
from entrenous.server.store import Storage, invites, key_packages, retention, rosters

#: Seconds between two sets of channel keys, and for how long each is certified: old connections outlive a renewal.
RENEW_EVERY = DAY
CERTIFIED_FOR = 3 * DAY
#: Seconds between two looks whether it is time: the clock may be set, and it goes on while a machine sleeps.
LOOK_EVERY = 60.0
#: Rooms that one operation sweeps.
ROOMS_PER_SWEEP = 200

_log = structlog.get_logger(__name__)


def make_credentials(
    identity: ServerIdentityKey, suites: Iterable[int], *, entropy: Entropy, now: float
) -> dict[int, ServerCredential]:
    """Fresh static keys for the channel, certified. They are never stored."""
    not_after = int(now) + CERTIFIED_FOR
    credentials = {}
    for number in suites:
        suite = SUITES[number]
        credentials[number] = issue_credential(identity, suite, suite.noise.dh.generate(entropy), not_after)
    return credentials


async def sweep(storage: Storage, clock: Clock) -> int:
    """Delete every entry that is due, and what has outlived its use; returns how many entries went."""
    now = int(clock.now())
    after: bytes | None = b""
    deleted = 0
    while after is not None:
        operation = functools.partial(
            retention.sweep, after=after, now=now, silent_after=SILENT_AFTER, limit=ROOMS_PER_SWEEP
        )
        after, count = await storage.write(operation)
        deleted += count
    await storage.write(lambda tx: retention.forget_sent(tx, now))
    await storage.write(lambda tx: invites.purge(tx, now))
    await storage.write(lambda tx: key_packages.purge(tx, now))
    await storage.write(lambda tx: rosters.forget_removed(tx, now - SILENT_AFTER))
    return deleted


async def repeat(name: str, seconds: float, task: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again; a failure is logged, and the next time comes all the same."""
    while True:
        await asyncio.sleep(seconds)
        try:
            result = await task()
        except EntrenousError as error:
            _log.warning("upkeep.failed", task=name, error=str(error))
        else:
            _log.debug("upkeep.done", task=name, result=result)
