"""The encrypted store: one SQLCipher file, opened by one process, used from the event loop's thread.

Calls are synchronous on purpose. A transaction takes well under a millisecond besides its one fsync, nothing can run
in the middle of it, and so a ratchet step and its effect cannot come apart.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

from sqlcipher3 import dbapi2 as sqlcipher

from entrenous.client.keyfile import STORE_KEY_SIZE, StoreKey
from entrenous.client.store.schema import SCHEMA, Script
from entrenous.errors import CryptoError, MalformedError, RejectedError, UnavailableError, UsageError

Value = bytes | str | int | float | None
Row = tuple[Any, ...]
Parameters = Sequence[Value]

#: Run at every opening, in this order, after the key.
_PRAGMAS = (
    "locking_mode = EXCLUSIVE",  # one process; and the index of the WAL then stays in memory
    "journal_mode = WAL",
    "synchronous = FULL",  # persist, then send: a committed ratchet step survives a power cut
    "secure_delete = ON",  # a used key is overwritten with zeros
    "foreign_keys = ON",
    "temp_store = MEMORY",  # no temporary file ever holds a page
)

#: Pages the WAL may grow to before SQLite copies them into the file on its own.
_AUTOCHECKPOINT_PAGES = 256


class _Cursor(Protocol):
    """What the driver, which has no types, returns for a statement."""

    rowcount: int
    lastrowid: int

    def fetchone(self) -> Row | None: ...

    def fetchall(self) -> list[Row]: ...


class _Connection(Protocol):
    """The driver's connection, as far as it is used here."""

    in_transaction: bool

    def execute(self, sql: str, parameters: Parameters = (), /) -> _Cursor: ...

    def executemany(self, sql: str, parameters: Sequence[Parameters], /) -> _Cursor: ...

    def close(self) -> None: ...


class Rows(Protocol):
    """Reads. The store and a transaction both offer it, so a row module's readers take either."""

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row, or None."""
        ...

    def all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Every row."""
        ...


class Transaction:
    """What can be done inside ``Store.transaction``; of no use after it."""

    def __init__(self, connection: _Connection) -> None:
        self._connection: _Connection | None = connection

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row, or None."""
        return self._run(sql, parameters).fetchone()

    def all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Every row."""
        return self._run(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run a statement; returns how many rows it changed."""
        return self._run(sql, parameters).rowcount

    def insert(self, sql: str, parameters: Parameters = ()) -> int:
        """Run an INSERT; returns the new row's id."""
        return self._run(sql, parameters).lastrowid

    def many(self, sql: str, parameters: Sequence[Parameters]) -> None:
        """Run a statement once per element."""
        with _translated():
            self._open_connection().executemany(sql, parameters)

    def end(self) -> None:
        """Let nothing more be done through this object."""
        self._connection = None

    def _run(self, sql: str, parameters: Parameters) -> _Cursor:
        with _translated():
            return self._open_connection().execute(sql, parameters)

    def _open_connection(self) -> _Connection:
        if self._connection is None:
            raise UsageError("this transaction has ended")
        return self._connection


class Store:
    """One open store.

    Attributes:
        on_write: called after each transaction, by whoever sees to it that ``scrub`` follows soon.
    """

    def __init__(self, connection: _Connection) -> None:
        self._connection: _Connection | None = connection
        self._in_transaction = False
        #: Whether the log may hold pages; at first, those of a process that died before it emptied it.
        self._dirty = True
        self.on_write: Callable[[], None] = _ignored

    @classmethod
    def open(cls, path: Path, key: StoreKey, *, schema: Sequence[Script] = SCHEMA) -> Self:
        """Open the store, making it or bringing it up to date first.

        Raises:
            CryptoError: ``key`` is not this store's key.
            RejectedError: rule STORE-NEWER, a newer version of the program made it.
            UnavailableError: another process has it open, or the disk does not do its part.
        """
        if len(key) != STORE_KEY_SIZE:
            raise UsageError(f"a store's key has {STORE_KEY_SIZE} bytes")
        _create_private(path)
        with _translated():
            connection = sqlcipher.connect(str(path), isolation_level=None, timeout=1)
        try:
            _prepare(connection, key)
            store = cls(connection)
            store._migrate(schema)
        except BaseException:
            connection.close()
            raise
        return store

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything inside is on disk when this ends, or, if it ends by an exception, none of it.

        Nothing inside may wait: ``await`` in a transaction would let another task find it open.

        Raises:
            UsageError: a transaction is open already.
            UnavailableError: it could not be written; nothing was.
        """
        if self._in_transaction:
            raise UsageError("a transaction is open already")
        connection = self._open_connection()
        with _translated():
            connection.execute("BEGIN IMMEDIATE")
        self._in_transaction = self._dirty = True
        transaction = Transaction(connection)
        try:
            yield transaction
            with _translated():
                connection.execute("COMMIT")
        except BaseException:
            # A failed COMMIT may have rolled back by itself.
            if connection.in_transaction:
                with _translated():
                    connection.execute("ROLLBACK")
            raise
        finally:
            transaction.end()
            self._in_transaction = False
            self.on_write()

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row, or None."""
        with _translated():
            return self._open_connection().execute(sql, parameters).fetchone()

    def all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Every row."""
        with _translated():
            return self._open_connection().execute(sql, parameters).fetchall()

    def scrub(self) -> None:
        """Let no used key outlive this call on disk: the WAL's pages go into the file, and the WAL is emptied.

        The engine calls this soon after anything was written; ``close`` does. Costs nothing when nothing was written.

        Raises:
            UnavailableError: the disk did not do its part; the next call tries again.
        """
        if self._in_transaction:
            raise UsageError("a store is not scrubbed inside a transaction")
        if not self._dirty:
            return
        with _translated():
            ((busy, *_),) = self._open_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            raise UnavailableError("a reader keeps the store's log from being emptied")
        self._dirty = False

    def close(self) -> None:
        """Scrub and close. Closing twice is closing once."""
        if self._connection is None:
            return
        try:
            self.scrub()
        finally:
            self._connection.close()
            self._connection = None

    def _open_connection(self) -> _Connection:
        if self._connection is None:
            raise UsageError("this store was closed")
        return self._connection

    def _migrate(self, schema: Sequence[Script]) -> None:
        row = self.one("PRAGMA user_version")
        done = int(row[0]) if row else 0
        if done > len(schema):
            raise RejectedError("STORE-NEWER", "a newer version of Entrenous made this profile; upgrade to open it")
        for number, script in enumerate(schema[done:], start=done + 1):
            with self.transaction() as tx:
                for statement in script.statements:
                    tx.execute(statement)
                tx.execute(f"PRAGMA user_version = {number}")


def _ignored() -> None:
    """Nobody wants to know."""


def _create_private(path: Path) -> None:
    """Make the file, if it is not there, so that only its owner may read it; its log takes the mode from it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise UnavailableError(f"the store {path} cannot be opened: {error.strerror}") from error


def _prepare(connection: _Connection, key: StoreKey) -> None:
    with _translated():
        connection.execute("PRAGMA cipher_log_level = NONE")  # it would write to stderr
        connection.execute(f"PRAGMA key = \"x'{key.reveal().hex()}'\"")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlcipher.OperationalError as error:
        raise UnavailableError(f"the store cannot be opened: {error}") from error
    except sqlcipher.DatabaseError:
        # With a wrong key every page is noise to the cipher, which then sees no database.
        raise CryptoError("the store does not open with this key") from None
    with _translated():
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_AUTOCHECKPOINT_PAGES}")


@contextmanager
def _translated() -> Iterator[None]:
    """The driver's errors as ours: the disk's fault, the file's fault, or our own."""
    try:
        yield
    except sqlcipher.OperationalError as error:
        raise UnavailableError(f"the store did not take it: {error}") from error
    except (sqlcipher.IntegrityError, sqlcipher.ProgrammingError, sqlcipher.InterfaceError) as error:
        raise UsageError(f"the store refuses it: {error}") from error
    except sqlcipher.DatabaseError as error:
        raise MalformedError(f"the store's file is damaged: {error}") from error
