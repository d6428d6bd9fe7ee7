"""When a process dies, and the database drivers through which it does: both stores', below all of our own code.

A write is a COMMIT of a transaction that changed something, a statement that changes something outside of one, and a
checkpoint. Each has two moments to die at: before it, with everything done and sent that came earlier, and after it,
with nothing yet done about it. Between two writes SQLite keeps its promise that what was not committed never was.
"""

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from sqlcipher3 import dbapi2 as sqlcipher

#: The exit code of a process that died as it was to.
DIED = 77
_CHANGING = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER", "PRAGMA user_version")
#: The server gives a statement many rows in front: WITH given(...) AS (VALUES ...) INSERT INTO ...
_WITH, _CHANGING_WITH = "WITH ", (" INSERT ", " UPDATE ", " DELETE ")
_CHECKPOINT = "PRAGMA wal_checkpoint"


class Doom:
    """When to die, in moments counted from 1; None never. ``marks`` tells moments apart that differ in their effects.

    Attributes:
        effects: what the outside has seen so far, as a number that grows.
    """

    def __init__(self, moment: int | None, effects: Callable[[], int]) -> None:
        self._moment = moment
        self._effects = effects
        self.marks: list[tuple[int, int]] = []
        self.writes = 0

    def around(self, write: Callable[[], Any]) -> Any:
        """Do a write, with its two moments."""
        self._strike()
        result = write()
        self.writes += 1
        self._strike()
        return result

    def _strike(self) -> None:
        self.marks.append((self.writes, self._effects()))
        if len(self.marks) == self._moment:
            os._exit(DIED)


def distinct_moments(marks: Sequence[tuple[int, int]], first: int, last: int) -> list[int]:
    """Of a life without a death: the moments in (first, last] of which none is, on the disk and outside, as another."""
    before = (None, *marks)
    return [number for number in range(first + 1, last + 1) if before[number] != before[number - 1]]


class _Transactions:
    """Follows what one connection is told, to know what is a write."""

    def __init__(self, doom: Doom) -> None:
        self._doom = doom
        self._has_changed = False

    def run(self, sql: str, in_transaction: bool, execute: Callable[[], Any]) -> Any:
        """Execute one statement."""
        verb = sql.lstrip()
        is_change = verb.startswith(_CHANGING) or (
            verb.startswith(_WITH) and any(word in verb for word in _CHANGING_WITH)
        )
        if verb == "COMMIT" and self._has_changed:
            self._has_changed = False
            return self._doom.around(execute)
        if verb == "ROLLBACK":
            self._has_changed = False
        if verb.startswith(_CHECKPOINT) or (is_change and not in_transaction):
            return self._doom.around(execute)
        self._has_changed = self._has_changed or is_change
        return execute()


class _StoreConnection:
    """Stands between a client's store and its driver."""

    def __init__(self, real: Any, doom: Doom) -> None:
        self._real = real
        self._doom = doom
        self._transactions = _Transactions(doom)

    @property
    def in_transaction(self) -> bool:
        return bool(self._real.in_transaction)

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        return self._transactions.run(sql, self.in_transaction, lambda: self._real.execute(sql, parameters))

    def executemany(self, sql: str, parameters: Any) -> Any:
        return self._transactions.run(sql, self.in_transaction, lambda: self._real.executemany(sql, parameters))

    def close(self) -> None:
        # The last connection of a database puts its log into it and deletes the log.
        self._doom.around(self._real.close)


def doom_stores(doom: Doom) -> None:
    """From now on, every client's store that is opened in this process is written through a mortal connection."""
    connect = sqlcipher.connect

    def connect_mortal(*args: Any, **options: Any) -> _StoreConnection:
        return _StoreConnection(connect(*args, **options), doom)

    sqlcipher.connect = connect_mortal


def doom_databases(doom: Doom) -> None:
    """From now on, every server's database that is opened in this process is; its key file is mortal too."""
    connect, replace = sqlite3.dbapi2.connect, Path.replace

    class MortalCursor(sqlite3.Cursor):
        def execute(self, sql: str, parameters: Any = ()) -> Self:
            self._follow(sql, lambda: sqlite3.Cursor.execute(self, sql, parameters))
            return self

        def executemany(self, sql: str, parameters: Any) -> Self:
            self._follow(sql, lambda: sqlite3.Cursor.executemany(self, sql, parameters))
            return self

        def _follow(self, sql: str, execute: Callable[[], Any]) -> None:
            of = self.connection
            assert isinstance(of, MortalConnection)
            of.transactions.run(sql, of.in_transaction, execute)

    class MortalConnection(sqlite3.Connection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.transactions = _Transactions(doom)

        def cursor(self, factory: Any = MortalCursor) -> Any:
            return super().cursor(factory)

        def close(self) -> None:
            doom.around(super().close)

    def connect_mortal(*args: Any, **options: Any) -> sqlite3.Connection:
        found = connect(*args, factory=MortalConnection, **options)
        assert isinstance(found, sqlite3.Connection)
        return found

    def replace_mortal(self: Path, target: Path) -> Path:
        found = doom.around(lambda: replace(self, target))
        assert isinstance(found, Path)
        return found

    sqlite3.dbapi2.connect = connect_mortal  # type: ignore[assignment] # in a process that was made for it
    Path.replace = replace_mortal  # type: ignore[method-assign, assignment] # in a process that was made for it
