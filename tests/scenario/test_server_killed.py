"""The server is killed in the middle of a conversation, again and again: what it has acknowledged, it has."""

import asyncio
import sys
from pathlib import Path

import pytest

from entrenous.client import LogShortened, MessageArrived
from entrenous.client.reaching import PatientCaller
from entrenous.client.rooms import renewal
from entrenous.testing.members import Person, World
from entrenous.wire import replies, requests
from room_logs import assert_all_read_the_same, assert_one_log, read_to_the_end, server_log, speak, transcript
from server_process import ServerProcess, quick_folder
from worlds import garden, in_world

SENDERS, EACH = 10, 100
#: The server is killed each time when so many messages have been read by the first of the senders.
KILLED_AT = (100, 250, 400, 600, 850)


async def kill_again_and_again(server: ServerProcess, people: list[Person]) -> int:
    """Kill the server when it is at work, and start it again; returns how often.

    By turns while it writes a transaction, by which all is lost that it told anybody too early, and at any moment.
    """
    listener = people[0].running.events()
    heard = kills = 0
    async for event in listener:
        heard += isinstance(event, MessageArrived)
        if heard < KILLED_AT[kills]:
            continue
        if kills % 2:
            server.kill()
        else:
            await server.kill_in_a_commit()
        await server.start()
        for person in people:
            person.running.retry_now()
        kills += 1
        if kills == len(KILLED_AT):
            break
    listener.close()
    return kills


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
async def test_a_server_killed_five_times_among_1000_messages_of_10_senders_loses_and_repeats_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow machine the conversation lasts so long that people would renew their keys, and end the log with that.
    monkeypatch.setattr(renewal, "EVERY", 1e9)
    with quick_folder() as stores:
        async with ServerProcess(tmp_path / "server") as server:
            people = [await server.person(f"sender{number}", stores) for number in range(SENDERS)]
            room = await garden(*people)
            killing = asyncio.ensure_future(kill_again_and_again(server, people))
            await asyncio.gather(*(speak(person, room, EACH) for person in people))
            assert await killing == len(KILLED_AT)

            log = server_log(server.database, room)
            await read_to_the_end(room, log, people)
            assert_one_log(room, log, people)
            assert_all_read_the_same(room, people)
            assert_all_was_said_once_and_in_order(room, people)
            for person in people:
                await person.stop()


def assert_all_was_said_once_and_in_order(room: bytes, people: list[Person]) -> None:
    said = [text for _, text in transcript(people[0], room)]
    assert len(said) == len(set(said)) == SENDERS * EACH
    for sender in people:
        own = [text for text in said if text.startswith(f"{sender.name} ")]
        assert own == [f"{sender.name} {number}" for number in range(EACH)]


@in_world
async def test_what_is_pushed_while_the_server_tells_where_its_logs_stand_does_not_look_like_a_loss(
    world: World,
) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    asked = PatientCaller.call

    async def slowly(self: PatientCaller, request: requests.Request, expected: type[replies.Reply]) -> replies.Reply:
        answer = await asked(self, request, expected)
        if isinstance(request, requests.ListRooms):
            await alice.says(room, "pushed meanwhile")
            await bob.reads("pushed meanwhile")
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PatientCaller, "call", slowly)
        await bob.running._hall.catch_up()
    await alice.says(room, "afterwards")
    await bob.reads("afterwards")
    assert bob.saw(LogShortened) == []
