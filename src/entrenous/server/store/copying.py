"""Making one database hold exactly what another holds, table by table, as often as it takes.

Both are read in the order of their keys and compared row by row; what differs is changed in batches, each of which is
committed. So a copy that was interrupted goes on where it ended, and one that is repeated changes only what is new.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from entrenous.server.store.schema import facts, metadata
from entrenous.server.store.statements import Row, Statement

#: Rows and bytes that are changed in one transaction, and rows that are fetched at once.
BATCH_ROWS, BATCH_BYTES, FETCH_ROWS = 500, 4 << 20, 32

#: Every table that is copied, those that others point to first. What a database says about itself stays its own.
TABLES = tuple(table for table in metadata.sorted_tables if table is not facts)


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds: how many rows, and SHA-256 over all of them in the order of their keys."""

    rows: int
    digest: str


class Watcher(Protocol):
    """Who is told how far a copy has come."""

    def __call__(self, table: str, rows: int) -> None:
        """So many rows of a table have been looked at."""
        ...


class Copying:
    """From one database to another. Both have the newest schema, and nobody else writes to the target.

    Args:
        source: an open connection, in a transaction that sees one moment.
        target: where it goes; it is read on connections of their own.
    """

    def __init__(self, source: Connection, target: Connection) -> None:
        self._source, self._target = source, target

    def run(self, told: Watcher) -> dict[str, Content]:
        """Make the target hold what the source holds; returns what each table of the source holds."""
        for table in reversed(TABLES):
            self._delete(table)
        found = {}
        for table in TABLES:
            self._change(table)
            found[table.name] = self._insert(table, told)
            self._count_on(table)
        return found

    def verify(self, told: Watcher) -> dict[str, Content]:
        """What each table of the target holds, read again."""
        found = {}
        for table in TABLES:
            seen = _Digest(table.name, told)
            with self._present(table, columns_of(table)) as rows:
                for row in rows:
                    seen.add(row)
            found[table.name] = seen.content()
        return found

    def _delete(self, table: Table) -> None:
        key = keys_of(table)
        names = [f"key_{column.name}" for column in key]
        with self._present(table, key) as present:
            self._write(
                Statement(delete(table).where(*_at_key(table))),
                (
                    dict(zip(names, theirs, strict=True))
                    for ours, theirs in _joined(len(key), read(table, self._source, key), present)
                    if ours is None and theirs is not None
                ),
            )

    def _change(self, table: Table) -> None:
        key, columns = keys_of(table), columns_of(table)
        others = columns[len(key) :]
        if not others:
            return
        change: dict[Any, Any] = {column: bindparam(f"new_{column.name}") for column in others}
        names = [*(f"key_{column.name}" for column in key), *(f"new_{column.name}" for column in others)]
        with self._present(table, columns) as present:
            self._write(
                Statement(update(table).where(*_at_key(table)).values(change)),
                (
                    dict(zip(names, ours, strict=True))
                    for ours, theirs in _joined(len(key), read(table, self._source, columns), present)
                    if ours is not None and theirs is not None and ours != theirs
                ),
            )

    def _insert(self, table: Table, told: Watcher) -> Content:
        key, columns = keys_of(table), columns_of(table)
        names = [column.name for column in columns]
        seen = _Digest(table.name, told)

        def missing(present: Iterator[Row]) -> Iterator[dict[str, Any]]:
            for ours, theirs in _joined(len(key), read(table, self._source, columns), present):
                if ours is None:
                    continue
                seen.add(ours)
                if theirs is None:
                    yield dict(zip(names, ours, strict=True))

        with self._present(table, key) as present:
            self._write(Statement(insert(table).inline()), missing(present))
        return seen.content()

    def _count_on(self, table: Table) -> None:
        """Numbers that the target gives go on where the source's ended, so none of a row that is gone comes back."""
        column = table.autoincrement_column
        if column is None or not table.dialect_options["sqlite"]["autoincrement"]:
            return
        given = self._source.execute(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        newest = given.scalar()
        if newest:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            self._target.execute(select(func.setval(sequence, newest)))

    @contextmanager
    def _present(self, table: Table, columns: Sequence[Column[Any]]) -> Iterator[Iterator[Row]]:
        """The target's rows as they are now, while others are written."""
        with self._target.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            # It rests while the other side is read, and nobody waits for it.
            connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")
            connection.exec_driver_sql("SET statement_timeout = 0")
            yield read(table, connection, columns)

    def _write(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        with closing(self._target.connection.cursor()) as cursor:
            for batch in _batches(rows):
                words, _ = statement.bind(self._target.dialect, batch[0])
                values: list[Any] = [statement.bind(self._target.dialect, row)[1] for row in batch]
                cursor.execute("BEGIN")
                cursor.executemany(words, values)
                cursor.execute("COMMIT")


def keys_of(table: Table) -> list[Column[Any]]:
    """The columns that tell a table's rows apart."""
    found = list(table.primary_key.columns)
    if not found:
        unique = next(each for each in table.constraints if isinstance(each, UniqueConstraint))
        found = list(unique.columns)
    return found


def columns_of(table: Table) -> list[Column[Any]]:
    """All columns, those that tell rows apart first."""
    key = keys_of(table)
    return [*key, *(column for column in table.columns if column not in key)]


def read(table: Table, where: Connection, columns: Sequence[Column[Any]]) -> Iterator[Row]:
    """The rows of a table by rising key, a few at a time, so that no table has to fit into memory."""
    statement = select(*columns).order_by(*(_ordered(column, where) for column in keys_of(table)))
    options = {"stream_results": True, "max_row_buffer": FETCH_ROWS}
    with where.execute(statement, execution_options=options) as found:
        for row in found:
            yield tuple(row)


def _at_key(table: Table) -> list[ColumnElement[bool]]:
    return [column == bindparam(f"key_{column.name}") for column in keys_of(table)]


def _ordered(column: Column[Any], where: Connection) -> ColumnElement[Any]:
    # Texts are in the order of their bytes, as in SQLite, whatever language the database speaks.
    is_text = isinstance(column.type, Text) and where.dialect.name != "sqlite"
    return column.collate("C") if is_text else column


def _joined(width: int, ours: Iterator[Row], theirs: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Two sides by their keys, the first ``width`` values of each row; None where a side has no such row."""
    left, right = next(ours, None), next(theirs, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[:width] < right[:width]):
            yield left, None
            left = next(ours, None)
        elif left is None or right[:width] < left[:width]:
            yield None, right
            right = next(theirs, None)
        else:
            yield left, right
            left, right = next(ours, None), next(theirs, None)


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row.values() if isinstance(value, bytes))
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Digest:
    """Over rows, each value with its kind and its length: two tables that differ never agree by accident of joining."""

    def __init__(self, table: str, told: Watcher) -> None:
        self._table, self._told = table, told
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, row: Row) -> None:
        self._rows += 1
        for value in row:
            data = value if isinstance(value, bytes) else b"" if value is None else str(value).encode()
            self._hash.update(b"%s %d " % (type(value).__name__.encode(), len(data)))
            self._hash.update(data)
        if not self._rows % BATCH_ROWS:
            self._told(self._table, self._rows)

    def content(self) -> Content:
        self._told(self._table, self._rows)
        return Content(self._rows, self._hash.hexdigest())
