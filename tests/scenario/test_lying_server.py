"""What a server can do between its answers, one lie at a time: detected, or powerless once it stops."""

import asyncio
import contextlib

from entrenous.client import CommitRefused, RefreshKeys
from entrenous.testing.members import World
from lying_server import LyingServer, Trick
from worlds import epochs, garden, in_world


@in_world
async def test_a_commit_that_is_withheld_from_its_author_comes_into_force_when_it_is_shown(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    liar = LyingServer(world.server.server, "liar")
    liar.mood(alice.running._services.device.device_id).hidden_from[room] = 1
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(alice.do(RefreshKeys(room)), 30)
    assert len(epochs(room, alice, bob)) == 2
    await liar.be_honest()
    await alice.says(room, "with new keys")
    await bob.reads("with new keys")
    assert len(epochs(room, alice, bob)) == 1
    assert not alice.saw(CommitRefused)


@in_world
async def test_the_id_that_a_commit_is_shown_under_decides_nothing(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    liar = LyingServer(world.server.server, "liar")
    for person in (alice, bob):  # its author, and one of two who follow it
        device = person.running._services.device.device_id
        await liar.fork(room, {device}, follows=True, tricks=(Trick.RENAME,))
    await alice.do(RefreshKeys(room))
    await alice.says(room, "with new keys")
    for person in (bob, carol):
        await person.reads("with new keys")
    assert len(epochs(room, alice, bob, carol)) == 1
    assert not alice.saw(CommitRefused) + bob.saw(CommitRefused)
