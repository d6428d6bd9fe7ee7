"""The scenes of the soak in which few people talk as fast as they can; in the end all that was said is judged."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from cluster.processes import shared_log, start_nodes
from entrenous.client import InviteMember, SendText, WaitUntilSent
from entrenous.crypto import system_entropy
from entrenous.identity import InviteLink
from entrenous.server import Limits, Server, Settings, SystemClock
from entrenous.server.rooms.fanout import PUSH_BYTES
from entrenous.server.watching.counters import Count
from entrenous.testing import FAST_KSF
from entrenous.testing.members import Person
from nats_server import private_nats
from postgres import private_postgres
from room_logs import position_after, server_log, transcript
from server_process import ServerProcess, quick_folder
from soak.crowd import Process
from soak.load import Load
from soak.misfortunes import Pace, cluster_is_shaken, disk_is_full, server_is_killed
from worlds import garden

#: Characters of a message that is to fill queues, and the bytes that it may have on its way.
LONG, LONG_BYTES = 30_000, 64 << 10
#: Seconds between two looks at what nothing tells of.
LOOK_SECONDS = 0.1
#: Registrations that a link is good for, and its seconds.
_USES, _LIFETIME = 100, 3_600


async def killed(folder: Path, pace: Pace, talkers: int, counts: "Counter[str]") -> None:
    """The server is killed every few seconds."""
    await _goes_through(server_is_killed, folder, pace, talkers, counts)


async def full(folder: Path, pace: Pace, talkers: int, counts: "Counter[str]") -> None:
    """The server's disk is full every few seconds."""
    await _goes_through(disk_is_full, folder, pace, talkers, counts)


async def shaken(folder: Path, pace: Pace, talkers: int, counts: "Counter[str]") -> None:
    """Two nodes, of which one is killed by turns, and PostgreSQL and NATS are stopped and started."""
    with private_postgres() as postgres, private_nats() as nats, quick_folder() as stores:
        store = postgres.database()
        nodes = await start_nodes(folder, store, nats.url, 2)
        try:
            people = [await nodes[number % 2].person(f"talker{number}", stores) for number in range(talkers)]
            load = Load(await garden(*people), people)
            await load.lasts(cluster_is_shaken(nodes, postgres, nats, people, pace, counts))
            await load.judge(shared_log(store, load.room))
            counts["messages"] += load.count
            for person in people:
                await person.stop()
        finally:
            for node in nodes:
                node.kill()


async def suspended(folder: Path, pace: Pace, talkers: int, counts: "Counter[str]") -> None:
    """A member's process is stopped (SIGSTOP) until the server pushes no more to it, and for the seconds at least."""
    clock = SystemClock()
    limits = Limits(stall_seconds=600.0)
    settings = Settings(
        data_dir=folder, host="127.0.0.1", port=0, public_address="127.0.0.1:7443", ksf=FAST_KSF, limits=limits
    )
    server = await Server.open(settings, clock=clock, entropy=system_entropy)
    await server.listen()
    link: InviteLink = await server.create_invite(_USES, _LIFETIME)
    place = ServerProcess(folder, server.address[1], link)
    with quick_folder() as stores:
        sleeper = Process("sleeper", 1, stores, place)
        try:
            async with _people(place, stores, talkers) as people:
                await sleeper.start()
                room = await garden(*people)
                await people[0].do(InviteMember(room, "sleeper-00"))
                who = f"sleeper-00 {room.hex()}"
                while who not in (await sleeper.tell(f'settle {{"{room.hex()}": 0}}'))["held"]:  # noqa: ASYNC110 it is another process
                    await asyncio.sleep(LOOK_SECONDS)
                load = Load(room, people)
                await _sleep(server, sleeper, load, pace.seconds, counts)
                log = server_log(place.database, room)
                await load.judge(log)
                report = await sleeper.tell(f'settle {{"{room.hex()}": {len(log)}}}')
                held = report["held"][who]
                assert not report["alarms"]
                assert held["log"] == position_after(room, log).hash.hex()
                assert held["texts"] == [text for _, text in transcript(people[0], room)]
                counts["messages"] += load.count
        finally:
            if sleeper.process is not None:
                await sleeper.kill()
            await server.close()


async def _sleep(server: Server, sleeper: Process, load: Load, seconds: float, counts: "Counter[str]") -> None:
    """Stop the sleeper and talk until the server has filled what it may hold for it, and then for a while."""
    fanout, counters = server.services.fanout, server.services.counters
    awake = {person.running._services.device.device_id for person in load.people}
    (connection,) = (each for each in fanout.listeners(load.room) if each.device not in awake)
    host, loud = load.people[0], load.said.setdefault("loud", [])
    most = 0
    sleeper.signal(signal.SIGSTOP)
    try:
        while not counters[Count.PUSH_BACKLOG]:
            loud.append(f"loud {len(loud)} {'!' * LONG}")
            await host.do(WaitUntilSent(await host.do(SendText(load.room, loud[-1]))))
            most = max(most, connection.outlet.backlog)
        await load.lasts(asyncio.sleep(seconds))
        most = max(most, connection.outlet.backlog)
    finally:
        sleeper.signal(signal.SIGCONT)
    counts["bytes held for who was suspended"] = most
    # What is pushed together, and one entry, may come on top of what makes the server stop.
    assert most <= server.settings.limits.push_backlog + PUSH_BYTES + LONG_BYTES
    assert fanout.connection(connection.device) is connection


async def _goes_through(
    misfortune: "Callable[[ServerProcess, Sequence[Person], Pace, Counter[str]], Awaitable[None]]",
    folder: Path,
    pace: Pace,
    talkers: int,
    counts: "Counter[str]",
) -> None:
    """People talk at one server while something goes wrong with it."""
    async with _server(folder) as (server, stores), _people(server, stores, talkers) as people:
        load = Load(await garden(*people), people)
        await load.lasts(misfortune(server, people, pace, counts))
        await load.judge(server_log(server.database, load.room))
        counts["messages"] += load.count


@contextlib.asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[tuple[ServerProcess, Path]]:
    """A server, and a folder for the stores of people."""
    with quick_folder() as stores:
        async with ServerProcess(folder) as server:
            yield server, stores


@contextlib.asynccontextmanager
async def _people(server: ServerProcess, stores: Path, count: int) -> AsyncIterator[list[Person]]:
    people = [await server.person(f"talker{number}", stores) for number in range(count)]
    yield people
    for person in people:
        await person.stop()
