"""The rows of the inboxes: Welcomes that wait for devices."""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, func, insert, select

from entrenous.server.store.bulk import Bulk
from entrenous.server.store.schema import inbox
from entrenous.server.store.statements import Statement, Transaction
from entrenous.wire.types import InboxItem

_INSERT = Bulk(
    lambda given: insert(inbox).from_select(
        ("device", "room", "sequence", "welcome"),
        select(given.c.device, given.c.room, given.c.sequence, given.c.welcome),
    ),
    device=inbox.c.device.type,
    room=inbox.c.room.type,
    sequence=inbox.c.sequence.type,
    welcome=inbox.c.welcome.type,
)
_SIZES = Statement(
    select(inbox.c.number, func.length(inbox.c.welcome))
    .where(inbox.c.device == bindparam("device"), inbox.c.number > bindparam("after"))
    .order_by(inbox.c.number)
    .limit(bindparam("most"))
)
_ITEMS = Statement(
    select(inbox.c.number, inbox.c.room, inbox.c.sequence, inbox.c.welcome)
    .where(
        inbox.c.device == bindparam("device"), inbox.c.number > bindparam("after"), inbox.c.number <= bindparam("up_to")
    )
    .order_by(inbox.c.number)
)
_DROP = Statement(delete(inbox).where(inbox.c.device == bindparam("device"), inbox.c.number <= bindparam("up_to")))
_COUNTS = Bulk(
    lambda given: (
        select(inbox.c.device, func.count()).join(given, given.c.device == inbox.c.device).group_by(inbox.c.device)
    ),
    device=inbox.c.device.type,
)
_OF_ROOM = Statement(delete(inbox).where(inbox.c.room == bindparam("of_room"), inbox.c.sequence < bindparam("before")))


def add(tx: Transaction, room: bytes, sequence: int, welcomes: Iterable[tuple[bytes, bytes]]) -> None:
    """Put (device, Welcome) pairs, made by the Commit entry ``sequence``, into inboxes."""
    tx.put_all(_INSERT, [(device, room, sequence, welcome) for device, welcome in welcomes])


def fetch(tx: Transaction, device: bytes, after: int, *, limit: int, size: int) -> tuple[InboxItem, ...]:
    """Items after the id ``after``, oldest first: at most ``limit``, and ``size`` bytes unless one alone is larger."""
    end = after
    # Their sizes first: 500 Welcomes of 4 MiB are not read to throw most of them away.
    for number, length in tx.all(_SIZES, device=device, after=after, most=limit):
        size -= length
        if size < 0 and end > after:
            break
        end = number
    return tuple(InboxItem(*row) for row in tx.all(_ITEMS, device=device, after=after, up_to=end))


def drop(tx: Transaction, device: bytes, up_to: int) -> None:
    """Delete a device's items up to the id ``up_to``."""
    tx.put(_DROP, device=device, up_to=up_to)


def counts(tx: Transaction, devices: Sequence[bytes]) -> dict[bytes, int]:
    """How many items wait for each of these devices for which any does."""
    return dict(tx.find_all(_COUNTS, [(device,) for device in devices]))


def forget(tx: Transaction, room: bytes, before: int) -> int:
    """Delete a room's Welcomes whose Commit entry comes before ``before`` and is gone; returns how many."""
    return tx.run(_OF_ROOM, of_room=room, before=before)
