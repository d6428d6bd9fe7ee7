"""One storage thread with group commit: everything that touches the database goes through here, in order.

What is asked for in one turn of the loop is handed over at its end. The thread takes what has queued up, carries it out
as one batch (``batches``, ``postgresql``), commits once and only then lets the callers go on. A commit that fails
acknowledges nothing: every operation of that batch ends in UnavailableError.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any, TypeVar

import structlog
from sqlalchemy import Engine

from entrenous.errors import UnavailableError
from entrenous.server.store.batches import Batches, SqliteBatches
from entrenous.server.store.figures import StoreFigures
from entrenous.server.store.jobs import Done, Item, Job, Operation, Together, alone

T = TypeVar("T")

#: Operations in one transaction: enough to make the disk's wait cheap, few enough to keep an answer within 100 ms.
MAX_BATCH = 512
#: Operations that may wait; beyond it the server is too slow for its load, and says so.
MAX_QUEUE = 20_000

_log = structlog.get_logger(__name__)


class Storage:
    """Runs operations on one database, one after the other, many per commit.

    Args:
        engine: the database, whose connections leave BEGIN and COMMIT to us.
        inline: run in the event loop's own thread, for tests under a virtual clock.
    """

    def __init__(self, engine: Engine, *, inline: bool = False) -> None:
        self._engine = engine
        self._batches = _batches_for(engine)
        self._inline = inline
        self._loop = asyncio.get_running_loop()
        #: What was asked for in this turn of the loop, and what was handed over.
        self._asked: list[Job[Any]] = []
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._closed = False
        #: Transactions committed and operations carried out: what group commit is measured by.
        self.commits = 0
        self.operations = 0
        self.figures = StoreFigures()
        self._thread: threading.Thread | None = None
        if not inline:
            self._thread = threading.Thread(target=self._work, name="storage", daemon=True)
            self._thread.start()

    @property
    def waiting(self) -> int:
        """Operations that wait for their batch."""
        return self._queue.qsize() + len(self._asked)

    def write(
        self,
        operation: Operation[T],
        *,
        rooms: Sequence[bytes] = (),
        devices: Sequence[bytes] = (),
        marks: Sequence[bytes] = (),
    ) -> "asyncio.Future[T]":
        """Queue an operation; its result is set when it is on disk.

        The future fails with what the operation raised, or with UnavailableError if nothing was stored. The operation
        may be carried out more than once, of which one is stored: it does nothing but what it does to its transaction.

        Args:
            operation: what to do.
            rooms: the rooms whose logs it appends to: no other node does meanwhile.
            devices: the devices whose rows or inboxes it changes, likewise.
            marks: the names at whose passwords it counts attempts, likewise.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        done = _promised(future)
        self._promise(Job(alone(operation), None, done, rooms, devices, marks, writes=True))
        return future

    def read(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """Queue an operation that changes nothing; it sees everything queued before it."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._promise(Job(alone(operation), None, _promised(future), writes=False))
        return future

    def offer(self, work: Together[Item, T], item: Item, done: Done[T], *, rooms: Sequence[bytes] = ()) -> None:
        """Queue something that is written together with others of its kind: as ``write``, without a future each.

        Args:
            work: what to do. It is given the items of all that stand next to each other in the queue.
            item: what to do it with.
            done: called in the loop's thread when it is on disk or was not done, in the order in which it was done,
                never before this returns.
            rooms: the rooms whose logs it appends to.

        Raises:
            UnavailableError: nothing was queued; ``done`` is not called.
        """
        self._submit(Job(work, item, done, rooms, writes=True))

    async def close(self) -> None:
        """Finish what is queued and let go of the database."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._hand_over()
            self._queue.put(None)
            await self._loop.run_in_executor(None, self._thread.join)
        else:
            self._drain()
            self._batches.close()

    def _promise(self, job: Job[Any]) -> None:
        try:
            self._submit(job)
        except UnavailableError as error:
            job.done(error)

    def _submit(self, job: Job[Any]) -> None:
        if self._closed or self.waiting >= MAX_QUEUE:
            raise UnavailableError("the store is closed" if self._closed else "the store is too busy")
        if not self._asked:
            self._loop.call_soon(self._drain if self._inline else self._hand_over)
        self._asked.append(job)

    def _hand_over(self) -> None:
        """Give the thread what was asked for in this turn: at once, it would often begin with the first of many."""
        asked, self._asked = self._asked, []
        for job in asked:
            self._queue.put(job)

    def _drain(self) -> None:
        """Inline mode's turn of the thread's loop."""
        self._hand_over()
        while batch := self._take(block=False)[0]:
            self._carry_out(batch)
            _resolve(batch)
            self._hand_over()

    def _work(self) -> None:
        """The storage thread."""
        while True:
            batch, ended = self._take(block=True)
            if batch:
                self._carry_out(batch)
                self._loop.call_soon_threadsafe(_resolve, batch)
            if ended:
                self._batches.close()
                return

    def _carry_out(self, batch: list[Job[Any]]) -> None:
        began = time.perf_counter()
        self._run(batch)
        self.figures.note(batch, time.perf_counter() - began)

    def _take(self, *, block: bool) -> tuple[list[Job[Any]], bool]:
        """What has queued up, and whether the end stands behind it."""
        batch: list[Job[Any]] = []
        try:
            while len(batch) < MAX_BATCH:
                job = self._queue.get(block=block and not batch)
                if job is None:
                    return batch, True
                batch.append(job)
        except queue.Empty:
            pass
        return batch, False

    def _run(self, batch: list[Job[Any]]) -> None:
        self.commits += self._batches.run(batch)
        self.operations += len(batch)


def _batches_for(engine: Engine) -> Batches:
    if engine.dialect.name == "sqlite":
        return SqliteBatches(engine)
    # Its driver is an extra: imported only where there is such an engine, which could not be made without it.
    from entrenous.server.store.postgresql import PostgresBatches

    return PostgresBatches(engine)


def _promised(future: "asyncio.Future[T]") -> Done[T]:
    """What keeps a promise, unless nobody waits for it any more."""

    def done(outcome: T | Exception) -> None:
        if future.cancelled():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    return done


def _resolve(batch: Sequence[Job[Any]]) -> None:
    """Let the callers go on, in the order in which what they asked for was done."""
    for job in batch:
        try:
            job.done(job.outcome)
        except Exception as error:  # noqa: BLE001 a bug of ours: the others are told all the same
            _log.exception("storage.telling_failed", error=type(error).__name__)
