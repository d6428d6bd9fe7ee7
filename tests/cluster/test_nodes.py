"""Several nodes behave as one: what is stored at one is pushed by all, in order, once, whatever becomes of nudges."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.nodes import nodes
from entrenous.testing.server import MemoryServer
from entrenous.wire import ErrorCode, events, replies
from nats_server import PrivateNats
from postgres import PrivatePostgres
from server_people import Person, World


@pytest.fixture
async def pair(tmp_path: Path, postgres: PrivatePostgres, nats: PrivateNats) -> AsyncIterator[tuple[World, World]]:
    """Two nodes, and the people on each."""
    async with nodes(tmp_path, postgres.database(), nats.url) as (one, two):
        yield World(one), World(two)


async def on(node: World, person: Person) -> Person:
    """The same person, connected to another node."""
    person.world = node
    await person.reconnect()
    return person


async def heard(person: Person, count: int) -> list[int]:
    """The places of the next entries that are pushed to somebody."""
    found: list[int] = []
    while len(found) < count:
        event = await person.client.event()
        if isinstance(event, events.NewEntry):
            found.append(event.entry.sequence)
    return found


async def test_what_is_said_at_one_node_is_heard_at_the_other(pair: tuple[World, World]) -> None:
    one, two = pair
    alice, bob = await one.person("alice"), await on(two, await one.register("bob"))
    room = await alice.create_room()
    base = await alice.add(room, bob)
    assert isinstance(await bob.client.event(), events.InboxChanged)
    for number in range(20):
        speaker = (alice, bob)[number % 2]
        assert (await speaker.publish(room, b"%d" % number, base)).sequence == base + 1 + number
    expected = list(range(base + 1, base + 21))
    assert await heard(bob, 20) == expected
    assert await heard(alice, 21) == [base, *expected]
