"""People who are away: what is written to them is stored, and they fetch it when they come back."""

import itertools
from collections.abc import AsyncIterator, Sequence

from entrenous.bench.guest import Guest
from entrenous.bench.line import Line
from entrenous.bench.server.clients import Alarm, each
from entrenous.bench.server.ear import Ear
from entrenous.bench.server.meter import Figures, Meter
from entrenous.bench.server.people import Group
from entrenous.bench.server.rooms import Room
from entrenous.bench.server.workloads import Workload
from entrenous.errors import UsageError
from entrenous.wire import replies, requests
from entrenous.wire.limits import MAX_FETCH


async def backlog(
    workload: Workload, groups: Sequence[Group], server: int, alarm: Alarm
) -> AsyncIterator[tuple[str, Figures]]:
    """Each group is one who is away and one who writes to him: first the writing, then the coming back."""
    accepted, written = await _write(workload, [group[1] for group in groups], server, alarm)
    yield "accepted", accepted
    yield "drained", await _fetch_all([group[0] for group in groups], written, server)


async def _write(
    workload: Workload, writers: Sequence[Guest], server: int, alarm: Alarm
) -> tuple[Figures, dict[bytes, int]]:
    """Write it all, so much in flight; returns also how many messages each room has."""
    rooms = [Room([(guest, await guest.enter(Ear))], talkers=1) for guest in writers]
    left = itertools.repeat(None, workload.messages - workload.window * len(rooms))
    meter = Meter(server)
    for room in rooms:
        room.goes_on = lambda: next(left, True) is None
        for _ in range(workload.window):
            room.say(0, 0.0)
        room.flush(0)
    await alarm.until(
        lambda: left.__length_hint__() == 0 and not any(room.ledger.open for room in rooms),
        lambda: sum(room.ledger.progress for room in rooms),
    )
    used = meter.read()
    written = {room.ledger.room: room.settle()[0] for room in rooms}
    messages = sum(written.values())
    figures = {
        "messages": messages,
        "server_us_per_message": used.server * 1e6 / messages,
        "accepted_per_s": messages / used.wall,
        "server_cores": used.server / used.wall,
        "clients_cores": used.own / used.wall,
    }
    return figures, written


async def _fetch_all(readers: Sequence[Guest], written: dict[bytes, int], server: int) -> Figures:
    meter = Meter(server)
    fetched = await each(readers, _fetch)
    used = meter.read()
    if fetched != [written[guest.room] for guest in readers]:
        raise UsageError(f"{fetched} messages were fetched where {written} were stored")
    return {
        "messages": sum(fetched),
        "server_us_per_message": used.server * 1e6 / sum(fetched),
        "drained_per_s": sum(fetched) / used.wall,
        "server_cores": used.server / used.wall,
        "clients_cores": used.own / used.wall,
    }


async def _fetch(guest: Guest) -> int:
    """Connect, log in, and fetch the room's whole log, each entry once and in order; returns how many there are."""
    line = await guest.enter(Line)
    after = 0
    while True:
        found = await line.call(requests.Fetch(guest.room, after, MAX_FETCH), replies.Entries)
        places = [entry.sequence for entry in found.entries]
        if places != list(range(after + 1, after + 1 + len(places))):
            raise UsageError(f"a log had {places} after {after}")
        after += len(places)
        if after == found.newest:
            line.transport.close()
            return after
