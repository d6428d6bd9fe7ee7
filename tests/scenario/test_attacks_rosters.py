"""Commits that every member refuses, and what they do to the server, which cannot judge them: nothing that lasts."""

import asyncio
from functools import partial
from typing import Any, cast

import msgspec
import pytest

from entrenous.client import CommitRefused, InviteMember, KickMember, RefreshKeys, RoomJoined, RosterDiffers
from entrenous.client.rooms.roster_watch import EVERY, MOST_AN_HOUR
from entrenous.client.session import RefusedError
from entrenous.client.store import entries
from entrenous.errors import RejectedError
from entrenous.server.store import Transaction, rosters
from entrenous.testing.members import World
from entrenous.wire import RosterAction, RosterChange, replies, requests
from entrenous.wire.types import RosterMember
from forged_rooms import slip_in
from handlers import handlers
from server_people import private_message
from worlds import cut, epochs, garden, in_world

HOUR = 3_600


@in_world
async def test_who_was_put_on_the_roster_by_a_refused_commit_can_still_be_invited_and_removed(world: World) -> None:
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    room = await garden(alice, mallory)
    await mallory.running.wait_until_caught_up()
    await slip_in(mallory, room, roster=(RosterChange(carol.running.account, RosterAction.ADD),))
    assert (await alice.sees(CommitRefused)).rule == "POLICY-ROSTER"
    await alice.do(InviteMember(room, "carol"))
    await carol.sees(RoomJoined)
    await carol.says(room, "here I am")
    await alice.reads("here I am")
    await alice.do(KickMember(room, "carol"))


@in_world
async def test_a_member_cannot_take_the_right_to_manage_from_an_admin_by_adding_her_again(world: World) -> None:
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    room = await garden(alice, mallory, carol)
    await mallory.running.wait_until_caught_up()
    await slip_in(mallory, room, roster=(RosterChange(alice.running.account, RosterAction.ADD),))
    await alice.sees(CommitRefused)
    await alice.do(KickMember(room, "mallory"))


@in_world
async def test_a_retention_that_a_refused_commit_names_keeps_nobody_from_renewing_his_keys(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await slip_in(alice, room, retention_seconds=HOUR)
    assert (await bob.sees(CommitRefused)).rule == "POLICY-RETENTION"
    await bob.do(RefreshKeys(room))
    await alice.do(RefreshKeys(room))


async def roster_of(world: World, room: bytes) -> set[bytes]:
    """Whom the server counts among a room's accounts."""

    def operation(tx: Transaction) -> set[bytes]:
        return {member.account for member in rosters.every(tx, room)}

    return await world.server.server.storage.write(operation)


@in_world
async def test_a_ghost_that_a_refused_commit_put_on_the_roster_is_taken_off_it_by_an_admins_client(
    world: World,
) -> None:
    alice, mallory, carol, ghost = await world.people("alice", "mallory", "carol", "ghost")
    room = await garden(alice, mallory, carol)
    await mallory.running.wait_until_caught_up()
    await slip_in(mallory, room, roster=(RosterChange(ghost.running.account, RosterAction.ADD),))
    for person in (alice, carol):
        assert (await person.sees(CommitRefused)).rule == "POLICY-ROSTER"
    assert ghost.running.account in await roster_of(world, room)
    told = await alice.sees(RosterDiffers)
    assert (told.strangers, told.missing) == (("ghost",), ())
    assert "It sent ghost what is said there, whom nobody there has added" in told.sentence
    await asyncio.sleep(EVERY)
    assert await roster_of(world, room) == {person.running.account for person in (alice, mallory, carol)}
    with pytest.raises(RefusedError) as caught:
        await ghost.running._services.caller.call(requests.Publish(room, 0, bytes(12), b"x"), replies.Published)
    assert caught.value.rule == "DS-MALFORMED"
    message = private_message(room, b"nobody can open this")
    with pytest.raises(RefusedError) as caught:
        await ghost.running._services.caller.call(requests.Publish(room, 0, bytes(12), message), replies.Published)
    assert caught.value.rule == "DS-DENIED"
    # Everybody has applied the correction, and it is said once.
    await carol.says(room, "among us")
    await alice.reads("among us")
    assert len(epochs(room, alice, mallory, carol)) == 1
    assert len(alice.saw(RosterDiffers)) == 1
    assert not carol.saw(RosterDiffers)


@in_world
async def test_a_ghost_is_found_when_the_admin_was_away_and_restarts_right_after_the_refused_commit(
    world: World,
) -> None:
    alice, mallory, ghost = await world.people("alice", "mallory", "ghost")
    room = await garden(alice, mallory)
    await mallory.running.wait_until_caught_up()
    await slip_in(mallory, room, roster=(RosterChange(ghost.running.account, RosterAction.ADD),))
    await alice.sees(CommitRefused)
    await alice.restart()  # before she looked
    await alice.sees(RosterDiffers)
    await asyncio.sleep(EVERY)
    assert ghost.running.account not in await roster_of(world, room)


@in_world
async def test_a_server_that_keeps_its_ghost_member_is_told_of_and_gets_no_end_of_commits(world: World) -> None:
    alice, bob, ghost = await world.people("alice", "bob", "ghost")
    room = await garden(alice, bob)
    await bob.running.wait_until_caught_up()

    def operation(tx: Transaction) -> None:
        account = ghost.running.account
        rosters.add(tx, room, account, may_manage=True, added_at=0, readable_after=0, now=0)

    async def keep_the_ghost() -> None:
        while True:
            await world.server.server.storage.write(operation)
            await asyncio.sleep(1)

    keeping = asyncio.get_running_loop().create_task(keep_the_ghost())
    await alice.restart()
    assert (await alice.sees(RosterDiffers)).strangers == ("ghost",)
    await asyncio.sleep(5 * EVERY)
    before = alice.running._hall.get(room).room.standing.base
    await asyncio.sleep(20 * EVERY)
    assert alice.running._hall.get(room).room.standing.base == before
    assert len(alice.saw(RosterDiffers)) == 1
    keeping.cancel()
    await alice.says(room, "not for ghosts")
    await bob.reads("not for ghosts")
    assert not ghost.running._hall.find(room)


@in_world
async def test_a_member_whom_the_server_has_lost_is_named_to_the_admin_and_comes_back_by_an_invitation(
    world: World,
) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    await carol.running.wait_until_caught_up()

    def operation(tx: Transaction) -> None:
        rosters.remove(tx, room, [bob.running.account], at=2, now=0)
        rosters.set_managers(tx, room, {carol.running.account: True}, now=0)

    await world.server.server.storage.write(operation)
    await alice.restart()
    told = await alice.sees(RosterDiffers)
    assert (told.strangers, told.missing) == ((), ("bob",))
    await asyncio.sleep(EVERY)
    with pytest.raises(RejectedError) as caught:
        await carol.do(KickMember(room, "bob"))
    assert caught.value.rule == "POLICY-SETTINGS"
    await alice.do(KickMember(room, "bob"))
    await alice.do(InviteMember(room, "bob"))
    await bob.sees(RoomJoined)
    await bob.says(room, "here again")
    await carol.reads("here again")


@in_world
async def test_a_server_that_shows_another_ghost_each_time_gets_no_end_of_commits_or_alarms(world: World) -> None:
    alice, bob, *ghosts = await world.people("alice", "bob", "ghost", "spook")
    room = await garden(alice, bob)
    await bob.running.wait_until_caught_up()
    table, shown = handlers(world.server.server.services), 0
    honest = table[requests.FetchRoster]

    async def haunted(caller: Any, request: requests.FetchRoster) -> replies.Roster:
        nonlocal shown
        shown += 1
        roster = cast("replies.Roster", await honest(caller, request))
        ghost = RosterMember(ghosts[shown % 2].running.account, may_manage=False)
        return msgspec.structs.replace(roster, members=(*roster.members, ghost))

    table[requests.FetchRoster] = haunted
    await alice.restart()
    await asyncio.sleep(HOUR)
    assert len({event.strangers for event in alice.saw(RosterDiffers)}) == len(ghosts)
    assert len(alice.saw(RosterDiffers)) == MOST_AN_HOUR
    made = entries.committers(alice.store, room, 10 * MOST_AN_HOUR).count(alice.running.account)
    assert made == 1 + MOST_AN_HOUR  # she has invited bob
    table[requests.FetchRoster] = honest
    await alice.says(room, "nobody else is here")
    await bob.reads("nobody else is here")
    assert len(epochs(room, alice, bob)) == 1


@in_world
async def test_each_member_whom_the_server_loses_is_named_also_the_second_one(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    await carol.running.wait_until_caught_up()
    for lost in (bob, carol):
        await world.server.server.storage.write(partial(_lose, room, lost.running.account))
        cut(alice)
        assert lost.name in (await alice.sees(RosterDiffers)).missing
        await asyncio.sleep(2 * EVERY)


def _lose(room: bytes, account: bytes, tx: Transaction) -> None:
    rosters.remove(tx, room, [account], at=2, now=0)
