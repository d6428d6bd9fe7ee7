"""Scenarios: a test that is given a world, under virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

from entrenous.client import CreateRoom, History, InviteMember, MessageArrived, MessageKind, RoomJoined
from entrenous.server.store import Transaction
from entrenous.testing import MemoryConnector, run_virtual
from entrenous.testing.members import Person, World

Scenario = Callable[[World], Awaitable[None]]


def in_world(scenario: Scenario) -> Callable[[Path], None]:
    """Run a scenario with a server in memory, nobody there yet."""

    @wraps(scenario)
    def test(tmp_path: Path) -> None:
        async def run() -> None:
            async with await World.open(tmp_path, seed=scenario.__name__) as world:
                await scenario(world)

        run_virtual(run())

    del test.__wrapped__  # pytest would ask for the scenario's arguments
    return test


#: Seconds until everybody has heard of what just happened, and of everybody's name.
SETTLING = 0.5


async def garden(host: Person, *guests: Person) -> bytes:
    """A room with a host and guests in it, who know each other."""
    room = (await host.do(CreateRoom("Garden"))).room
    for guest in guests:
        await host.do(InviteMember(room, guest.name))
        await guest.sees(RoomJoined)
    await asyncio.sleep(SETTLING)
    return room


async def texts(person: Person, room: bytes) -> list[str]:
    """Everything that a person reads in a room."""
    lines = await person.do(History(room, limit=500))
    return [line.text for line in lines if line.kind is MessageKind.TEXT]


def epochs(room: bytes, *people: Person) -> set[bytes]:
    """The epoch authenticators of people in a room: one value if and only if they are in one epoch."""
    return {person.running._hall.get(room).room.epoch.group.epoch_authenticator for person in people}


def says(text: str) -> Callable[[MessageArrived], bool]:
    """Whether a message that arrived says this."""
    return lambda event: event.message.text == text


def line(person: Person) -> MemoryConnector:
    """How a person reaches the server."""
    assert isinstance(person.connector, MemoryConnector)
    return person.connector


def cut(person: Person) -> None:
    """A person's connection breaks, and may be made again."""
    line(person).wires[-1].cut()


async def at_server(world: World, sql: str, *parameters: object) -> list[Any]:
    """What a server can do to what it keeps; returns the rows that it selects."""

    def operation(tx: Transaction) -> list[Any]:
        tx._cursor.execute(sql, parameters)
        return list(tx._cursor.fetchall()) if sql.startswith("SELECT") else []

    rows: list[Any] = await world.server.server.storage.write(operation)
    return rows


def hold_back_entries(person: Person, room: bytes) -> Callable[[], None]:
    """The log's entries do not come to this person any more, until what is returned is called."""
    follower = person.running._hall.get(room).follower
    follower.offer = lambda entry: None  # type: ignore[method-assign]  # in place of a server that pushes none

    def let_go() -> None:
        del follower.offer

    return let_go
