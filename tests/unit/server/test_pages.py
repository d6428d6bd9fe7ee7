"""How much of a SQLite file a message changes: each changed page is written whole, to the log and later to the file."""

import contextlib
import random
from pathlib import Path

import pytest

from entrenous.server.store import ensure_schema, log, rooms, sqlite_engine
from entrenous.server.store.log import Line
from entrenous.server.store.statements import Transaction
from entrenous.wire.types import Entry

#: Bytes of the header of SQLite's log, and of that of each page in it (https://www.sqlite.org/fileformat2.html, 4.1).
HEADER, PAGE_HEADER = 32, 24
BATCHES = 120


@pytest.mark.parametrize(("senders", "each", "at_most"), [(10, 8, 0.85), (100, 1, 1.5)])
def test_a_message_changes_few_pages_however_many_senders_share_a_commit(
    tmp_path: Path, senders: int, each: int, at_most: float
) -> None:
    """With rows and their times sorted by device it was 0.92 and 1.82."""
    chance = random.Random(7)
    # A room, a device, and the run that its message ids begin with (docs/spec/delivery.md, Message ids).
    people = [(chance.randbytes(16), chance.randbytes(16), chance.randbytes(8)) for _ in range(senders)]
    path = tmp_path / "server.db"
    engine = sqlite_engine(path)
    ensure_schema(engine)
    with engine.connect() as connection, contextlib.closing(connection.connection.cursor()) as cursor:
        # What is counted is what is written, not when it is on the disk.
        for pragma in ("wal_autocheckpoint = 0", "synchronous = OFF"):
            cursor.execute(f"PRAGMA {pragma}")
        tx = Transaction(cursor, engine.dialect)
        tx.control("BEGIN IMMEDIATE")
        for room, device, _ in people:
            rooms.create(tx, room, device, 3_600, 0)
        tx.control("COMMIT")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        sequence = 0
        for batch in range(BATCHES):
            tx.control("BEGIN IMMEDIATE")
            lines = []
            for _ in range(each):
                sequence += 1
                for room, device, run in people:
                    entry = Entry(sequence, run + sequence.to_bytes(4, "big"), bytes(280), batch * 10)
                    lines.append(Line(room, device, entry, 5_184_000 + batch // 100))
            log.append(tx, lines)
            tx.control("COMMIT")
        page = cursor.execute("PRAGMA page_size").fetchone()[0]
        pages = (path.with_name("server.db-wal").stat().st_size - HEADER) / (page + PAGE_HEADER)
    engine.dispose()
    assert 0.1 < pages / (BATCHES * senders * each) < at_most
