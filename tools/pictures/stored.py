"""What the server stores, as rows of a pane: read from its database while it runs."""

import contextlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from entrenous.mls.types import ContentType, MLSMessage, PrivateMessage
from pictures.errors import PictureError
from pictures.views import Row, Span, Style

HEADING = "  #  received  room      epoch  what          bytes  ciphertext"
#: Characters of a row before the stored bytes.
_BEFORE = HEADING.index("ciphertext")
_WHAT = {ContentType.APPLICATION: "message", ContentType.COMMIT: "key change", ContentType.PROPOSAL: "proposal"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a room's log: what the MLS header in front of the ciphertext says, and the ciphertext."""

    sequence: int
    received_ms: int
    room: bytes
    epoch: int
    what: str
    size: int
    ciphertext: bytes


def entries(database: Path) -> tuple[Entry, ...]:
    """The logs of all rooms as they stand in the database at this moment.

    Raises:
        PictureError: an entry is no ciphertext.
    """
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT sequence, received_at, room, body FROM entries ORDER BY room, sequence"
        ).fetchall()
    return tuple(_entry(*row) for row in rows)


def _entry(sequence: int, received_ms: int, room: bytes, body: bytes) -> Entry:
    message = MLSMessage.decode(body).body
    if not isinstance(message, PrivateMessage):
        raise PictureError(f"entry {sequence} is no PrivateMessage")
    what = _WHAT[message.content_type]
    return Entry(sequence, received_ms, room, message.epoch, what, len(body), message.ciphertext)


def rows_of(stored: tuple[Entry, ...], columns: int, height: int) -> tuple[Row, ...]:
    """A heading and the newest entries, each on one row of so many characters that ends in ciphertext."""
    shown = stored[max(0, len(stored) - height + 1) :]
    return (((Span(HEADING, Style("bar")),)), *(_row(entry, columns) for entry in shown))


def _row(entry: Entry, columns: int) -> Row:
    clock = time.strftime("%H:%M:%S", time.gmtime(entry.received_ms / 1000))
    told = f"{entry.sequence:>3}  {clock}  {entry.room.hex()[:8]}  {entry.epoch:>5}  {entry.what:<10}  {entry.size:>7,}"
    space = columns - _BEFORE - 2
    shown = entry.ciphertext[: space // 3].hex(" ") + " …"
    return (Span(f"{told:<{_BEFORE}}"), Span(shown, Style("ciphertext")))
