"""Hostile servers and hostile members: what they do is seen, told and survived; the room goes on."""

import asyncio
from typing import Any
from unittest import mock

import pytest

from entrenous.client import (
    AcceptIdentity,
    CommitRefused,
    CreateRoom,
    EntryUnreadable,
    GapShown,
    History,
    IdentityChanged,
    InvitationRefused,
    InviteMember,
    KickMember,
    ListMembers,
    LogsDiffer,
    MemberJoined,
    MessageArrived,
    MessageKind,
    MessagesMissing,
    MessageState,
    MessageStateChanged,
    RefreshKeys,
    RoomJoined,
    SendText,
    WaitUntilSent,
    key_packages,
)
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.room import Room
from entrenous.client.store import contacts
from entrenous.content import Content, Role, Text, with_member, without_member
from entrenous.errors import RejectedError
from entrenous.mls.framing import no_padding, protect_application
from entrenous.mls.types import Add, KeyPackage, Remove
from entrenous.testing.members import Person, World
from entrenous.wire import LogPosition, MessageData, replies, requests
from hostile_member import Traitor
from worlds import at_server, garden, in_world, texts

FOREVER = 100 * 365 * 86_400


def room_of(person: Person, room: bytes) -> Room:
    return person.running._hall.get(room).room


# What a member can do.


@in_world
async def test_a_commit_that_breaks_a_rule_is_refused_by_all_and_the_room_goes_on_in_the_same_epoch(
    world: World,
) -> None:
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    room = await garden(alice, mallory, carol)
    before = room_of(alice, room).epoch.group.epoch
    traitor = Traitor(mallory, room)
    coup = with_member(room_of(mallory, room).settings, mallory.running.account, Role.ADMIN)
    await traitor.commits([traitor.settings_proposal(coup)], coup, roster=())
    for person in (alice, carol):
        refused = await person.sees(CommitRefused)
        assert (refused.sender_name, refused.rule) == ("mallory", "POLICY-SETTINGS")
    await alice.says(room, "nice try")
    await carol.reads("nice try")
    assert room_of(alice, room).epoch.group.epoch == room_of(carol, room).epoch.group.epoch == before
    shown = [line for line in await carol.do(History(room)) if line.kind is MessageKind.REFUSED]
    assert [(line.text, line.sender_name) for line in shown] == [("POLICY-SETTINGS", "mallory")]
    await alice.do(KickMember(room, "mallory"))
    await alice.says(room, "without mallory")
    await carol.reads("without mallory")


@in_world
async def test_a_member_who_would_stay_for_a_hundred_years_is_refused_by_all(world: World) -> None:
    """RFC 9420 §7.2: what is added is good for a limited time, also where the one who adds it keeps no rule."""
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    room = await garden(alice, mallory, carol)
    traitor = Traitor(mallory, room)
    with mock.patch.object(key_packages, "LIFETIME", FOREVER):
        (accomplice,) = await world.people("accomplice")
    claimed = await traitor.services.caller.call(
        requests.ClaimKeyPackages(accomplice.running.account), replies.KeyPackages
    )
    package = KeyPackage.decode(claimed.packages[0].key_package)
    more = with_member(traitor.room.settings, accomplice.running.account, Role.MEMBER)
    await traitor.commits([Add(package), traitor.settings_proposal(more)], more, max_lifetime=2 * FOREVER)
    for person in (alice, carol):
        assert (await person.sees(CommitRefused)).rule == "MLS-LEAF-LIFETIME-TOTAL"
    await alice.says(room, "not for so long")
    await carol.reads("not for so long")


@in_world
async def test_a_flood_of_garbage_commits_stops_nobody(world: World) -> None:
    alice, mallory, carol, dave = await world.people("alice", "mallory", "carol", "dave")
    room = await garden(alice, mallory, carol)
    traitor = Traitor(mallory, room)
    settings = traitor.room.settings
    for number in range(12):
        sequence = await traitor.commits([], settings, retention_seconds=settings.retention_seconds, link_proof=b"x")
        await mallory.running._hall.get(room).follower.reach(sequence)
        await alice.says(room, f"between {number}")
    await carol.reads("between 11")
    assert len(carol.saw(CommitRefused)) == 12
    await alice.do(InviteMember(room, "dave"))
    await alice.says(room, "welcome dave")
    await dave.reads("welcome dave")
    await dave.says(room, "thank you")
    await carol.reads("thank you")


@in_world
async def test_a_plain_member_cannot_remove_others_nor_can_its_delta_lie(world: World) -> None:
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    room = await garden(alice, mallory, carol)
    traitor = Traitor(mallory, room)
    settings = traitor.room.settings
    victim = next(
        i for i, leaf in traitor.room.epoch.group.members() if i not in (0, traitor.room.epoch.group.own_leaf)
    )
    await traitor.commits([Remove(victim)], settings, roster=())
    assert (await carol.sees(CommitRefused)).rule == "POLICY-REMOVE"
    without = without_member(settings, carol.running.account)
    with pytest.raises(RejectedError) as caught:  # the server sees an honest delta, and knows who manages
        await traitor.commits([Remove(victim), traitor.settings_proposal(without)], without)
    assert caught.value.rule == "DS-DENIED"
    assert len(await alice.do(ListMembers(room))) == 3


@in_world
async def test_a_message_under_another_id_than_its_own_is_marked_and_not_shown(world: World) -> None:
    alice, mallory = await world.people("alice", "mallory")
    room = await garden(alice, mallory)
    traitor = Traitor(mallory, room)
    await traitor.publishes(traitor.content("psst"), traitor.services.ids.next())
    assert "under another message's id" in (await alice.sees(EntryUnreadable)).reason
    assert await texts(alice, room) == []


@in_world
async def test_an_insider_cannot_say_one_message_twice_under_a_new_key(world: World) -> None:
    alice, mallory = await world.people("alice", "mallory")
    room = await garden(alice, mallory)
    traitor = Traitor(mallory, room)
    content = traitor.content("pay me")
    await traitor.publishes(content, content.message_id)
    await alice.reads("pay me")
    # The server would call this a repetition; a server that is in on it does not.
    await at_server(world, "DELETE FROM sent")
    await traitor.publishes(content, content.message_id)
    assert "repeats" in (await alice.sees(EntryUnreadable)).reason
    await alice.restart()
    assert await texts(alice, room) == ["pay me"]


@in_world
async def test_a_member_who_claims_to_have_seen_another_log_is_told_and_not_refused(world: World) -> None:
    alice, mallory = await world.people("alice", "mallory")
    room = await garden(alice, mallory)
    traitor = Traitor(mallory, room)
    content = traitor.content("look")
    await traitor.publishes(content, content.message_id, LogPosition(1, bytes(32)))
    await alice.reads("look")
    differ = await alice.has(LogsDiffer)
    assert (differ.sequence, differ.witness_name) == (1, "mallory")
    later = traitor.content("from the future")
    await traitor.publishes(later, later.message_id, LogPosition((1 << 64) - 1, bytes(32)))
    await alice.reads("from the future")
    assert [event.sequence for event in alice.saw(LogsDiffer)] == [1, (1 << 64) - 1]


@in_world
async def test_a_time_that_no_calendar_has_and_content_of_the_future_harm_nobody(world: World) -> None:
    alice, mallory = await world.people("alice", "mallory")
    room = await garden(alice, mallory)
    traitor = Traitor(mallory, room)
    content = Content(traitor.services.ids.next(), (1 << 64) - 1, Text("hi"))
    await traitor.publishes(content, content.message_id)
    await alice.reads("hi")
    await alice.restart()
    assert await texts(alice, room) == ["hi"]


# What the server can do.


@in_world
async def test_an_altered_entry_is_marked_and_the_next_message_shows_that_the_logs_differ(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.stop()
    await alice.do(WaitUntilSent(await alice.do(SendText(room, "the original"))))
    await alice.reads("the original")
    await at_server(world, "UPDATE entries SET body = zeroblob(200) WHERE room = ? AND sequence = 2", room)
    await bob.come_back()
    assert (await bob.sees(EntryUnreadable)).sequence == 2
    await alice.says(room, "the next")
    await bob.reads("the next")
    differ = await bob.has(LogsDiffer)
    assert (differ.sequence, differ.witness_name) == (2, "alice")
    assert (await bob.has(MessagesMissing)).count == 1
    shown = await bob.do(History(room))
    assert [line.kind for line in shown] == [MessageKind.UNREADABLE, MessageKind.TEXT]


@in_world
async def test_a_left_out_message_shows_by_its_generation(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.stop()
    for text in ("one", "two", "three"):
        await alice.says(room, text)
    await alice.reads("three")
    await at_server(world, "DELETE FROM entries WHERE room = ? AND sequence = 3", room)
    await at_server(world, "UPDATE entries SET sequence = 3 WHERE room = ? AND sequence = 4", room)
    await at_server(world, "UPDATE rooms SET newest = 3 WHERE id = ?", room)
    await bob.come_back()
    await bob.reads("three")
    missing = await bob.has(MessagesMissing)
    assert (missing.count, missing.sender_name, missing.sequence) == (1, "alice", 3)
    await bob.has(LogsDiffer)


@in_world
async def test_an_old_entry_shown_again_is_marked_and_read_once(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await alice.says(room, "once")
    await bob.reads("once")
    await bob.stop()
    again = (
        "INSERT INTO entries (room, sequence, message_id, received_at, body)"
        " SELECT room, 3, message_id, received_at, body FROM entries WHERE room = ? AND sequence = 2"
    )
    await at_server(world, again, room)
    await at_server(world, "UPDATE rooms SET newest = 3 WHERE id = ?", room)
    await bob.come_back()
    assert "again" in (await bob.sees(EntryUnreadable)).reason
    assert await texts(bob, room) == ["once"]
    # To its author, too, it is nothing that she said.
    await alice.restart()
    assert "did not send it" in (await alice.sees(EntryUnreadable)).reason


@in_world
async def test_a_message_that_the_server_says_it_stored_and_then_swaps_is_told_to_its_author(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    bob_says = Traitor(bob, room)
    follower = alice.running._hall.get(room).follower
    held: list[Any] = []
    follower.offer = held.append  # type: ignore[method-assign, assignment] # held up on their way
    await alice.do(WaitUntilSent(await alice.do(SendText(room, "my words"))))
    swapped = bob_says.content("other words")
    with bob.store.transaction() as tx:
        protected = protect_application(
            bob_says.room.epoch.group,
            StoredKeys(tx, room),
            bob_says.services.device.signer,
            swapped.encode(),
            MessageData(bob_says.room.standing.position).encode(),
            padding=no_padding,
            entropy=bob_says.services.environment.entropy,
        )
    await at_server(
        world,
        "UPDATE entries SET body = ?, message_id = ? WHERE room = ? AND sequence = 2",
        protected.message,
        swapped.message_id,
        room,
    )
    del follower.offer
    follower.expect(2)
    failed = await alice.sees(MessageStateChanged, lambda event: event.state is MessageState.FAILED)
    assert "something else in its place" in failed.reason
    await alice.has(LogsDiffer)
    await alice.has(MessageArrived)
    lines = await alice.do(History(room))
    assert [(line.text, line.state) for line in lines if line.kind is MessageKind.TEXT] == [
        ("other words", MessageState.SENT),
        ("my words", MessageState.FAILED),
    ]


@in_world
async def test_what_the_server_no_longer_has_is_shown_as_a_gap_and_an_invitation_heals_it(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await alice.says(room, "heard by bob")
    await bob.reads("heard by bob")
    await bob.stop()
    await alice.says(room, "lost to bob")
    await alice.reads("lost to bob")
    await at_server(world, "DELETE FROM entries WHERE room = ? AND sequence <= 3", room)
    await at_server(world, "UPDATE rooms SET first_available = 4 WHERE id = ?", room)
    await bob.come_back()
    await alice.says(room, "there is more")
    gap = await bob.sees(GapShown)
    assert (gap.first_missing, gap.first_available) == (3, 4)
    with pytest.raises(RejectedError) as caught:
        await bob.do(RefreshKeys(room))
    assert caught.value.rule == "CLIENT-GAP"
    await alice.do(KickMember(room, "bob"))
    await alice.do(InviteMember(room, "bob"))
    await bob.sees(RoomJoined)
    await bob.says(room, "back again")
    await alice.reads("back again")


@in_world
async def test_a_welcome_that_is_replayed_or_garbage_changes_nothing(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await bob.stop()
    room = (await alice.do(CreateRoom("Garden"))).room
    await alice.do(InviteMember(room, "bob"))
    (kept,) = await at_server(world, "SELECT device, room, sequence, welcome FROM inbox")
    await bob.come_back()
    await bob.sees(RoomJoined)
    await alice.says(room, "hello")
    await bob.reads("hello")
    insert = "INSERT INTO inbox (device, room, sequence, welcome) VALUES (?, ?, ?, ?)"
    await at_server(world, insert, *kept)
    await at_server(world, insert, kept[0], room, 7, b"garbage")
    await bob.restart()
    assert (await bob.has(InvitationRefused)).rule == "JOIN-POSITION"
    await alice.says(room, "still here")
    await bob.reads("still here")
    assert await texts(bob, room) == ["hello", "still here"]
    assert await at_server(world, "SELECT number FROM inbox") == []


@in_world
async def test_a_changed_identity_holds_messages_back_until_a_person_accepts_it(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = (await alice.do(CreateRoom("Garden"))).room
    with alice.store.transaction() as tx:
        contacts.see(
            tx, bob.running.account, b"another key".ljust(32), 1
        )  # who alice met under this account had another key
    with pytest.raises(RejectedError) as caught:
        await alice.do(InviteMember(room, "bob"))
    assert caught.value.rule == "CLIENT-IDENTITY-CHANGED"
    assert (await alice.sees(IdentityChanged)).name == "bob"
    await alice.do(AcceptIdentity("bob"))
    await alice.do(InviteMember(room, "bob"))
    await bob.sees(RoomJoined)
    await alice.says(room, "is it you?")
    await bob.reads("is it you?")


@in_world
async def test_a_member_with_a_changed_identity_is_let_in_by_others_and_held_back_from_here(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    with bob.store.transaction() as tx:
        contacts.see(tx, carol.running.account, b"another key".ljust(32), 1)
    await alice.do(InviteMember(room, "carol"))
    await bob.sees(MemberJoined)
    assert (await bob.has(IdentityChanged)).account == carol.running.account
    await alice.says(room, "carol is here")
    await bob.reads("carol is here")
    message = await bob.do(SendText(room, "held back"))
    await asyncio.sleep(60)
    assert (await bob.do(History(room)))[-1].state is MessageState.SENDING
    await bob.do(AcceptIdentity("carol"))
    await bob.do(WaitUntilSent(message))
    await carol.reads("held back")
