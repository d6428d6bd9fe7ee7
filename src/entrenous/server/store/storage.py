"""One storage thread with group commit: everything that touches the database goes through here, in order.

The thread takes what has queued up, carries it out as one batch (``batches``, ``postgresql``), commits once and only
then lets the callers go on. A commit that fails acknowledges nothing: every operation of that batch ends in
UnavailableError.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Engine

from entrenous.errors import UnavailableError
from entrenous.server.store.batches import Batches, Job, Operation, SqliteBatches
from entrenous.server.store.figures import StoreFigures

T = TypeVar("T")

#: Operations in one transaction: enough to make the disk's wait cheap, few enough to keep an answer within 100 ms.
MAX_BATCH = 512
#: Operations that may wait; beyond it the server is too slow for its load, and says so.
MAX_QUEUE = 20_000


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
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._closed = False
        self._scheduled = False
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
        return self._queue.qsize()

    def write(
        self, operation: Operation[T], *, rooms: Sequence[bytes] = (), devices: Sequence[bytes] = ()
    ) -> "asyncio.Future[T]":
        """Queue an operation; its result is set when it is on disk.

        The future fails with what the operation raised, or with UnavailableError if nothing was stored. The operation
        may be carried out more than once, of which one is stored: it does nothing but what it does to its transaction.

        Args:
            operation: what to do.
            rooms: the rooms whose logs it appends to: no other node does meanwhile.
            devices: the devices whose rows or inboxes it changes, likewise.
        """
        return self._submit(Job(operation, True, self._loop.create_future(), rooms, devices))  # noqa: FBT003 it writes

    def read(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """Queue an operation that changes nothing; it sees everything queued before it."""
        return self._submit(Job(operation, False, self._loop.create_future()))  # noqa: FBT003 it writes nothing

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
            self._batches.close()

    def _submit(self, job: Job[T]) -> "asyncio.Future[T]":
        if self._closed or self._queue.qsize() >= MAX_QUEUE:
            detail = "the store is closed" if self._closed else "the store is too busy"
            job.future.set_exception(UnavailableError(detail))
            return job.future
        self._queue.put(job)
        if self._inline and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._drain)
        return job.future

    def _drain(self) -> None:
        """Inline mode's turn of the thread's loop."""
        self._scheduled = False
        while batch := self._take(block=False)[0]:
            self._carry_out(batch)
            _resolve(batch)

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


def _resolve(batch: Sequence[Job[Any]]) -> None:
    """Let the callers go on, in the order in which what they asked for was done."""
    for job in batch:
        if job.future.cancelled():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
