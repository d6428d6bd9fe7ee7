"""One SQL statement over a list of rows, for any dialect: what is done for many costs hardly more than for one.

Each step of a statement in SQLite gives the interpreter's lock away and has to get it back, and each statement to
PostgreSQL is a message of its own. So there are few statements of many rows, not many of one.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ARRAY, FromClause, bindparam, column, func, values
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine

from entrenous.errors import UsageError

#: Rows in one statement of SQLite at the most. Lists are cut into powers of two, so that few statements are compiled.
ROWS_AT_ONCE = 256
_GIVEN = "given"


class Bulk:
    """A statement that is given rows.

    Args:
        clause: makes the statement of what it is given, which is as a table; it has no other parameters.
        columns: the given rows' columns, in order.
    """

    def __init__(self, clause: Callable[[FromClause], ClauseElement], **columns: TypeEngine[Any]) -> None:
        self._clause = clause
        self._columns = columns
        self._texts: dict[tuple[str, int], str] = {}

    def bind(self, dialect: Dialect, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, Any]]:
        """The statements' texts and their parameters, in the driver's style; none where there are no rows."""
        if dialect.name != "sqlite":
            if rows:
                yield self._text(dialect, 0), dict(zip(self._columns, map(list, zip(*rows, strict=True)), strict=True))
            return
        start, count = 0, ROWS_AT_ONCE
        while start < len(rows):
            while count > len(rows) - start:
                count //= 2
            yield self._text(dialect, count), list(chain.from_iterable(rows[start : start + count]))
            start += count

    def _text(self, dialect: Dialect, count: int) -> str:
        text = self._texts.get((dialect.name, count))
        if text is None:
            text = self._texts[dialect.name, count] = self._compile(dialect, count)
        return text

    def _compile(self, dialect: Dialect, count: int) -> str:
        if not count:
            return str(self._clause(_arrays(self._columns)).compile(dialect=dialect))
        text = str(self._clause(_values(self._columns)).compile(dialect=dialect))
        row = f"({', '.join('?' for _ in self._columns)})"
        if row not in text or text.count("?") != len(self._columns):
            raise UsageError("a statement over rows has no parameters but theirs")
        return text.replace(row, ", ".join([row] * count))


def _values(columns: dict[str, TypeEngine[Any]]) -> FromClause:
    """One row; its parameters stand together, so there may be more of the kind."""
    row = tuple(bindparam(name, type_=kind) for name, kind in columns.items())
    return values(*_named(columns)).data([row]).cte(_GIVEN)


def _arrays(columns: dict[str, TypeEngine[Any]]) -> FromClause:
    """One parameter a column, whatever the number of rows."""
    arrays = (bindparam(name, type_=ARRAY(kind)) for name, kind in columns.items())
    return func.unnest(*arrays).table_valued(*_named(columns)).render_derived(name=_GIVEN)


def _named(columns: dict[str, TypeEngine[Any]]) -> list[Any]:
    return [column(name, kind) for name, kind in columns.items()]
