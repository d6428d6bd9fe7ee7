"""One workload after the other, each on a server of its own that nobody has used before."""

import asyncio
import contextlib
import multiprocessing
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from entrenous.bench.server.generator import Task, Told, generate
from entrenous.bench.server.people import settle
from entrenous.bench.server.private import private_server
from entrenous.bench.server.report import Result
from entrenous.bench.server.sampler import end_phase
from entrenous.bench.server.workloads import Workload
from entrenous.errors import EntrenousError, UnavailableError


async def measure(
    workload: Workload, seconds: float, folder: Path | None = None, samples: Path | None = None
) -> AsyncGenerator[Result, None]:
    """What was measured, phase by phase as each ends; the first tells how the server started.

    Args:
        workload: what to measure.
        seconds: how long each phase in rooms lasts.
        folder: where the server's data are meanwhile; the system's folder for such if None.
        samples: where the server notes what it spends its time with: a line for each phase (``sampler``).

    Raises:
        UnavailableError: the server or its clients did not start, or stopped.
        UsageError: a message was lost, or came twice, or out of order.
    """
    with tempfile.TemporaryDirectory(dir=folder) as data:
        async with private_server(Path(data), samples) as server:
            started = {"ready_s": server.ready, "ready_cpu_s": server.ready_cpu, "idle_mib": server.idle_kib / 1024}
            yield Result(workload.name, "start", started)
            groups = await settle(server.database, server.place, *workload.people)
            if samples is not None:
                end_phase(server.process)
            async for result in _generate(Task(workload, server.place, server.token, server.process, groups, seconds)):
                if samples is not None:
                    end_phase(server.process)
                yield result


async def _generate(task: Task) -> AsyncIterator[Result]:
    with _process(task) as told:
        while True:
            try:
                news = await asyncio.to_thread(told.recv)
            except EOFError:
                raise UnavailableError("the clients' process has ended") from None
            if news is None:
                return
            if isinstance(news, EntrenousError):
                raise news
            yield Result(task.workload.name, *news)


@contextlib.contextmanager
def _process(task: Task) -> "Iterator[Connection[None, Told | EntrenousError | None]]":
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=generate, args=(task, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        ours.close()
