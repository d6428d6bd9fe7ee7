"""Attacks by who is meant: a server that gives a known name to somebody else, or shows a list that was replaced."""

from typing import Any

import pytest

from entrenous.client import AcceptIdentity, CreateRoom, IdentityChanged, InviteMember, RoomJoined
from entrenous.errors import RejectedError
from entrenous.testing.members import Person, World
from worlds import at_server, garden, in_world


async def give_name(world: World, name: str, person: Person) -> None:
    """The server calls this person by the other one's name from now on."""
    await at_server(world, "UPDATE accounts SET login_name = 'gone', name_key = 'gone' WHERE login_name = ?", name)
    sql = "UPDATE accounts SET login_name = ?, name_key = ? WHERE id = ?"
    await at_server(world, sql, name, name, person.running.account)


async def refused(person: Person, command: Any) -> str:
    with pytest.raises(RejectedError) as caught:
        await person.do(command)
    return caught.value.rule


@in_world
async def test_a_known_name_does_not_become_somebody_elses_unnoticed(world: World) -> None:
    alice, bob, mallory = await world.people("alice", "bob", "mallory")
    await garden(alice, bob)
    kitchen = (await alice.do(CreateRoom("Kitchen"))).room
    await give_name(world, "bob", mallory)
    for _ in range(2):  # trying again is no consent
        assert await refused(alice, InviteMember(kitchen, "bob")) == "CLIENT-IDENTITY-CHANGED"
    assert (await alice.has(IdentityChanged)).account == mallory.running.account
    await alice.do(AcceptIdentity("bob"))
    await alice.do(InviteMember(kitchen, "bob"))
    await mallory.sees(RoomJoined)


@in_world
async def test_a_known_name_does_not_become_another_known_persons_unnoticed(world: World) -> None:
    alice, bob, mallory = await world.people("alice", "bob", "mallory")
    await garden(alice, bob, mallory)
    kitchen = (await alice.do(CreateRoom("Kitchen"))).room
    await give_name(world, "bob", mallory)
    for _ in range(2):
        assert await refused(alice, InviteMember(kitchen, "BOB")) == "CLIENT-IDENTITY-CHANGED"


@in_world
async def test_who_joins_is_not_shown_under_the_name_of_somebody_known(world: World) -> None:
    alice, bob, carol, mallory = await world.people("alice", "bob", "carol", "mallory")
    room = await garden(alice, bob, carol)
    await give_name(world, "carol", mallory)
    await alice.do(InviteMember(room, "bob"))
    people = bob.running._services.people
    assert people.name(carol.running.account) == "carol"
    await garden(mallory, bob)
    await people.learn([mallory.running.account], bob.running._services.caller)
    assert people.name(carol.running.account) == "carol"
    assert people.name(mallory.running.account) == mallory.running.account[:4].hex()


@in_world
async def test_a_device_list_that_was_replaced_lets_no_revoked_device_into_another_room(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    garden_room = await garden(alice, bob)
    ((old,),) = await at_server(world, "SELECT device_list FROM accounts WHERE login_name = 'bob'")
    await bob.stop()  # and stolen
    bob = await world.new_device("bob")
    await alice.do(InviteMember(garden_room, "bob"))
    await bob.sees(RoomJoined)
    await at_server(world, "UPDATE accounts SET device_list = ? WHERE login_name = 'bob'", old)
    kitchen = (await alice.do(CreateRoom("Kitchen"))).room
    assert await refused(alice, InviteMember(kitchen, "bob")) == "INVITE-LIST-OLD"
