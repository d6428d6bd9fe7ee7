"""Attacks by Welcomes: whoever is in a room is not led out of it, and whoever joins reads all that is his to read."""

import dataclasses

import pytest

from entrenous.client import (
    CommitRefused,
    GapShown,
    InvitationRefused,
    InviteMember,
    KickMember,
    MemberRemoved,
    RefreshKeys,
    RoomJoined,
)
from entrenous.client.rooms.commits import TREE_EVERY
from entrenous.client.rooms.room import Epoch
from entrenous.client.rooms.sealed import AccessKey
from entrenous.content import Role, RoomSettings, new_settings, with_member
from entrenous.testing.members import Person, World
from forged_rooms import ForgedRoom, slip_in
from worlds import at_server, epochs, garden, hold_back_entries, in_world, texts


def forge(forger: Person, room: bytes, *members: Person) -> ForgedRoom:
    """A group of the forger's own, with the room's id and with these accounts in its settings."""
    return ForgedRoom(forger, room, forge_settings(forger, *members))


def forge_settings(forger: Person, *members: Person) -> RoomSettings:
    """Settings of a room that the forger manages, with these accounts."""
    settings = new_settings("Garden", forger.running.account)
    for member in members:
        settings = with_member(settings, member.running.account, Role.MEMBER)
    return settings


async def three(world: World) -> tuple[Person, Person, Person, bytes]:
    """Alice's room with Bob and Mallory, who know all that there is."""
    alice, bob, mallory = await world.people("alice", "bob", "mallory")
    room = await garden(alice, bob, mallory)
    for person in (alice, bob, mallory):
        await person.running.wait_until_caught_up()
    return alice, bob, mallory, room


async def talk(alice: Person, bob: Person, room: bytes) -> None:
    """They read each other, in one epoch."""
    await alice.says(room, "between us")
    await bob.reads("between us")
    await bob.says(room, "nobody else reads this")
    await alice.reads("nobody else reads this")
    assert len(epochs(room, alice, bob)) == 1


@in_world
async def test_a_member_cannot_lead_another_into_a_group_of_his_own_under_the_rooms_id(world: World) -> None:
    alice, bob, mallory, room = await three(world)
    forged = forge(mallory, room, bob)
    welcome = await forged.invite(bob.running.account)
    # Bob is told of the Welcome, and of the entry not yet.
    let_go = hold_back_entries(bob, room)
    joined = len(bob.saw(RoomJoined))
    await slip_in(mallory, room, welcome, tree=forged.sealed_tree())
    await bob.running.wait_until_caught_up()
    let_go()
    await talk(alice, bob, room)
    assert len(bob.saw(RoomJoined)) == joined


@in_world
async def test_a_refused_commit_brings_nobody_into_its_makers_group(world: World) -> None:
    alice, bob, mallory, room = await three(world)
    forged = forge(mallory, room, bob)
    welcome = await forged.invite(bob.running.account)
    await slip_in(mallory, room, welcome, tree=forged.sealed_tree(), retention_seconds=3_600)
    assert (await bob.has(CommitRefused)).rule == "POLICY-RETENTION"
    assert (await bob.has(InvitationRefused)).rule == "JOIN-INVITER"
    await talk(alice, bob, room)


@in_world
async def test_a_gap_that_the_server_makes_leads_nobody_into_a_strangers_group(world: World) -> None:
    alice, bob, mallory, room = await three(world)
    forged = forge(mallory, room, bob)
    welcome = await forged.invite(bob.running.account)
    await bob.stop()
    newest = await slip_in(mallory, room, welcome, tree=forged.sealed_tree())
    await at_server(world, "DELETE FROM entries WHERE room = ?", room)
    await at_server(world, "UPDATE rooms SET first_available = ? WHERE id = ?", newest + 1, room)
    await bob.come_back()
    await bob.has(GapShown)
    assert (await bob.has(InvitationRefused)).rule == "JOIN-INVITER"
    await alice.do(KickMember(room, "bob"))
    await alice.do(InviteMember(room, "bob"))
    await bob.sees(RoomJoined)
    await talk(alice, bob, room)


@in_world
async def test_who_could_not_follow_a_commit_is_brought_back_by_an_admin_and_reads_on_from_there(world: World) -> None:
    alice, bob, mallory, room = await three(world)
    held = bob.running._hall.get(room).room
    group = held.epoch.group
    # A path whose secrets do not fit for one member (RFC 9420 §16.12), seen from that member.
    wrong = alice.running._hall.get(room).room.epoch.group
    keys = {node: next(iter(wrong.private_keys.values())) for node in group.private_keys}
    broken = dataclasses.replace(group, private_keys=keys)
    held.replace(held.standing, Epoch(broken, held.settings, held.epoch.access))
    await mallory.do(RefreshKeys(room))
    await bob.sees(CommitRefused)
    await alice.says(room, "lost to bob")
    await alice.do(KickMember(room, "bob"))
    await alice.do(InviteMember(room, "bob"))
    await bob.sees(RoomJoined)
    await talk(alice, bob, room)
    assert await texts(bob, room) == ["between us", "nobody else reads this"]


@in_world
async def test_an_admin_whose_welcome_comes_late_takes_nothing_from_him_that_was_read_meanwhile(world: World) -> None:
    mallory, bob, carol = await world.people("mallory", "bob", "carol")
    room = await garden(mallory, bob, carol)
    for person in (mallory, bob, carol):
        await person.running.wait_until_caught_up()
    forged = ForgedRoom(mallory, room, forge_settings(mallory, bob), epochs=30)
    welcome = await forged.invite(bob.running.account)
    mailbox = bob.running._hall._mailbox
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mailbox, "empty", _keep_waiting)
        await slip_in(mallory, room, welcome, tree=forged.sealed_tree(), retention_seconds=3_600)
        await bob.has(CommitRefused)
        await carol.says(room, "read by bob")
        await bob.reads("read by bob")
        await bob.says(room, "said by bob")
        await carol.reads("said by bob")
        await bob.running.wait_until_caught_up()
    joined = len(bob.saw(RoomJoined))
    await mailbox.empty()
    await bob.running.wait_until_caught_up()
    assert len(bob.saw(RoomJoined)) == joined + 1  # an admin may lead him there; the others see him no more
    assert await texts(bob, room) == ["read by bob", "said by bob"]


async def _keep_waiting() -> None:
    """The inbox is not looked at."""


@in_world
async def test_a_server_that_lies_about_where_a_newcomers_time_begins_hides_nothing_from_him(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await bob.stop()
    room = await garden(alice)
    await alice.do(InviteMember(room, "bob"))
    await at_server(world, "UPDATE inbox SET sequence = 1000")
    await at_server(world, "UPDATE group_states SET sequence = 1000 WHERE sequence = 1")
    await bob.come_back()
    await bob.sees(RoomJoined)
    await alice.says(room, "for your eyes")
    await bob.reads("for your eyes")


@in_world
async def test_an_inviter_who_tells_a_wrong_generation_of_the_access_key_is_set_right_by_the_next_removal(
    world: World,
) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    held = alice.running._hall.get(room).room
    epoch = held.epoch
    lie = AccessKey((1 << 32) - 1, epoch.access.secret)
    # With a whole tree of her own, sealed as she says, for carol has no other that opens.
    held.replace(dataclasses.replace(held.standing, tree_age=TREE_EVERY), dataclasses.replace(epoch, access=lie))
    await alice.do(InviteMember(room, "carol"))
    await carol.sees(RoomJoined)
    await alice.do(KickMember(room, "bob"))
    await carol.sees(MemberRemoved)
    alices, carols = (person.running._hall.get(room).room.epoch.access for person in (alice, carol))
    assert (alices.generation, alices.secret.reveal()) == (carols.generation, carols.secret.reveal())
    assert alices.generation == alice.running._hall.get(room).room.epoch.group.epoch
