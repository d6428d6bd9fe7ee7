"""This device's KeyPackages: made, kept, uploaded, and their private parts deleted when nobody can use them any more.

A KeyPackage lets others add this device to a room while it is away. Each is handed out once; only when the pool is dry
does the server hand out the last-resort package again and again, so that one is replaced often (protocol §4).
"""

from entrenous.client.environment import Environment
from entrenous.client.own_device import LAST_RESORT_EXTENSION, OwnDevice
from entrenous.client.session import Caller, RefusedError
from entrenous.client.store import Rows, Store, key_packages
from entrenous.client.store.key_packages import KeyPackageRow
from entrenous.mls.group import KeyPackageBundle, create_key_package
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.types import Extension, Lifetime
from entrenous.wire import replies, requests

#: The pool is filled up to the second number when fewer than the first are left in it.
REFILL_BELOW = 25
POOL_SIZE = 100

#: One-time packages whose private parts are kept, whatever the server says of its pool: it could ask for ever more.
MOST_KEPT = 10_000

_DAY = 86_400
#: Seconds in which a KeyPackage may be added.
LIFETIME = 30 * _DAY
#: Seconds that its lifetime begins before it is made, for whoever's clock is behind.
BACKDATED = _DAY
#: Seconds after which the last-resort package is replaced even if it was not used.
LAST_RESORT_AGE = 7 * _DAY
#: Seconds that private parts outlive what they are for, in case an Add is being made at that moment.
GRACE = _DAY


async def refill(
    caller: Caller, store: Store, environment: Environment, device: OwnDevice, *, stored: int | None = None
) -> int:
    """Bring the pool up to its size and the last resort up to date, where that is due; returns the pool's size.

    For after each login and each Welcome.

    Args:
        caller: logged in as this device.
        store: keeps the private parts, on disk before anybody else knows of a package.
        environment: clock, entropy and a place for making keys.
        device: whom the packages invite.
        stored: how many one-time packages the server says it has; None asks it.

    Raises:
        RefusedError: the server does not take them; nothing is kept.
        UnavailableError: it is not known whether it did. They are kept, and the next call looks again.
    """
    now = environment.seconds()
    if stored is None:
        stored = (await caller.call(requests.PutKeyPackages((), None), replies.KeyPackageCount)).count
    wanted = _wanted(store, stored, now)
    renew = _needs_last_resort(store, now)
    if not wanted and not renew:
        return stored
    made = await environment.offload(lambda: [_make(device, environment, now) for _ in range(wanted)])
    last = _make(device, environment, now, is_last_resort=True) if renew else None
    return await _upload(caller, store, made, last, now)


def forget_expired(store: Store, environment: Environment) -> None:
    """Delete private parts that nobody can use any more.

    Only once the inbox was read to its end: a Welcome may have waited there for longer than its KeyPackage was valid.
    """
    before = environment.seconds() - GRACE
    with store.transaction() as tx:
        key_packages.purge(tx, expired_before=before, replaced_before=before)


def _wanted(rows: Rows, stored: int, now: int) -> int:
    """How many to make. Those that expired in the pool are no use, though the server counts them."""
    kept = key_packages.count_usable(rows, now)
    usable = min(stored, kept)
    return min(POOL_SIZE - usable, max(0, MOST_KEPT - kept)) if usable < REFILL_BELOW else 0


def _needs_last_resort(rows: Rows, now: int) -> bool:
    made_at = key_packages.newest_last_resort(rows)
    return made_at is None or now - made_at >= LAST_RESORT_AGE


def _make(device: OwnDevice, environment: Environment, now: int, *, is_last_resort: bool = False) -> KeyPackageBundle:
    return create_key_package(
        ROOM_SUITE,
        device.signer,
        device.profile,
        Lifetime(now - BACKDATED, now + LIFETIME),
        environment.entropy,
        extensions=(Extension(LAST_RESORT_EXTENSION, b""),) if is_last_resort else (),
    )


async def _upload(
    caller: Caller, store: Store, made: list[KeyPackageBundle], last: KeyPackageBundle | None, now: int
) -> int:
    rows = [_row(bundle, now) for bundle in made]
    if last is not None:
        rows.append(_row(last, now, is_last_resort=True))
    references = [row.reference for row in rows]
    with store.transaction() as tx:
        key_packages.add(tx, rows)
    request = requests.PutKeyPackages(
        packages=tuple(bundle.key_package.encode() for bundle in made),
        last_resort=None if last is None else last.key_package.encode(),
    )
    try:
        reply = await caller.call(request, replies.KeyPackageCount)
    except RefusedError:
        with store.transaction() as tx:
            key_packages.remove(tx, references)
        raise
    with store.transaction() as tx:
        key_packages.mark_uploaded(tx, references)
        if last is not None:
            key_packages.replace_last_resort(tx, last.reference, now)
    return reply.count


def _row(bundle: KeyPackageBundle, now: int, *, is_last_resort: bool = False) -> KeyPackageRow:
    return KeyPackageRow(bundle.reference, bundle.encode(), is_last_resort, now, now + LIFETIME)
