"""Attacks on who is to join: a state that leads nowhere, from a member or the server, and rooms nobody asked for."""

import asyncio
from typing import Any, cast

import pytest

from entrenous.client import (
    BlockChanged,
    BlockPerson,
    CreateRoom,
    InvitationDelayed,
    InvitationRefused,
    InviteMember,
    KickMember,
    MemberRemoved,
    RefreshKeys,
    RoomJoined,
)
from entrenous.client.rooms.mailbox import GIVE_UP_AFTER
from entrenous.client.upkeep import SPREAD
from entrenous.errors import RejectedError
from entrenous.server.refusal import RefusedError
from entrenous.server.store import Transaction
from entrenous.testing.members import World
from entrenous.wire import ErrorCode, replies, requests
from hostile_member import Traitor
from lying_server import LyingServer
from worlds import epochs, garden, in_world


@in_world
async def test_a_member_who_gives_the_server_garbage_for_joiners_keeps_nobody_out(world: World) -> None:
    alice, mallory, carol, dave = await world.people("alice", "mallory", "carol", "dave")
    room = await garden(alice, mallory)
    await mallory.running.wait_until_caught_up()
    await Traitor(mallory, room).spoiling()
    await alice.do(InviteMember(room, "carol"))
    await carol.sees(RoomJoined)
    await alice.do(InviteMember(room, "dave"))  # with changes alone: what they lead from is alice's
    await dave.sees(RoomJoined)
    await dave.says(room, "all of us")
    await carol.reads("all of us")
    assert len(epochs(room, alice, mallory, carol, dave)) == 1
    assert not carol.saw(InvitationDelayed) + dave.saw(InvitationDelayed)


@in_world
async def test_a_whole_tree_comes_only_with_adds_that_follow_somebody_elses_commit(world: World) -> None:
    alice, bob, carol, dave, erin = await world.people("alice", "bob", "carol", "dave", "erin")
    room = (await alice.do(CreateRoom("Garden"))).room
    whole = []

    async def invite(name: str) -> None:
        await alice.do(InviteMember(room, name))
        found = await world.server.server.storage.write(_newest_tree)
        whole.append(found)

    await invite("bob")
    await invite("carol")
    await bob.sees(RoomJoined)
    await bob.do(RefreshKeys(room))
    await invite("dave")
    await invite("erin")
    for person in (carol, dave, erin):
        await person.sees(RoomJoined)
    assert whole == [False, False, True, False]


def _newest_tree(tx: Transaction) -> bool:
    tx._cursor.execute("SELECT tree IS NOT NULL FROM group_states ORDER BY sequence DESC LIMIT 1")
    ((has_tree,),) = tx._cursor.fetchall()
    return bool(has_tree)


@in_world
async def test_a_joiner_who_is_given_an_older_state_is_told_and_gets_in_when_the_server_gives_the_right_one(
    world: World,
) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    liar = LyingServer(world.server.server, "liar")
    liar.mood(carol.running._services.device.device_id).old_state = True
    room = await garden(alice, bob)
    await alice.do(InviteMember(room, "carol"))
    delayed = await carol.sees(InvitationDelayed)
    assert delayed.room == room
    await asyncio.sleep(60)
    assert len(carol.saw(InvitationDelayed)) == 1
    await liar.be_honest()
    await carol.sees(RoomJoined)
    await carol.says(room, "here at last")
    await bob.reads("here at last")


@in_world
async def test_an_invitation_that_leads_nowhere_is_given_up_and_a_second_one_gets_in(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    await carol.stop()
    await alice.do(InviteMember(room, "carol"))
    await world.server.server.storage.write(lambda tx: _spoil(tx, room))
    await carol.come_back()  # which waits until she has caught up: it does not stop her at that
    await carol.sees(InvitationDelayed)
    kitchen = await garden(bob)
    await bob.do(InviteMember(kitchen, "carol"))  # others come in while it waits
    assert (await carol.sees(RoomJoined)).room == kitchen
    await asyncio.sleep(GIVE_UP_AFTER + 120)
    refused = await carol.sees(InvitationRefused)
    assert (refused.room, refused.rule) == (room, "JOIN-STATE")
    assert "remove you and invite you again" in refused.sentence
    await alice.do(KickMember(room, "carol"))
    await alice.do(InviteMember(room, "carol"))
    assert (await carol.sees(RoomJoined)).room == room
    await carol.says(room, "the second time")
    await bob.reads("the second time")
    assert len(epochs(room, alice, bob, carol)) == 1


def _spoil(tx: Transaction, room: bytes) -> None:
    tx._cursor.execute("UPDATE group_states SET tree = x'00' WHERE room = ? AND tree IS NOT NULL", (room,))


@in_world
async def test_nobody_is_put_into_a_room_by_whom_he_has_blocked(world: World) -> None:
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    await carol.do(BlockPerson("mallory"))
    assert (await carol.sees(BlockChanged)).sentence.startswith("mallory is blocked")
    await carol.restart()
    room = await garden(mallory, alice)
    await mallory.do(InviteMember(room, "carol"))
    refused = await carol.sees(InvitationRefused)
    assert refused.rule == "JOIN-BLOCKED"
    assert "whom you have blocked" in refused.sentence
    assert carol.running._hall.find(room) is None
    await mallory.do(KickMember(room, "carol"))
    await alice.sees(MemberRemoved)
    await carol.do(BlockPerson("mallory", is_blocked=False))
    await mallory.do(InviteMember(room, "carol"))
    await carol.sees(RoomJoined)
    with pytest.raises(RejectedError) as caught:
        await carol.do(BlockPerson("carol"))
    assert caught.value.rule == "CLIENT-SELF"


@in_world
async def test_what_waits_behind_an_invitation_that_leads_nowhere_is_told_of_once(world: World) -> None:
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    room = await garden(mallory)
    await carol.do(BlockPerson("alice"))
    await carol.stop()
    await mallory.do(InviteMember(room, "carol"))
    await world.server.server.storage.write(lambda tx: _spoil(tx, room))
    await alice.do(InviteMember(await garden(alice), "carol"))
    await carol.come_back()
    await asyncio.sleep(2 * GIVE_UP_AFTER)
    assert [event.rule for event in carol.saw(InvitationRefused)] == ["JOIN-BLOCKED", "JOIN-STATE"]
    assert len(carol.saw(InvitationDelayed)) == 1
    waiting = await carol.running._services.caller.call(requests.FetchInbox(0), replies.Inbox)
    assert not waiting.items


@in_world
async def test_a_server_that_gives_back_the_vault_from_before_brings_no_block_back_that_was_lifted(
    world: World,
) -> None:
    carol, mallory = await world.people("carol", "mallory")
    await carol.do(BlockPerson("mallory"))
    await asyncio.sleep(2 * SPREAD)
    table = cast("dict[type[requests.Request], Any]", world.server.server.services.of_account)
    honest, refused = table[requests.PutVault], 0

    async def stale_at_first(account: bytes, request: requests.PutVault) -> replies.Reply:
        nonlocal refused
        if not refused:
            refused += 1
            raise RefusedError("AUTH-STALE", ErrorCode.STALE, "it was changed", request.expected)
        return cast("replies.Reply", await honest(account, request))

    table[requests.PutVault] = stale_at_first
    await carol.do(BlockPerson("mallory", is_blocked=False))
    await asyncio.sleep(2 * SPREAD)
    assert refused
    room = await garden(mallory)
    await mallory.do(InviteMember(room, "carol"))
    assert (await carol.sees(RoomJoined)).room == room
