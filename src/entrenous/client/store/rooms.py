"""The rows of rooms: where this device stands in each log, and the epoch it is in."""

from dataclasses import dataclass, field

from entrenous.client.store.store import Rows, Transaction
from entrenous.client.views import RoomState
from entrenous.wire import LogPosition


@dataclass(frozen=True, slots=True)
class Standing:
    """Where this device stands in a room's log: rewritten with every entry.

    Attributes:
        position: the newest processed entry and the hash over the log up to it.
        base: the newest Commit entry processed, applied or refused.
        own_from: entries up to this one precede this device's time in the room; they are hashed and not opened.
        tree_age: Commit entries since one that brought a sealed whole tree.
        renewed_at: when this device last gave itself new keys, ms since 1970; 0 if it never did in this room.
        said: its messages since.
    """

    state: RoomState
    position: LogPosition
    base: int
    own_from: int
    tree_age: int
    renewed_at: int
    said: int


@dataclass(frozen=True, slots=True)
class EpochRow:
    """One epoch as stored: rewritten when a Commit is applied.

    Attributes:
        settings: the encoded RoomSettings.
        access_key: the room access key of ``access_generation``; None once this device was removed.
        group_state: the encoded Group; None once this device was removed.
    """

    epoch: int
    settings: bytes
    access_generation: int
    access_key: bytes | None = field(repr=False)
    group_state: bytes | None = field(repr=False)


_STANDING = "SELECT state, cursor, log_hash, base, own_from, tree_age, renewed_at, said FROM rooms WHERE room = ?"
_PUT_STANDING = (
    "INSERT INTO rooms (room, state, cursor, log_hash, base, own_from, tree_age, renewed_at, said)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (room) DO UPDATE SET state = excluded.state, cursor = excluded.cursor,"
    " log_hash = excluded.log_hash, base = excluded.base, own_from = excluded.own_from,"
    " tree_age = excluded.tree_age, renewed_at = excluded.renewed_at, said = excluded.said"
)
_EPOCH = "SELECT epoch, settings, access_generation, access_key, group_state FROM room_epochs WHERE room = ?"
_PUT_EPOCH = (
    "INSERT INTO room_epochs (room, epoch, settings, access_generation, access_key, group_state)"
    " VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (room) DO UPDATE SET epoch = excluded.epoch, settings = excluded.settings,"
    " access_generation = excluded.access_generation, access_key = excluded.access_key,"
    " group_state = excluded.group_state"
)


def all_rooms(rows: Rows) -> list[bytes]:
    """The ids of all rooms."""
    return [bytes(room) for (room,) in rows.all("SELECT room FROM rooms")]


def standing(rows: Rows, room: bytes) -> Standing | None:
    """Where a room stands; None if it is unknown here."""
    row = rows.one(_STANDING, (room,))
    if row is None:
        return None
    state, cursor, log_hash, *rest = row
    return Standing(RoomState(state), LogPosition(cursor, log_hash), *rest)


def put_standing(tx: Transaction, room: bytes, standing: Standing) -> None:
    """Write where a room stands, over what was there."""
    position = standing.position
    tx.execute(
        _PUT_STANDING,
        (
            room,
            standing.state,
            position.sequence,
            position.hash,
            standing.base,
            standing.own_from,
            standing.tree_age,
            standing.renewed_at,
            standing.said,
        ),
    )


def epoch(rows: Rows, room: bytes) -> EpochRow | None:
    """A room's epoch; None if the room is unknown here."""
    row = rows.one(_EPOCH, (room,))
    return None if row is None else EpochRow(*row)


def put_epoch(tx: Transaction, room: bytes, row: EpochRow) -> None:
    """Write a room's epoch, over the one before."""
    tx.execute(
        _PUT_EPOCH,
        (room, row.epoch, row.settings, row.access_generation, row.access_key, row.group_state),
    )
