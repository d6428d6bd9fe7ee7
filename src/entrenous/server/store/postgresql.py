"""PostgreSQL: opening it through psycopg, and batches on it while other nodes write too.

Operations that write share one transaction at READ COMMITTED. It begins by locking the rooms, the devices and the names
that they change something about, each kind in the order of its ids, so nodes that want the same ones wait for each
other in one order, and what is read after that is what was committed last. What is only read comes after it, in a
snapshot of its own.

A round trip costs more than the work, so a batch is sent as a pipeline: nothing waits for the answer to a statement
that nobody asks about. Where anything in it goes wrong the batch is rolled back and carried out again with care: one
operation after the other, each with a savepoint.
"""

import logging
from collections.abc import Sequence
from typing import Any, cast

import psycopg
import structlog
from psycopg import errors
from sqlalchemy import (
    ARRAY,
    URL,
    Column,
    Connection,
    Engine,
    LargeBinary,
    any_,
    bindparam,
    create_engine,
    event,
    select,
    text,
)
from sqlalchemy.pool import NullPool

from entrenous.errors import EntrenousError, UnavailableError
from entrenous.server.store.batches import as_ours, spoken
from entrenous.server.store.bulk import Bulk
from entrenous.server.store.jobs import Job, carry_out, neighbours
from entrenous.server.store.schema import devices, rooms
from entrenous.server.store.statements import Statement, Transaction

#: Seconds to find the server, until one that does not answer is given up, and that one statement may wait or take.
CONNECT_SECONDS = 5
SILENT_SECONDS = 10
LOCK_SECONDS = 10
STATEMENT_SECONDS = 60
#: Seconds after which the database ends a transaction of a node that does nothing: it is frozen and holds locks.
IDLE_SECONDS = 15
#: How often a batch is tried that another node was in the way of, or whose connection had died before it.
ATTEMPTS = 4

_CONNECT = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": SILENT_SECONDS // 2,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": SILENT_SECONDS * 1000,
    "application_name": "entrenous",
}
SESSION = (
    f"SET lock_timeout = '{LOCK_SECONDS}s'",
    f"SET statement_timeout = '{STATEMENT_SECONDS}s'",
    f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'",
    # What was acknowledged must stay. Whoever has chosen to wait for a standby too keeps that.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)
#: Another node was in the way; the transaction is undone, and may be tried again.
_IN_THE_WAY = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)


#: Under which numbers marks are locked, apart from whatever else is locked by number.
_MARKS = 0x656E7472
_WRITE, _READ = "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def _lock(ids: Column[bytes]) -> Statement:
    # A sort comes before the locking, so rows are locked in this order. Nobody's foreign keys wait for it.
    wanted = any_(bindparam("ids", type_=ARRAY(LargeBinary)))
    return Statement(select(ids).where(ids == wanted).order_by(ids).with_for_update(key_share=True))


_LOCK_ROOMS, _LOCK_DEVICES = _lock(rooms.c.id), _lock(devices.c.id)
#: Rows of attempts may not be there yet, so numbers are locked instead: of two with one number, one waits for nothing.
_LOCK_MARKS = Statement(
    text("SELECT pg_advisory_xact_lock(CAST(:space AS int4), number) FROM unnest(CAST(:ids AS int4[])) AS number")
)

_log = structlog.get_logger(__name__)


def postgresql_engine(url: URL) -> Engine:
    """An engine whose connections leave BEGIN and COMMIT to the caller."""
    # Its warnings show values that a statement was given; what matters of them is logged here.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    arguments = {name: value for name, value in _CONNECT.items() if name not in url.query}
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        connect_args=arguments,
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: "psycopg.Connection[Any]", _record: object) -> None:
    with connection.cursor() as cursor:
        for setting in SESSION:
            cursor.execute(setting)
    connection.commit()


class _Piped(Transaction):
    """A transaction in a pipeline: what is only written goes out with the next question, and nobody waits for it."""

    def __init__(self, connection: "psycopg.Connection[Any]", pipeline: psycopg.Pipeline, engine: Engine) -> None:
        # Two cursors: one that is asked must not be shown the answer to what it was told before.
        super().__init__(cast("Any", connection.cursor()), engine.dialect)
        self._writer = cast("Any", connection.cursor())
        self._pipeline = pipeline

    def run(self, statement: Statement, /, **values: object) -> int:
        """See ``Transaction``."""
        self.has_written = True
        self._cursor.execute(*statement.bind(self._dialect, values))
        self._pipeline.sync()
        return self._cursor.rowcount

    def put(self, statement: Statement, /, **values: object) -> None:
        """See ``Transaction``."""
        self.has_written = True
        self._writer.execute(*statement.bind(self._dialect, values))

    def put_all(self, statement: Bulk, rows: Sequence[Sequence[Any]]) -> None:
        """See ``Transaction``."""
        for words, bound in statement.bind(self._dialect, rows):
            self.has_written = True
            self._writer.execute(words, bound)

    def control(self, command: str) -> None:
        """See ``Transaction``."""
        self._writer.execute(command, prepare=False)


class _NeedsCareError(Exception):
    """An operation raised after it had changed something, which only a savepoint can take back."""


class PostgresBatches:
    """See the module and ``batches.Batches``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._committing = False

    def run(self, batch: list[Job[Any]]) -> bool:
        """Carry out what writes in one transaction, then what reads in another; returns whether any was committed."""
        writing, reading = ([job for job in batch if job.writes is kind] for kind in (True, False))
        batch[:] = writing + reading
        committed = bool(writing) and self._carry_out(writing, _WRITE)
        if reading:
            self._carry_out(reading, _READ)
        return committed

    def close(self) -> None:
        """See ``batches.Batches``."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _carry_out(self, jobs: Sequence[Job[Any]], begin: str) -> bool:
        """Try it fast, then with care, while nothing was committed and there is hope; returns whether it worked."""
        way = self._fast
        for attempt in range(ATTEMPTS):
            try:
                way(self._connected(), jobs, begin)
            except Exception as error:  # noqa: BLE001 whatever the driver raises, these are not stored, or nobody knows
                if not self._is_worth_another(error, was_careful=way == self._carefully) or attempt == ATTEMPTS - 1:
                    _log.error("storage.batch_failed", error=_named(error), operations=len(jobs))
                    for job in jobs:
                        job.fail("the server could not store this")
                    return False
                if not isinstance(error, _NeedsCareError):
                    _log.info("storage.batch_again", error=_named(error), operations=len(jobs))
                way = self._carefully
            else:
                return True
        return False

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._connection is None:
            self._connection = self._engine.connect()
        return cast("psycopg.Connection[Any]", self._connection.connection.driver_connection)

    def _is_worth_another(self, error: Exception, *, was_careful: bool) -> bool:
        """Undo what is left of a batch that failed; returns whether it was not stored, and might be yet."""
        committing, self._committing = self._committing, False
        if self._connection is None:
            return False  # there was none to be had
        if isinstance(error, errors.ReadOnlySqlTransaction) or not self._roll_back():
            self._abandon()
            # Lost before its end the transaction is undone; lost at its end it may stand, and nobody can say.
            return not committing
        return isinstance(error, _IN_THE_WAY) or not was_careful

    def _roll_back(self) -> bool:
        """Whether the connection is still good."""
        connection = self._connected()
        try:
            connection.execute("ROLLBACK", prepare=False)
        except psycopg.Error:
            return False
        return not connection.closed

    def _abandon(self) -> None:
        """Let go of a connection whose state nobody knows."""
        if self._connection is not None:
            self._connection.invalidate()
        self.close()

    def _fast(self, connection: "psycopg.Connection[Any]", jobs: Sequence[Job[Any]], begin: str) -> None:
        with connection.pipeline() as pipeline:
            transaction = _Piped(connection, pipeline, self._engine)
            transaction.control(begin)
            _lock_all(transaction, jobs)
            for same in neighbours(jobs):
                transaction.has_written = False
                try:
                    carry_out(same, transaction)
                except EntrenousError as error:
                    if transaction.has_written or len(same) > 1:
                        raise _NeedsCareError from error
                    same[0].outcome = error
        self._commit(connection)

    def _carefully(self, connection: "psycopg.Connection[Any]", jobs: Sequence[Job[Any]], begin: str) -> None:
        transaction = Transaction(cast("Any", connection.cursor()), self._engine.dialect)
        transaction.control(begin)
        _lock_all(transaction, jobs)
        for same in neighbours(jobs):
            self._do_carefully(same, transaction, connection)
        self._commit(connection)

    def _do_carefully(
        self, jobs: Sequence[Job[Any]], transaction: Transaction, connection: "psycopg.Connection[Any]"
    ) -> None:
        transaction.control("SAVEPOINT operation")
        # What another node has stored between our reading and our writing is there the second time.
        again = self._attempt(jobs, transaction, connection) and self._attempt(jobs, transaction, connection)
        if again and len(jobs) > 1:
            for job in jobs:
                self._do_carefully([job], transaction, connection)
        transaction.control("RELEASE operation")

    def _attempt(
        self, jobs: Sequence[Job[Any]], transaction: Transaction, connection: "psycopg.Connection[Any]"
    ) -> bool:
        """Carry out one operation, or several together; returns whether another attempt may end otherwise."""
        try:
            carry_out(jobs, transaction)
        except Exception as error:
            if connection.closed or isinstance(error, (*_IN_THE_WAY, errors.ReadOnlySqlTransaction)):
                raise
            transaction.control("ROLLBACK TO operation")
            if len(jobs) > 1:
                return True
            jobs[0].outcome = _as_ours(error)
            return isinstance(error, errors.UniqueViolation)
        return False

    def _commit(self, connection: "psycopg.Connection[Any]") -> None:
        self._committing = True
        ended = connection.execute("COMMIT", prepare=False).statusmessage
        self._committing = False
        # PostgreSQL ends a transaction that has failed with another word, and without an error.
        if ended != "COMMIT":
            raise UnavailableError("the transaction was undone")


def _lock_all(transaction: Transaction, jobs: Sequence[Job[Any]]) -> None:
    for statement, ids in (
        (_LOCK_ROOMS, {room for job in jobs for room in job.rooms}),
        (_LOCK_DEVICES, {device for job in jobs for device in job.devices}),
    ):
        if ids:
            transaction.put(statement, ids=list(ids))
    marks = {int.from_bytes(mark[:4], "big", signed=True) for job in jobs for mark in job.marks}
    if marks:
        transaction.put(_LOCK_MARKS, space=_MARKS, ids=sorted(marks))


def _as_ours(error: Exception) -> Exception:
    if not isinstance(error, psycopg.Error):
        return as_ours(error)
    _log.error("storage.operation_failed", error=_named(error))
    return UnavailableError("the server could not do this")


def _named(error: Exception) -> str:
    """An error without the values that the driver's words would show: names and ids are not for the log."""
    if not isinstance(error, psycopg.Error):
        return spoken(error)
    about = (type(error).__name__, error.sqlstate, error.diag.constraint_name)
    return " ".join(part for part in about if part)
