"""Nodes in processes of their own are killed in the middle of a conversation: what one has acknowledged, all have."""

import asyncio
from pathlib import Path

import pytest

from cluster.processes import Node, shared_log, start_nodes
from entrenous.client import MessageArrived
from entrenous.client.rooms import renewal
from entrenous.testing.members import Person
from nats_server import PrivateNats
from postgres import PrivatePostgres
from room_logs import assert_all_read_the_same, assert_one_log, read_to_the_end, speak, transcript
from server_process import quick_folder
from worlds import garden

SENDERS, EACH = 4, 40
#: Which node dies when so many messages have been read by the first of the senders; it is started again at the next.
DEATHS = ((30, 0), (70, 1), (110, 0))


async def kill_by_turns(nodes: list[Node], people: list[Person]) -> int:
    """Kill one node after the other when they are at work; returns how often."""
    listener = people[0].running.events()
    heard = deaths = 0
    dead: Node | None = None
    async for event in listener:
        heard += isinstance(event, MessageArrived)
        if heard < DEATHS[deaths][0]:
            continue
        if dead is not None:
            await dead.start()
        dead = nodes[DEATHS[deaths][1]]
        dead.kill()
        for person in people:
            person.running.retry_now()
        deaths += 1
        if deaths == len(DEATHS):
            break
    listener.close()
    assert dead is not None
    await dead.start()
    return deaths


async def test_nodes_that_are_killed_by_turns_lose_nothing_repeat_nothing_and_keep_the_order(
    tmp_path: Path, postgres: PrivatePostgres, nats: PrivateNats, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow machine the conversation lasts so long that people would renew their keys, and end the log with that.
    monkeypatch.setattr(renewal, "EVERY", 1e9)
    store = postgres.database()
    with quick_folder() as stores:
        nodes = await start_nodes(tmp_path, store, nats.url, 2)
        try:
            people = [await nodes[number % 2].person(f"sender{number}", stores) for number in range(SENDERS)]
            room = await garden(*people)
            killing = asyncio.ensure_future(kill_by_turns(nodes, people))
            await asyncio.gather(*(speak(person, room, EACH) for person in people))
            assert await killing == len(DEATHS)
            log = shared_log(store, room)
            await read_to_the_end(room, log, people)
            assert_one_log(room, log, people)
            assert_all_read_the_same(room, people)
            said = [text for _, text in transcript(people[0], room)]
            assert len(said) == len(set(said)) == SENDERS * EACH
            for sender in people:
                own = [text for text in said if text.startswith(f"{sender.name} ")]
                assert own == [f"{sender.name} {number}" for number in range(EACH)]
            for person in people:
                await person.stop()
        finally:
            for node in nodes:
                node.kill()
