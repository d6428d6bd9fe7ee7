"""Batches on SQLite: many operations, one transaction, one commit."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import StaticPool

from entrenous.errors import EntrenousError, UnavailableError
from entrenous.server.store.jobs import Job, carry_out, neighbours
from entrenous.server.store.statements import Transaction

_log = structlog.get_logger(__name__)


class Batches(Protocol):
    """What carries batches out. Afterwards each job has its outcome, and results are on disk."""

    def run(self, batch: list[Job[Any]]) -> bool:
        """Carry a batch out; returns whether something was committed. Never raises.

        The batch is left in the order in which it was carried out.
        """
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class SqliteBatches:
    """One transaction a batch, reads and writes in the order in which they were asked for.

    An operation that raises undoes itself and nothing else, and most raise before they write. Where one has written,
    the batch is undone and carried out again with care: each operation that writes has a savepoint. A commit that fails
    acknowledges nothing.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def run(self, batch: list[Job[Any]]) -> bool:
        """See ``Batches``."""
        writes = any(job.writes for job in batch)
        transaction: Transaction | None = None
        try:
            transaction = self._begin(writes=writes)
            if not _fast(batch, transaction):
                transaction.control("ROLLBACK")
                transaction = self._begin(writes=writes)
                _carefully(batch, transaction)
            transaction.control("COMMIT")
        except Exception as error:  # noqa: BLE001 whatever the driver raises, nothing of this batch is stored
            _log.error("storage.commit_failed", error=spoken(error), operations=len(batch))
            for job in batch:
                job.fail("the server could not store this")
            self._roll_back(transaction)
            return False
        return writes

    def close(self) -> None:
        """See ``Batches``."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin(self, *, writes: bool) -> Transaction:
        if self._connection is None:
            self._connection = self._engine.connect()
        transaction = Transaction(self._connection.connection.cursor(), self._engine.dialect)
        # IMMEDIATE: another process's write between our first read and our first write would otherwise end the batch.
        transaction.control("BEGIN IMMEDIATE" if writes else "BEGIN")
        return transaction

    def _roll_back(self, transaction: Transaction | None) -> None:
        try:
            if transaction is not None:
                transaction.control("ROLLBACK")
        except Exception as error:  # noqa: BLE001 the driver has rolled back by itself, or is lost
            _log.warning("storage.rollback_failed", error=spoken(error))
            self._abandon()

    def _abandon(self) -> None:
        """Let go of a connection whose state nobody knows: it does not go back to the pool to be had again."""
        # A database in memory is the connection: without it nothing would be left.
        if self._connection is not None and not isinstance(self._engine.pool, StaticPool):
            self._connection.invalidate()
        self.close()


def _fast(batch: Sequence[Job[Any]], transaction: Transaction) -> bool:
    """Carry out a batch without savepoints; False where something was written, and then something raised."""
    for jobs in neighbours(batch):
        transaction.has_written = False
        try:
            carry_out(jobs, transaction)
        except Exception as error:  # noqa: BLE001 it belongs to the caller
            if transaction.has_written or len(jobs) > 1:
                return False
            jobs[0].outcome = as_ours(error)
    return True


def _carefully(batch: Sequence[Job[Any]], transaction: Transaction) -> None:
    """Carry out a batch in which each operation can be taken back."""
    for jobs in neighbours(batch):
        transaction.control("SAVEPOINT operation")
        try:
            carry_out(jobs, transaction)
        except Exception as error:  # noqa: BLE001 it belongs to the caller
            transaction.control("ROLLBACK TO operation")
            if len(jobs) > 1:
                for job in jobs:
                    _carefully([job], transaction)
            else:
                jobs[0].outcome = as_ours(error)
        transaction.control("RELEASE operation")


def spoken(error: Exception) -> str:
    """An error for the log: SQLite's words name no values, and what others say may be somebody's id or name."""
    cause = getattr(error, "orig", None) or error
    return repr(cause) if isinstance(cause, sqlite3.Error | EntrenousError) else type(cause).__name__


def as_ours(error: Exception) -> Exception:
    """The driver's errors are the store's troubles; ours say what they say."""
    if isinstance(error, EntrenousError):
        return error
    _log.error("storage.operation_failed", error=spoken(error), exc_info=error)
    return UnavailableError("the server could not do this")
