"""Attacks on a client's memory and disk by a server that asks for ever more, or pushes what nobody can read yet."""

import pytest

from entrenous.client import key_packages
from entrenous.client.rooms.follower import MAX_AHEAD_BYTES
from entrenous.client.store import key_packages as rows
from entrenous.testing.members import World
from entrenous.wire.types import Entry
from worlds import at_server, garden, in_world


@in_world
async def test_a_server_that_always_claims_an_empty_pool_gets_no_end_of_key_packages(world: World) -> None:
    (alice,) = await world.people("alice")
    services = alice.running._services
    now = services.environment.seconds()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_packages, "MOST_KEPT", 150)
        for _ in range(3):
            await world_forgets(world)
            await key_packages.refill(services.caller, services.store, services.environment, services.device, stored=0)
    assert rows.count_usable(services.store, now) == 150


async def world_forgets(world: World) -> None:
    """The server throws the pool away."""
    await at_server(world, "DELETE FROM key_packages WHERE last_resort = 0")


@in_world
async def test_pushed_entries_of_the_far_future_do_not_fill_the_memory(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    follower = bob.running._hall.get(room).follower
    body = bytes(1 << 20)
    for ahead in range(64):
        follower.offer(Entry(1_000_000 + ahead, bytes(12), body, 0))
    assert sum(len(entry.body) for entry in follower._ahead.values()) <= MAX_AHEAD_BYTES
    await alice.says(room, "still here")
    await bob.reads("still here")
