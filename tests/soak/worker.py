"""One process of the soak: some clients, who talk in their rooms, lose their connections and start again.

It obeys lines on its standard input and answers each with one line of JSON:

    invite PLACE NAME…   its share of the rooms is made, which is that of the process at that place among the NAMEs;
                   who makes a room lets in those who have his number in the other processes
    talk           everybody begins to talk, and things begin to go wrong
    hush           everybody stops, and waits until the server has everything that was said
    settle         reads every room up to the given places, {room: sequence}, and reports what everybody holds
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from entrenous.client import CreateRoom, InviteMember, ListRooms, MessageRef, SendText, WaitUntilSent, key_packages
from entrenous.errors import UnavailableError
from entrenous.identity import parse_link
from entrenous.testing.members import Person
from room_logs import alarms, transcript
from server_process import ServerProcess
from worlds import epochs

#: Seconds between two messages of one client, and between two accidents in one process, on average.
TALK_EVERY, ACCIDENT_EVERY = 10.0, 3.0
#: KeyPackages that a client keeps on the server. Each of the two hundred is let into one room, and the product's
#: hundred would make their registering the longest part of a short soak.
POOL, REFILL = 8, 2


@dataclass
class Worker:
    """The clients of one process.

    Attributes:
        said: a file with one line for each message that is surely in somebody's store.
        waits: seconds from saying to the server's answer, of messages that no accident held up.
    """

    server: ServerProcess
    folder: Path
    names: list[str]
    run: str
    people: list[Person] = field(default_factory=list)
    counts: "Counter[str]" = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    tasks: "list[asyncio.Task[None]]" = field(default_factory=list)
    hushed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None:
        """Register everybody, or open everybody's profile."""
        for name in self.names:
            known = (self.folder / f"{name}.db").exists()
            self.people.append(await (self.server.returning if known else self.server.person)(name, self.folder))

    async def obey(self, line: str) -> dict[str, Any]:
        """Carry out one line."""
        command, _, rest = line.strip().partition(" ")
        match command:
            case "invite":
                place, *workers = rest.split()
                return await self._invite(int(place), workers)
            case "talk":
                self._talk()
                return {}
            case "hush":
                await self._hush()
                return {}
            case "settle":
                return await self._settle(json.loads(rest))
        raise AssertionError(f"no such command: {line}")

    async def _invite(self, place: int, workers: list[str]) -> dict[str, Any]:
        hosts = [number for number in range(len(self.people)) if number % len(workers) == place]
        return {"rooms": await asyncio.gather(*(self._gather(number, workers) for number in hosts))}

    async def _gather(self, number: int, workers: list[str]) -> str:
        host = self.people[number]
        room = (await host.do(CreateRoom(f"room {number}"))).room
        for guest in (f"{worker}-{number:02}" for worker in workers):
            if guest != host.name:
                await host.do(InviteMember(room, guest))
        return room.hex()

    def _talk(self) -> None:
        self.tasks = [asyncio.ensure_future(self._speak(person)) for person in self.people]
        self.tasks.append(asyncio.ensure_future(self._accidents()))

    async def _speak(self, person: Person) -> None:
        number = 0
        with (self.folder / f"{person.name}.said").open("a") as said:
            while await self._pause(TALK_EVERY):
                with contextlib.suppress(UnavailableError):
                    for room in await person.do(ListRooms()):
                        number += 1
                        text = f"{person.name}/{self.run}/{number}"
                        message = await person.do(SendText(room.room, text))
                        said.write(text + "\n")
                        said.flush()
                        await self._wait(person, message)

    async def _pause(self, seconds: float) -> bool:
        """Wait for so long on average; whether to go on then."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.hushed.wait(), random.uniform(0, 2 * seconds))
        return not self.hushed.is_set()

    async def _wait(self, person: Person, message: MessageRef) -> None:
        began, runs = time.perf_counter(), person.runs
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TALK_EVERY):
                await person.do(WaitUntilSent(message))
            if person.runs == runs:
                self.waits.append(time.perf_counter() - began)

    async def _accidents(self) -> None:
        while await self._pause(ACCIDENT_EVERY):
            person = random.choice(self.people)
            if random.random() < 0.5:
                self.counts["restarted"] += 1
                await person.restart()
            elif (connection := person.running._session._connection) is not None:
                self.counts["dropped"] += 1
                connection.abort("the line was cut")

    async def _hush(self) -> None:
        self.hushed.set()
        await asyncio.gather(*self.tasks)
        for person in self.people:
            await person.running.wait_until_connected()
            for found in person.running._hall:
                found.writer.nudge()
                await found.writer._repeater.quiet()

    async def _settle(self, places: dict[str, int]) -> dict[str, Any]:
        held = {}
        for person in self.people:
            for found in person.running._hall:
                room = found.room.id
                await found.follower.reach(places[room.hex()])
                messages = transcript(person, room)
                held[f"{person.name} {room.hex()}"] = {
                    "log": found.room.standing.position.hash.hex(),
                    "epoch": next(iter(epochs(room, person))).hex(),
                    "messages": hashlib.sha256(json.dumps(messages).encode()).hexdigest(),
                    "texts": [text for _, text in messages],
                }
        warnings = [f"{person.name}: {sentence}" for person in self.people for sentence in alarms(person)]
        return {"held": held, "alarms": warnings, "counts": dict(self.counts), "waits": self.waits}

    async def close(self) -> None:
        """Close everybody's client and store."""
        for person in self.people:
            await person.stop()


def tell(answer: dict[str, Any]) -> None:
    """One line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Open, obey, close at the end of the input."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--folder", "--link", "--port", "--run", "--names"):
        parser.add_argument(option, required=True)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    key_packages.POOL_SIZE, key_packages.REFILL_BELOW = POOL, REFILL
    server = ServerProcess(Path(chosen.folder), int(chosen.port), parse_link(chosen.link))
    worker = Worker(server, Path(chosen.folder), chosen.names.split(","), chosen.run)
    await worker.open()
    tell({})
    while line := await asyncio.to_thread(sys.stdin.readline):
        tell(await worker.obey(line))
    await worker.close()


if __name__ == "__main__":
    asyncio.run(main())
