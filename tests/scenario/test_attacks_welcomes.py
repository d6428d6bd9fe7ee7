"""Attacks by Welcomes: whoever is in a room is not led out of it, and whoever joins reads all that is his to read."""

from typing import Any

from entrenous.client import RoomJoined
from entrenous.content import Role, new_settings, with_member
from entrenous.testing.members import Person, World
from forged_rooms import ForgedRoom, slip_in
from worlds import epochs, garden, in_world


def position_of(person: Person, room: bytes) -> Any:
    return person.running._hall.get(room).room.standing.position


async def forge(forger: Person, room: bytes, *members: Person) -> ForgedRoom:
    settings = new_settings("Garden", forger.running.account)
    for member in members:
        settings = with_member(settings, member.running.account, Role.MEMBER)
    return ForgedRoom(forger, room, settings)


@in_world
async def test_a_member_cannot_lead_another_into_a_group_of_his_own_under_the_rooms_id(world: World) -> None:
    alice, bob, mallory = await world.people("alice", "bob", "mallory")
    room = await garden(alice, bob, mallory)
    for person in (alice, bob, mallory):
        await person.running.wait_until_caught_up()
    forged = await forge(mallory, room, bob)
    welcome = forged.invite(await forged.claim(bob), position_of(mallory, room))
    # He is told of the Welcome before he is told of the entry.
    follower = bob.running._hall.get(room).follower
    follower.offer = lambda entry: None  # type: ignore[method-assign]
    joined = len(bob.saw(RoomJoined))
    await slip_in(mallory, room, bob, welcome, forged.sealed_tree())
    await bob.running.wait_until_caught_up()
    del follower.offer
    await alice.says(room, "between us")
    await bob.reads("between us")
    await bob.says(room, "nobody else reads this")
    await alice.reads("nobody else reads this")
    assert len(bob.saw(RoomJoined)) == joined
    assert len(epochs(room, alice, bob)) == 1
