"""The clients, in a process and on a core of their own: one workload, from the first connection to the last."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from entrenous.bench.guest import Place
from entrenous.bench.server import backlog, logins
from entrenous.bench.server.clients import Alarm
from entrenous.bench.server.ear import Ear
from entrenous.bench.server.meter import Figures
from entrenous.bench.server.people import Group
from entrenous.bench.server.private import CLIENTS_CORE, allow_files, pin
from entrenous.bench.server.rooms import Room, paced, saturated
from entrenous.bench.server.workloads import Kind, Workload
from entrenous.errors import EntrenousError


@dataclass(frozen=True, slots=True)
class Task:
    """What a generator is to do.

    Attributes:
        workload: what to measure.
        place: where the server is.
        token: an invite's.
        server: its process id.
        groups: the people, by room.
        seconds: how long each phase of a room's workload lasts.
    """

    workload: Workload
    place: Place
    token: bytes
    server: int
    groups: Sequence[Group]
    seconds: float


#: A phase's name and what was measured in it.
Told = tuple[str, Figures]


def generate(task: Task, told: "Connection[Told | EntrenousError | None, None]") -> None:
    """The process: tells what it measured, phase by phase, and None at the end, or the error that ended it."""
    pin(0, CLIENTS_CORE)
    allow_files()
    gc.disable()  # a pause of ours would be counted as the server's
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        try:
            with asyncio.Runner(loop_factory=_loop) as runner:
                runner.run(_tell_all(task, told))
        except EntrenousError as error:
            told.send(error)
        except BaseExceptionGroup as group:
            told.send(_first(group))
        else:
            told.send(None)


async def _tell_all(task: Task, told: "Connection[Told | EntrenousError | None, None]") -> None:
    alarm = Alarm()
    async for phase in _phases(task, alarm):
        told.send(phase)


async def _phases(task: Task, alarm: Alarm) -> AsyncIterator[Told]:
    workload, people = task.workload, [guest for group in task.groups for guest in group]
    match workload.kind:
        case Kind.ROOMS:
            figures, ears = await logins.come(people, task.server, Ear)
            yield "login", figures
            ear = iter(ears)
            rooms = [Room([(guest, next(ear)) for guest in group], workload.senders) for group in task.groups]
            yield "saturated", await saturated(rooms, workload.window, task.seconds, task.server, alarm)
            for rate in workload.paced:
                yield f"{rate:,}/s", await paced(rooms, rate, task.seconds, task.server, alarm)
        case Kind.IDLE:
            figures, lines = await logins.idle(people, task.server)
            yield "idle", figures
            for line in lines:
                line.transport.close()
        case Kind.BACKLOG:
            async for phase in backlog.backlog(workload, task.groups, task.server, alarm):
                yield phase
        case Kind.LOGINS:
            async for phase in logins.logins(task.place, task.token, people, task.server):
                yield phase


def _first(group: BaseExceptionGroup[BaseException]) -> EntrenousError:
    """The first of ours among errors that came together.

    Raises:
        BaseExceptionGroup: there is none of ours.
    """
    ours, _ = group.split(EntrenousError)
    if ours is None:
        raise group
    error = ours.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _loop() -> asyncio.AbstractEventLoop:
    """The quickest loop that there is: the clients are not what is measured."""
    try:
        import uvloop
    except ImportError:  # not for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
