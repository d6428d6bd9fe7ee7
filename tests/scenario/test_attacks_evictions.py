"""What an admin can do to one whom he removes, beyond removing him: nothing that the others do not see."""

import asyncio
import sys

import pytest

from entrenous.client import (
    CommitRefused,
    InviteMember,
    KickMember,
    ListMembers,
    MemberRole,
    RefreshKeys,
    RemovedFromRoom,
    RoomJoined,
    RosterDiffers,
)
from entrenous.client.rooms.intents import Plan
from entrenous.client.rooms.roster_watch import EVERY
from entrenous.content import Role, with_member, without_member
from entrenous.mls.types import Remove
from entrenous.testing.members import Person, World
from hostile_member import Traitor
from worlds import epochs, garden, in_world


@in_world
async def test_who_is_removed_by_a_commit_that_the_others_refuse_leaves_and_is_brought_back_by_another_admin(
    world: World,
) -> None:
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    room = await garden(mallory, alice, carol)
    await carol.running.wait_until_caught_up()
    await make_admin(mallory, alice, room)
    before = epochs(room, alice, carol)
    assert len(before) == 1
    traitor = Traitor(mallory, room)
    victim = carol.running._hall.get(room).room.epoch.group.own_leaf
    settings = without_member(traitor.room.settings, carol.running.account)
    with pytest.MonkeyPatch.context() as patch:
        commits = sys.modules["entrenous.mls.group.commit"]
        confirm = commits.confirm
        patch.setattr(commits, "confirm", lambda content, tag: confirm(content, bytes(len(tag))))
        await traitor.commits([Remove(victim), traitor.settings_proposal(settings)], settings)
    # Who is removed has no secret of the epoch after him, so he cannot check what proves that it is there.
    removed = await carol.sees(RemovedFromRoom)
    assert removed.sentence.startswith("mallory removed you from Garden")
    refused = await alice.sees(CommitRefused)
    assert (refused.sender_name, refused.rule) == ("mallory", "MLS-CONFIRMATION-TAG")
    assert epochs(room, alice) == before
    # The server has believed it: an admin is told whom it leaves out, and puts it right.
    told = await alice.sees(RosterDiffers)
    assert (told.strangers, told.missing) == ((), ("carol",))
    assert "leaves out carol: remove and invite again" in told.sentence
    await asyncio.sleep(2 * EVERY)
    await alice.do(KickMember(room, "carol"))
    await alice.do(InviteMember(room, "carol"))
    await carol.sees(RoomJoined)
    await alice.do(KickMember(room, "mallory"))
    await carol.says(room, "here again")
    await alice.reads("here again")
    assert len(epochs(room, alice, carol)) == 1


async def make_admin(founder: Person, other: Person, room: bytes) -> None:
    """Somebody becomes an admin by a Commit that keeps all rules; version 1 has no command for it."""
    traitor = Traitor(founder, room)
    settings = with_member(traitor.room.settings, other.running.account, Role.ADMIN)
    wanted = Plan((traitor.settings_proposal(settings),), settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("entrenous.client.rooms.commits.plan", lambda *_: wanted)
        await founder.do(RefreshKeys(room))
    summary = next(each for each in await founder.do(ListMembers(room)) if each.account == other.running.account)
    assert summary.role is MemberRole.ADMIN
    await other.running._hall.get(room).follower.reach(founder.running._hall.get(room).follower.cursor)
