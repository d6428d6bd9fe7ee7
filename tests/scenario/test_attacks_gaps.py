"""Logs with a hole in them, true or made up: told at once, nothing waits in silence, and whoever can comes back."""

import asyncio
import dataclasses

import pytest

from entrenous.client import (
    CommitRefused,
    EntryUnreadable,
    GapShown,
    History,
    InvitationRefused,
    InviteMember,
    KickMember,
    LeftBehind,
    LogsDiffer,
    Message,
    MessageKind,
    MessageState,
    MessageStateChanged,
    RefreshKeys,
    RoomJoined,
    SendText,
    WaitUntilSent,
)
from entrenous.client.rooms.room import Epoch
from entrenous.client.store import Store
from entrenous.errors import RejectedError
from entrenous.testing.members import _STORE_KEY, Person, World
from worlds import at_server, epochs, garden, hold_back_entries, in_world, texts


async def claim_to_have_lost(world: World, room: bytes, up_to: int) -> None:
    """The server says that a log begins later than it does; 0 ends the lie."""
    await at_server(world, "UPDATE rooms SET first_available = ? WHERE id = ?", up_to + 1, room)


async def lose(world: World, room: bytes, up_to: int) -> None:
    """The server loses the beginning of a log, or what it kept of it has come to its end."""
    await at_server(world, "DELETE FROM entries WHERE room = ? AND sequence <= ?", room, up_to)
    await claim_to_have_lost(world, room, up_to)


async def rule_of_waiting(person: Person, room: bytes, text: str) -> str:
    """The rule under which a text is refused, or the wait for it."""
    with pytest.raises(RejectedError) as caught:
        await person.do(WaitUntilSent(await person.do(SendText(room, text))))
    return caught.value.rule


@in_world
async def test_a_gap_that_the_server_made_up_ends_when_it_gives_the_entries(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.stop()
    await alice.says(room, "kept from bob")
    await alice.reads("kept from bob")
    await claim_to_have_lost(world, room, 2)
    await bob.come_back()
    gap = await bob.sees(GapShown)
    assert (gap.first_missing, gap.first_available, gap.has_other_admins) == (2, 3, True)
    assert "1 entry of Garden" in gap.sentence
    assert "have an admin remove you and invite you again" in gap.sentence
    assert await rule_of_waiting(bob, room, "to nobody") == "CLIENT-GAP"
    with pytest.raises(RejectedError) as caught:
        await bob.do(RefreshKeys(room))
    assert caught.value.rule == "CLIENT-GAP"
    await claim_to_have_lost(world, room, 0)
    await alice.says(room, "and now")
    await bob.reads("and now")
    assert await texts(bob, room) == ["kept from bob", "and now"]
    await bob.do(RefreshKeys(room))
    await bob.says(room, "all is well")
    await alice.reads("all is well")
    assert not alice.saw(LogsDiffer) + bob.saw(LogsDiffer)


@in_world
async def test_what_was_said_before_a_gap_was_found_is_waited_for_by_nobody_and_sent_after_the_return(
    world: World,
) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.stop()
    await alice.says(room, "lost to bob")
    await alice.do(RefreshKeys(room))
    await lose(world, room, 2)
    bob.store = Store.open(bob.path, _STORE_KEY)
    bob.begin()
    message = await bob.do(SendText(room, "said before the gap was found"))
    with pytest.raises(RejectedError) as caught:
        await bob.do(WaitUntilSent(message))
    assert caught.value.rule == "CLIENT-GAP"
    assert (await bob.do(History(room)))[-1].state is MessageState.SENDING
    await alice.do(KickMember(room, "bob"))
    await alice.do(InviteMember(room, "bob"))
    await bob.sees(RoomJoined)
    await alice.reads("said before the gap was found")
    assert len(epochs(room, alice, bob)) == 1


@in_world
async def test_a_message_that_was_stored_in_what_is_lost_has_failed_and_is_no_sign_of_two_logs(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    hold_back_entries(bob, room)
    await alice.says(room, "lost to bob")
    await alice.reads("lost to bob")
    message = await bob.do(SendText(room, "stored, and not seen in the log"))
    await bob.do(WaitUntilSent(message))
    await alice.reads("stored, and not seen in the log")
    await bob.stop()
    await lose(world, room, 3)
    await bob.come_back()
    await bob.sees(GapShown)
    await alice.do(KickMember(room, "bob"))
    await alice.do(InviteMember(room, "bob"))
    await bob.sees(RoomJoined)
    failed = await bob.has(MessageStateChanged, lambda event: event.state is MessageState.FAILED)
    assert failed.message_id == message.message_id
    assert "whether anybody read it is not known" in failed.sentence
    await alice.says(room, "welcome back")
    await bob.reads("welcome back")
    await bob.says(room, "thank you")
    await alice.reads("thank you")
    assert not alice.saw(LogsDiffer) + bob.saw(LogsDiffer)
    lines: tuple[Message, ...] = await bob.do(History(room))
    shown = {line.text: line.state for line in lines if line.kind is MessageKind.TEXT}
    assert shown["stored, and not seen in the log"] is MessageState.FAILED


@in_world
async def test_the_only_admin_behind_a_gap_is_told_that_nobody_can_bring_him_back(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.running.wait_until_caught_up()
    await alice.stop()
    await bob.says(room, "lost to alice")
    await bob.reads("lost to alice")
    await lose(world, room, 2)
    await alice.come_back()
    gap = await alice.sees(GapShown)
    assert not gap.has_other_admins
    assert "open a new room" in gap.sentence
    assert await rule_of_waiting(alice, room, "hello?") == "CLIENT-GAP"
    with pytest.raises(RejectedError) as caught:
        await alice.do(KickMember(room, "bob"))
    assert caught.value.rule == "CLIENT-GAP"


@in_world
async def test_a_gap_is_shown_though_a_welcome_into_another_room_cannot_be_used_yet(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.stop()
    await alice.says(room, "lost to bob")
    kitchen = await garden(alice)
    await alice.do(InviteMember(kitchen, "bob"))
    await lose(world, room, 2)
    await at_server(world, "UPDATE group_states SET tree = x'00' WHERE room = ?", kitchen)
    await bob.come_back()
    assert (await bob.sees(GapShown)).room == room


@in_world
async def test_a_commit_that_one_member_alone_cannot_follow_is_told_to_him_when_the_others_go_on(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    await carol.running.wait_until_caught_up()
    held = carol.running._hall.get(room).room
    group = held.epoch.group
    # A path whose secrets do not fit for one member (RFC 9420 §16.12), seen from that member.
    others = alice.running._hall.get(room).room.epoch.group
    wrong = {node: next(iter(others.private_keys.values())) for node in group.private_keys}
    broken = dataclasses.replace(group, private_keys=wrong)
    held.replace(held.standing, Epoch(broken, held.settings, held.epoch.access))
    await alice.do(RefreshKeys(room))
    refused = await carol.sees(CommitRefused)
    assert "could not follow a change by alice" in refused.sentence
    await bob.says(room, "in the next epoch")
    await alice.reads("in the next epoch")
    behind = await carol.has(LeftBehind)
    assert (behind.room, behind.has_other_admins) == (room, True)
    assert "with keys that this device does not have" in behind.sentence
    await alice.says(room, "and once more")
    await carol.has(EntryUnreadable)
    assert len(carol.saw(LeftBehind)) == 1
    await alice.do(KickMember(room, "carol"))
    await alice.do(InviteMember(room, "carol"))
    await carol.sees(RoomJoined)
    await carol.says(room, "back")
    await bob.reads("back")
    await asyncio.sleep(1)
    assert len(epochs(room, alice, bob, carol)) == 1
    assert not carol.saw(InvitationRefused)
