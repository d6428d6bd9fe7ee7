"""Fifty people in one room, all of them speaking at once."""

import asyncio
import sys
import time
from pathlib import Path

from entrenous.client import CreateRoom, InviteMember, MessageRef, RoomJoined, SendText, WaitUntilSent
from entrenous.testing.members import Person
from room_logs import assert_all_read_the_same, assert_one_log, read_to_the_end, server_log, transcript
from server_process import ServerProcess, quick_folder

CLIENTS, EACH = 50, 2
#: Seconds of this process's work, which is all the clients', from the first registration until everybody has read
#: everything. Its own time, not the wall's: a neighbour's load on the machine must not fail the test. Who traces it, as
#: the measuring of coverage does, takes as much time again.
ALLOWED = 60.0 if sys.gettrace() is None else 120.0


async def gather_in_a_room(people: list[Person]) -> bytes:
    """One makes a room and adds the others, who all follow it."""
    host, *guests = people
    room = (await host.do(CreateRoom("Plaza"))).room
    for guest in guests:
        await host.do(InviteMember(room, guest.name))
    for guest in guests:
        await guest.sees(RoomJoined)
    return room


async def speak(person: Person, room: bytes) -> None:
    """Say everything without waiting in between; then wait until the server has it."""
    said: list[MessageRef] = [await person.do(SendText(room, f"{person.name} {number}")) for number in range(EACH)]
    for message in said:
        await person.do(WaitUntilSent(message))


async def test_50_clients_in_one_room_read_each_others_messages_exactly_once_in_the_logs_order(tmp_path: Path) -> None:
    began = time.process_time()
    with quick_folder() as stores:
        async with ServerProcess(tmp_path / "server") as server:
            people = [await server.person(f"guest{number:02}", stores) for number in range(CLIENTS)]
            room = await gather_in_a_room(people)
            await asyncio.gather(*(speak(person, room) for person in people))
            log = server_log(server.database, room)
            await read_to_the_end(room, log, people)
            took = time.process_time() - began

            assert_one_log(room, log, people)
            assert_all_read_the_same(room, people)
            assert len(log) == CLIENTS - 1 + CLIENTS * EACH
            said = {text for _, text in transcript(people[0], room)}
            assert said == {f"{person.name} {number}" for person in people for number in range(EACH)}
            for person in people:
                await person.stop()
    assert took < ALLOWED
