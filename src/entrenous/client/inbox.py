"""The way in: a room's entries in exactly the log's order, each in one transaction (docs/spec/delivery.md).

What an entry changes in keys, epoch and timeline, the log hash over it and the cursor are on disk together or not at
all; then the server is told, then the front ends.
"""

from dataclasses import dataclass, replace

from entrenous.client.alarms import LogsDiffer
from entrenous.client.events import Event, MessageArrived, MessageStateChanged
from entrenous.client.rooms.commits import TREE_EVERY
from entrenous.client.rooms.reading import Reader, Reading
from entrenous.client.rooms.reasons import SWAPPED
from entrenous.client.rooms.room import Room
from entrenous.client.rooms.services import Services
from entrenous.client.rooms.timeline import line
from entrenous.client.store import Transaction, entries, outbox, rooms
from entrenous.client.store.entries import EntryRow
from entrenous.client.store.outbox import OutboxRow
from entrenous.client.store.rooms import Standing
from entrenous.client.views import MessageKind, MessageState, RoomState
from entrenous.errors import MalformedError, UsageError
from entrenous.mls.types import MLSMessage, message_header
from entrenous.wire import LogPosition
from entrenous.wire.types import Entry


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry that was processed and is on disk; ``events`` tells of it once the names are known."""

    row: EntryRow
    reading: Reading
    #: Own messages whose place in the log has passed without them.
    lost: tuple[OutboxRow, ...]


def take(room: Room, services: Services, entry: Entry) -> Taken:
    """Process the entry after the cursor.

    Raises:
        UnavailableError: it could not be stored; the room is as it was.
        UsageError: it is not the next entry.
    """
    standing = room.standing
    if entry.sequence != standing.position.sequence + 1:
        raise UsageError(f"entry {entry.sequence} does not follow {standing.position.sequence}")
    position = standing.position.then(entry.body)
    with services.store.transaction() as tx:
        if entry.sequence <= standing.own_from and not _is_of_own_time(room, entry):
            reading = Reading(None, "", room.epoch)  # from before this device's time: it continues the hash, no more
        else:
            reading = Reader(tx, room, services, entry).read()
        after = _standing_after(standing, reading, position, entry.received_at)
        row = _row(entry, reading, position)
        entries.add(tx, room.id, row)
        rooms.put_standing(tx, room.id, after)
        lost = _fail_lost(tx, room.id, entry.sequence)
    room.replace(after, reading.epoch)
    return Taken(row, reading, lost)


def events_of(room: Room, services: Services, taken: Taken) -> list[Event]:
    """What to tell of a processed entry, with the names that are known now."""
    row, reading = taken.row, taken.reading
    told: list[Event] = []
    if row.kind in (MessageKind.TEXT, MessageKind.UNKNOWN):
        told.append(MessageArrived(line(room.id, row, services.people, services.device.account_id)))
        if reading.is_own:
            told.append(MessageStateChanged(room.id, row.message_id, MessageState.SENT, row.sequence))
    told += [news() for news in reading.news]
    own_name = services.people.name(services.device.account_id)
    for message in taken.lost:
        told.append(MessageStateChanged(room.id, message.message_id, MessageState.FAILED, reason=SWAPPED))
        told.append(LogsDiffer(room.id, message.sequence or row.sequence, own_name))
    return told


def _is_of_own_time(room: Room, entry: Entry) -> bool:
    """Whether an entry is of an epoch that this device is in, or of a later one.

    Where its time begins is the server's word; the entry's epoch is not, so nothing of its time is passed over.
    """
    try:
        header = message_header(MLSMessage.decode(entry.body))
    except MalformedError:
        return False
    return header is not None and header.epoch >= room.epoch.group.epoch


def _standing_after(standing: Standing, reading: Reading, position: LogPosition, received_at: int) -> Standing:
    state = standing.state if reading.epoch is not None else RoomState.REMOVED
    if not reading.is_commit:
        return replace(standing, state=state, position=position, said=standing.said + reading.is_own)
    if reading.is_own:
        standing = replace(standing, renewed_at=received_at, said=0)  # every Commit of ours brings a fresh path
    tree_age = 0 if reading.has_tree else standing.tree_age + 1
    if reading.kind is MessageKind.REFUSED:
        tree_age = TREE_EVERY  # what came with it may be garbage in place of a tree: the next Commit brings a whole one
    return replace(standing, state=state, position=position, base=position.sequence, tree_age=tree_age)


def _row(entry: Entry, reading: Reading, position: LogPosition) -> EntryRow:
    return EntryRow(
        sequence=entry.sequence,
        log_hash=position.hash,
        message_id=entry.message_id,
        kind=reading.kind,
        sender=reading.sender,
        body=reading.body,
        sent_at=reading.sent_at,
        received_at=entry.received_at,
    )


def _fail_lost(tx: Transaction, room: bytes, sequence: int) -> tuple[OutboxRow, ...]:
    """Own messages that the server placed here or before, and that the log did not show."""
    lost = tuple(outbox.overtaken(tx, room, sequence))
    for row in lost:
        outbox.fail(tx, row.message_id, SWAPPED)
    return lost
