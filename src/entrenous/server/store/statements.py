"""Statements declared in Core, compiled once, and run on the driver's own cursor.

A published message costs five statements. Running them through ``Connection.execute`` would cost more than the whole
rest of the storage thread's work; the compiled text and a cursor cost a fifth of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql import ClauseElement

from entrenous.server.store.bulk import Bulk

Row = tuple[Any, ...]


class Statement:
    """One SQL statement with named parameters, for any dialect.

    Values pass to the driver as they are, so columns are bytes, text and integers only.
    """

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None, dict[str, Any]]] = {}

    def bind(self, dialect: Dialect, values: Mapping[str, object]) -> tuple[str, Sequence[Any] | Mapping[str, Any]]:
        """The statement's text and its parameters, in the driver's style."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._compile(dialect)
        text, names, constants = compiled
        if constants:
            values = {**constants, **values}
        return text, values if names is None else [values[name] for name in names]

    def _compile(self, dialect: Dialect) -> tuple[str, tuple[str, ...] | None, dict[str, Any]]:
        compiled = self._clause.compile(dialect=dialect)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        names = compiled.positiontup  # type: ignore[attr-defined]  # every SQLCompiler has it
        return str(compiled), None if names is None else tuple(names), constants


class Transaction:
    """What an operation works on: the open transaction of the storage thread."""

    def __init__(self, cursor: DBAPICursor, dialect: Dialect) -> None:
        self._cursor = cursor
        self._dialect = dialect
        #: Whether the operation that runs has changed anything.
        self.has_written = False

    def run(self, statement: Statement, /, **values: object) -> int:
        """Execute; returns how many rows it changed."""
        self.has_written = True
        self._cursor.execute(*statement.bind(self._dialect, values))
        return self._cursor.rowcount

    def put(self, statement: Statement, /, **values: object) -> None:
        """Execute, and do not wait to hear how many rows it changed."""
        self.has_written = True
        self._cursor.execute(*statement.bind(self._dialect, values))

    def put_all(self, statement: Bulk, rows: Sequence[Sequence[Any]]) -> None:
        """Execute over all of these rows, and do not wait to hear how many it changed."""
        for text, bound in statement.bind(self._dialect, rows):
            self.has_written = True
            self._cursor.execute(text, bound)

    def one(self, statement: Statement, /, **values: object) -> Row | None:
        """The first row, or None."""
        self._cursor.execute(*statement.bind(self._dialect, values))
        return self._cursor.fetchone()

    def all(self, statement: Statement, /, **values: object) -> Sequence[Row]:
        """Every row."""
        self._cursor.execute(*statement.bind(self._dialect, values))
        return self._cursor.fetchall()

    def find_all(self, statement: Bulk, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Every row for any of these rows."""
        found: list[Row] = []
        for text, bound in statement.bind(self._dialect, rows):
            self._cursor.execute(text, bound)
            found += self._cursor.fetchall()
        return found

    def control(self, command: str) -> None:
        """BEGIN, COMMIT and the like: for the storage thread alone."""
        self._cursor.execute(command)
