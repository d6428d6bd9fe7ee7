"""The rows of the timeline: every log entry this device has processed, read or not."""

from dataclasses import dataclass

from entrenous.client.store.store import Row, Rows, Transaction
from entrenous.client.views import MessageKind


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One processed entry.

    Attributes:
        log_hash: over the log up to and including it.
        kind: what ``body`` is; None for an entry that no timeline shows.
        sender: the sender's account; None where the entry does not tell.
        sent_at: the sender's word, ms since 1970; 0 where the entry does not tell.
        received_at: the server's word, ms since 1970; ``LOST`` for an own text that it has lost since.
    """

    sequence: int
    log_hash: bytes
    message_id: bytes
    kind: MessageKind | None
    sender: bytes | None
    body: str
    sent_at: int
    received_at: int


_SELECT = "SELECT sequence, log_hash, message_id, kind, sender, body, sent_at, received_at FROM entries"
_INSERT = (
    "INSERT INTO entries (room, sequence, log_hash, message_id, kind, sender, body, sent_at, received_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room, sequence) DO UPDATE SET log_hash = excluded.log_hash"
)
#: In place of the time at which the server received an entry that it has no longer.
LOST = -1
#: The kind of entries that belong to the log and not to the timeline.
_HIDDEN = ""
#: The kinds of entries of which nothing inside is known.
_NOT_READ = (MessageKind.UNREADABLE, MessageKind.REFUSED)


def add(tx: Transaction, room: bytes, row: EntryRow) -> None:
    """Add an entry at the end of a room's timeline. What was read at its place before stays, under the new log hash."""
    tx.execute(
        _INSERT,
        (
            room,
            row.sequence,
            row.log_hash,
            row.message_id,
            row.kind or _HIDDEN,
            row.sender,
            row.body,
            row.sent_at,
            row.received_at,
        ),
    )


def get(rows: Rows, room: bytes, sequence: int) -> EntryRow | None:
    """One entry; None where this device does not have it."""
    row = rows.one(_SELECT + " WHERE room = ? AND sequence = ?", (room, sequence))
    return None if row is None else _row(row)


def forget_after(tx: Transaction, room: bytes, sequence: int) -> None:
    """Delete what could not be read behind a place: this device reads it again, as another member than it was.

    What it has read stays: whoever leads it there must not be able to take that from it.
    """
    tx.execute(
        "DELETE FROM entries WHERE room = ? AND sequence > ? AND kind IN (?, ?, ?)",
        (room, sequence, _HIDDEN, *_NOT_READ),
    )


def committers(rows: Rows, room: bytes, count: int) -> list[bytes | None]:
    """Who made the newest Commits of a room, newest first; None where a Commit does not tell."""
    found = rows.all(
        "SELECT sender FROM entries WHERE room = ? AND kind IN (?, ?) ORDER BY sequence DESC LIMIT ?",
        (room, MessageKind.CHANGE, MessageKind.REFUSED, count),
    )
    return [None if sender is None else bytes(sender) for (sender,) in found]


def lose(tx: Transaction, room: bytes, sequence: int, own_account: bytes) -> int:
    """Mark an account's texts behind a place as lost by the server; returns how many."""
    return tx.execute(
        "UPDATE entries SET received_at = ? WHERE room = ? AND sequence > ? AND sender = ? AND kind = ?",
        (LOST, room, sequence, own_account, MessageKind.TEXT),
    )


def log_hash(rows: Rows, room: bytes, sequence: int) -> bytes | None:
    """The hash over the log up to an entry; None where this device does not have it."""
    row = rows.one("SELECT log_hash FROM entries WHERE room = ? AND sequence = ?", (room, sequence))
    return None if row is None else bytes(row[0])


def is_known(rows: Rows, room: bytes, sender: bytes, message_id: bytes) -> bool:
    """Whether a message of this sender with this id was read before.

    Entries that could not be read do not count: the server chose the id that they stand under, and could otherwise
    make a genuine message of that id look like a repetition.
    """
    sql = "SELECT 1 FROM entries WHERE room = ? AND message_id = ? AND sender = ? AND kind NOT IN (?, ?)"
    return rows.one(sql, (room, message_id, sender, *_NOT_READ)) is not None


def before(rows: Rows, room: bytes, sequence: int | None, limit: int) -> list[EntryRow]:
    """The last shown entries before a place (None: before the end), oldest first."""
    found = rows.all(
        _SELECT + " WHERE room = ? AND sequence < ? AND kind <> ? ORDER BY sequence DESC LIMIT ?",
        (room, (1 << 63) - 1 if sequence is None else sequence, _HIDDEN, limit),
    )
    return [_row(row) for row in reversed(found)]


def after(rows: Rows, room: bytes, sequence: int, limit: int) -> list[EntryRow]:
    """The first shown entries after a place, oldest first."""
    found = rows.all(
        _SELECT + " WHERE room = ? AND sequence > ? AND kind <> ? ORDER BY sequence LIMIT ?",
        (room, sequence, _HIDDEN, limit),
    )
    return [_row(row) for row in found]


def _row(row: Row) -> EntryRow:
    sequence, log_hash, message_id, kind, *rest = row
    return EntryRow(sequence, log_hash, message_id, MessageKind(kind) if kind else None, *rest)
