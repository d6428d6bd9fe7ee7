"""One storage thread with group commit: everything that touches the database goes through here, in order.

The thread takes what has queued up, runs each operation in a savepoint of one transaction, commits once and only then
lets the callers go on. An operation that raises undoes itself and nothing else. A commit that fails acknowledges
nothing: every operation of that batch ends in UnavailableError.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import StaticPool

from entrenous.errors import EntrenousError, UnavailableError
from entrenous.server.store.statements import Transaction

T = TypeVar("T")
Operation = Callable[[Transaction], T]

#: Operations in one transaction: enough to make the disk's wait cheap, few enough to keep an answer within 100 ms.
MAX_BATCH = 512
#: Operations that may wait; beyond it the server is too slow for its load, and says so.
MAX_QUEUE = 20_000

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Job(Generic[T]):
    operation: Operation[T]
    writes: bool
    future: "asyncio.Future[T]"
    result: T | None = None
    error: BaseException | None = None


class Storage:
    """Runs operations on one database, one after the other, many per commit.

    Args:
        engine: the database, whose connections leave BEGIN and COMMIT to us.
        inline: run in the event loop's own thread, for tests under a virtual clock.
    """

    def __init__(self, engine: Engine, *, inline: bool = False) -> None:
        self._engine = engine
        self._inline = inline
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._closed = False
        self._scheduled = False
        #: Transactions committed and operations carried out: what group commit is measured by.
        self.commits = 0
        self.operations = 0
        self._thread: threading.Thread | None = None
        if not inline:
            self._thread = threading.Thread(target=self._work, name="storage", daemon=True)
            self._thread.start()

    def write(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """Queue an operation; its result is set when it is on disk.

        The future fails with what the operation raised, or with UnavailableError if nothing was stored.
        """
        return self._submit(operation, writes=True)

    def read(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """Queue an operation that changes nothing; it sees everything queued before it."""
        return self._submit(operation, writes=False)

    async def close(self) -> None:
        """Finish what is queued and let go of the database."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            await self._loop.run_in_executor(None, self._thread.join)
        else:
            self._drain()
            self._disconnect()

    def _submit(self, operation: Operation[T], *, writes: bool) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed or self._queue.qsize() >= MAX_QUEUE:
            future.set_exception(UnavailableError("the store is closed" if self._closed else "the store is too busy"))
            return future
        self._queue.put(_Job(operation, writes, future))
        if self._inline and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._drain)
        return future

    def _drain(self) -> None:
        """Inline mode's turn of the thread's loop."""
        self._scheduled = False
        while batch := self._take(block=False)[0]:
            self._run(batch)
            _resolve(batch)

    def _work(self) -> None:
        """The storage thread."""
        while True:
            batch, ended = self._take(block=True)
            if batch:
                self._run(batch)
                self._loop.call_soon_threadsafe(_resolve, batch)
            if ended:
                self._disconnect()
                return

    def _take(self, *, block: bool) -> tuple[list[_Job[Any]], bool]:
        """What has queued up, and whether the end stands behind it."""
        batch: list[_Job[Any]] = []
        try:
            while len(batch) < MAX_BATCH:
                job = self._queue.get(block=block and not batch)
                if job is None:
                    return batch, True
                batch.append(job)
        except queue.Empty:
            pass
        return batch, False

    def _run(self, batch: Sequence[_Job[Any]]) -> None:
        """One transaction. Afterwards each job has its result or its error."""
        writes = any(job.writes for job in batch)
        transaction: Transaction | None = None
        try:
            transaction = self._begin(writes=writes)
            for job in batch:
                self._attempt(job, transaction)
            transaction.control("COMMIT")
        except Exception as error:  # noqa: BLE001 whatever the driver raises, nothing of this batch is stored
            _log.error("storage.commit_failed", error=repr(error), operations=len(batch))
            for job in batch:
                job.error = UnavailableError("the server could not store this")
            self._roll_back(transaction)
            return
        self.commits += writes
        self.operations += len(batch)

    def _begin(self, *, writes: bool) -> Transaction:
        if self._connection is None:
            self._connection = self._engine.connect()
        transaction = Transaction(self._connection.connection.cursor(), self._engine.dialect)
        # IMMEDIATE: another process's write between our first read and our first write would otherwise end the batch.
        immediate = writes and self._engine.dialect.name == "sqlite"
        transaction.control("BEGIN IMMEDIATE" if immediate else "BEGIN")
        return transaction

    def _attempt(self, job: _Job[Any], transaction: Transaction) -> None:
        if not job.writes:
            try:
                job.result = job.operation(transaction)
            except Exception as error:  # noqa: BLE001 it belongs to the caller
                job.error = _as_ours(error)
            return
        transaction.control("SAVEPOINT operation")
        try:
            job.result = job.operation(transaction)
        except Exception as error:  # noqa: BLE001 it belongs to the caller
            job.error = _as_ours(error)
            transaction.control("ROLLBACK TO operation")
        transaction.control("RELEASE operation")

    def _roll_back(self, transaction: Transaction | None) -> None:
        try:
            if transaction is not None:
                transaction.control("ROLLBACK")
        except Exception as error:  # noqa: BLE001 the driver has rolled back by itself, or is lost
            _log.warning("storage.rollback_failed", error=repr(error))
            self._abandon()

    def _abandon(self) -> None:
        """Let go of a connection whose state nobody knows: it does not go back to the pool to be had again."""
        # A database in memory is the connection: without it nothing would be left.
        if self._connection is not None and not isinstance(self._engine.pool, StaticPool):
            self._connection.invalidate()
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _as_ours(error: Exception) -> Exception:
    """The driver's errors are the store's troubles; ours say what they say."""
    if isinstance(error, EntrenousError):
        return error
    _log.error("storage.operation_failed", error=repr(error), exc_info=error)
    return UnavailableError("the server could not do this")


def _resolve(batch: Sequence[_Job[Any]]) -> None:
    """Let the callers go on, in the order in which they asked."""
    for job in batch:
        if job.future.cancelled():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
