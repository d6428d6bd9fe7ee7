"""Nodes in processes of their own are killed in the middle of a conversation: what one has acknowledged, all have."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from entrenous.client import MessageArrived
from entrenous.client.rooms import renewal
from entrenous.client.session import TcpConnector
from entrenous.errors import UnavailableError
from entrenous.server.store import shared_engine
from entrenous.testing.members import Person
from nats_server import PrivateNats
from postgres import PrivatePostgres
from room_logs import LogEntry, assert_all_read_the_same, assert_one_log, read_to_the_end, speak, transcript
from server_process import ServerProcess, quick_folder
from worlds import garden

P = TypeVar("P", bound=asyncio.Protocol)

SENDERS, EACH = 4, 40
#: Which node dies when so many messages have been read by the first of the senders; it is started again at the next.
DEATHS = ((30, 0), (70, 1), (110, 0))


class AnyNode:
    """Reaches whichever node can be reached, beginning with another one each time."""

    def __init__(self, nodes: "list[Node]", first: int) -> None:
        self._nodes, self._next = nodes, first

    async def connect(self, factory: Callable[[], P]) -> P:
        """A new protocol on a new connection.

        Raises:
            UnavailableError: none can be reached.
        """
        for _ in self._nodes:
            node = self._nodes[self._next % len(self._nodes)]
            self._next += 1
            if node.process is not None:
                try:
                    return await TcpConnector("127.0.0.1", node.port).connect(factory)
                except UnavailableError:
                    continue
        raise UnavailableError("no node can be reached")


@dataclass
class Node(ServerProcess):
    """One of several; people who are registered at it may connect to any of them."""

    reach: AnyNode | None = None

    def connector(self) -> TcpConnector:
        """A way to reach one of them."""
        return self.reach or super().connector()  # type: ignore[return-value]  # it connects in the same way


async def start_nodes(folder: Path, store: str, bus: str, count: int) -> list[Node]:
    """Nodes with the same keys and a fast look at the store."""
    options = {"store": store, "bus": bus}
    nodes: list[Node] = []
    for number in range(count):
        data = folder / f"node{number}"
        if nodes:
            shutil.copytree(nodes[0].data / "keys", data / "keys")
        nodes.append(Node(data, options=dict(options)))
        await nodes[-1].start()
    for number, node in enumerate(nodes):
        node.reach = AnyNode(nodes, number)
    return nodes


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


def shared_log(store: str, room: bytes) -> list[LogEntry]:
    """A room's log as the database has it."""
    engine = shared_engine(store)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT sequence, message_id, body FROM entries WHERE room = %s ORDER BY sequence", (room,)
        ).fetchall()
    engine.dispose()
    return [LogEntry(*row) for row in found]


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
