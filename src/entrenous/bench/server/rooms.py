"""Rooms whose members are all there: as fast as a window allows, or at a rate that is held."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence

from entrenous.bench.guest import Guest
from entrenous.bench.server.clients import Alarm, percentile
from entrenous.bench.server.ear import Ear
from entrenous.bench.server.ledger import Ledger
from entrenous.bench.server.meter import Figures, Meter, Used
from entrenous.bench.server.workloads import MESSAGE_SIZE

#: Seconds before a message is due from which on the loop is kept turning: its timers are no finer than milliseconds.
_FINE = 0.0015
#: Seconds of quiet before a measurement.
_QUIET = 0.5


class Room:
    """One room: its members' ears, and those of them who talk.

    Args:
        members: who is in it, and the connection of each.
        talkers: how many of them talk.
    """

    def __init__(self, members: Sequence[tuple[Guest, Ear]], talkers: int) -> None:
        self._members = members
        self.size = len(members)
        self.ledger = Ledger(members[0][0].room, self.size)
        self.talkers = range(min(talkers, len(members)))
        self._message = members[0][0].message(MESSAGE_SIZE)
        #: Whether there is more to say once all have heard a message; asked for each.
        self.goes_on: Callable[[], bool] = lambda: False
        for number, (_, ear) in enumerate(members):
            ear.listen(self.ledger, self._finished, talks=number in self.talkers)

    def say(self, talker: int, due: float) -> None:
        """Queue a message."""
        guest, ear = self._members[talker]
        ear.talk(guest.again(self._message), due, talker)

    def flush(self, talker: int) -> None:
        """Send what is queued."""
        self._members[talker][1].flush()

    def settle(self) -> tuple[int, list[float]]:
        """See ``Ledger.settle``."""
        for _, ear in self._members:
            ear.settled()
        return self.ledger.settle()

    def _finished(self, talkers: list[int]) -> None:
        now = time.perf_counter()
        spoke = set()
        for talker in talkers:
            if self.goes_on():
                self.say(talker, now)
                spoke.add(talker)
        for talker in spoke:
            self.flush(talker)


async def saturated(rooms: Sequence[Room], window: int, seconds: float, server: int, alarm: Alarm) -> Figures:
    """Every talker says the next message when all have heard an earlier one."""
    await asyncio.sleep(_QUIET)
    meter = Meter(server)
    begun = time.perf_counter()

    def goes_on() -> bool:
        return time.perf_counter() - begun < seconds

    for room in rooms:
        room.goes_on = goes_on
        for talker in room.talkers:
            for _ in range(window):
                room.say(talker, begun)
            room.flush(talker)
    await _until_heard(rooms, alarm)
    return _figures(rooms, meter.read())


async def paced(rooms: Sequence[Room], rate: int, seconds: float, server: int, alarm: Alarm) -> Figures:
    """So many deliveries a second, whatever becomes of them; a delivery's time counts from when it was due."""
    for room in rooms:
        room.goes_on = lambda: False
    gap = rooms[0].size / rate
    turns = itertools.cycle([(room, talker) for talker in rooms[0].talkers for room in rooms])
    await asyncio.sleep(_QUIET)
    meter = Meter(server)
    begun = time.perf_counter()
    for number in range(round(seconds / gap)):
        due = begun + number * gap
        while (wait := due - time.perf_counter()) > 0:  # noqa: ASYNC110 it is the time that is waited for
            await asyncio.sleep(wait - _FINE if wait > _FINE else 0)
        alarm.check()
        room, talker = next(turns)
        room.say(talker, due)
        room.flush(talker)
    await _until_heard(rooms, alarm)
    return _figures(rooms, meter.read())


async def _until_heard(rooms: Sequence[Room], alarm: Alarm) -> None:
    await alarm.until(
        lambda: not any(room.goes_on() or room.ledger.open for room in rooms),
        lambda: sum(room.ledger.progress for room in rooms),
    )


def _figures(rooms: Sequence[Room], used: Used) -> Figures:
    messages, took = 0, []
    for room in rooms:
        said, seconds = room.settle()
        messages += said
        took += seconds
    return {
        "messages": messages,
        "deliveries": len(took),
        "server_us_per_delivery": used.server * 1e6 / len(took),
        "deliveries_per_s": len(took) / used.wall,
        "publishes_per_s": messages / used.wall,
        "p50_ms": percentile(took, 50) * 1e3,
        "p99_ms": percentile(took, 99) * 1e3,
        "server_cores": used.server / used.wall,
        "clients_cores": used.own / used.wall,
    }
