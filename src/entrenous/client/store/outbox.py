"""The rows of the outbox: contents from the moment they are said to the moment the log shows them."""

from dataclasses import dataclass

from entrenous.client.store.store import Row, Rows, Transaction


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One content on its way.

    Attributes:
        number: its place in the order of saying.
        content: the encoded Content.
        created_at: ms since 1970.
        epoch: that ``entry`` was protected in.
        entry: the ciphertext, once protected; the same bytes are sent until the server has them.
        sequence: where the server says it stands in the log.
        failure: why it will not be sent again; None while there is hope.
    """

    number: int
    room: bytes
    message_id: bytes
    content: bytes
    created_at: int
    epoch: int | None
    entry: bytes | None
    sequence: int | None
    failure: str | None


_SELECT = "SELECT number, room, message_id, content, created_at, epoch, entry, sequence, failure FROM outbox"


def add(tx: Transaction, room: bytes, message_id: bytes, content: bytes, created_at: int) -> None:
    """Queue a content behind those that wait already."""
    tx.execute(
        "INSERT INTO outbox (room, message_id, content, created_at) VALUES (?, ?, ?, ?)",
        (room, message_id, content, created_at),
    )


def last_number(rows: Rows, room: bytes) -> int:
    """The place of a room's newest content in the order of saying; 0 where nothing waits."""
    row = rows.one("SELECT max(number) FROM outbox WHERE room = ?", (room,))
    return 0 if row is None or row[0] is None else int(row[0])


def next_unsent(rows: Rows, room: bytes) -> OutboxRow | None:
    """The oldest content of a room that the server is not known to have."""
    row = rows.one(
        _SELECT + " WHERE room = ? AND sequence IS NULL AND failure IS NULL ORDER BY number LIMIT 1", (room,)
    )
    return None if row is None else OutboxRow(*row)


def by_message_id(rows: Rows, message_id: bytes) -> OutboxRow | None:
    """The row of a message, until the log has shown it."""
    row = rows.one(_SELECT + " WHERE message_id = ?", (message_id,))
    return None if row is None else OutboxRow(*row)


def of_room(rows: Rows, room: bytes) -> list[OutboxRow]:
    """Every row of a room, in the order of saying."""
    return _many(rows.all(_SELECT + " WHERE room = ? ORDER BY number", (room,)))


def accepted(rows: Rows, room: bytes) -> list[OutboxRow]:
    """Rows that the server says it has stored and the log has not shown yet."""
    return _many(rows.all(_SELECT + " WHERE room = ? AND sequence IS NOT NULL AND failure IS NULL", (room,)))


def overtaken(rows: Rows, room: bytes, cursor: int) -> list[OutboxRow]:
    """Rows that the server placed at or before ``cursor`` and that the log did not show there."""
    return _many(rows.all(_SELECT + " WHERE room = ? AND sequence <= ? AND failure IS NULL", (room, cursor)))


def protect(tx: Transaction, message_id: bytes, epoch: int, entry: bytes) -> None:
    """Keep the ciphertext beside its content, over one of an earlier epoch."""
    tx.execute("UPDATE outbox SET epoch = ?, entry = ? WHERE message_id = ?", (epoch, entry, message_id))


def accept(tx: Transaction, message_id: bytes, sequence: int | None) -> None:
    """The server has stored it at this place; None: it has it no longer."""
    tx.execute("UPDATE outbox SET sequence = ? WHERE message_id = ?", (sequence, message_id))


def fail(tx: Transaction, message_id: bytes, reason: str) -> None:
    """It will not be sent again. Its content stays for its author, its ciphertext because the log may yet show it."""
    tx.execute("UPDATE outbox SET failure = ?, sequence = NULL WHERE message_id = ?", (reason, message_id))


def remove(tx: Transaction, message_id: bytes) -> None:
    """The log has shown it."""
    tx.execute("DELETE FROM outbox WHERE message_id = ?", (message_id,))


def _many(found: list[Row]) -> list[OutboxRow]:
    return [OutboxRow(*row) for row in found]
