"""Commits that every member refuses, and what they do to the server, which cannot judge them: nothing that lasts."""

from entrenous.client import CommitRefused, InviteMember, KickMember, RefreshKeys, RoomJoined
from entrenous.testing.members import World
from entrenous.wire import RosterAction, RosterChange
from forged_rooms import slip_in
from worlds import garden, in_world

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
