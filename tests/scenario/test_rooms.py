"""Conversations: real clients, a real server, in memory and under virtual time."""

import asyncio

import pytest

from entrenous.client import (
    CreateRoom,
    FindRoom,
    GapShown,
    History,
    InvitationRefused,
    InviteMember,
    KickMember,
    ListMembers,
    ListRooms,
    MemberJoined,
    MemberRemoved,
    MemberRole,
    MessageArrived,
    MessageKind,
    MessageState,
    MessageStateChanged,
    RefreshKeys,
    RemovedFromRoom,
    RoomJoined,
    RoomState,
    SendText,
    WaitUntilSent,
)
from entrenous.errors import RejectedError
from entrenous.testing.members import World
from worlds import epochs, garden, in_world, says, texts


@in_world
async def test_two_people_say_hello_and_read_each_other(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await alice.says(room, "hello bob")
    arrived = await bob.reads("hello bob")
    assert (arrived.message.sender_name, arrived.message.is_own) == ("alice", False)
    await bob.says(room, "hello alice")
    assert (await alice.reads("hello alice")).message.sender_name == "bob"
    assert await texts(alice, room) == await texts(bob, room) == ["hello bob", "hello alice"]
    assert len(epochs(room, alice, bob)) == 1


@in_world
async def test_an_own_message_is_stored_then_sent_then_shown_in_its_place(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    message = await alice.do(SendText(room, "hello"))
    waiting = (await alice.do(History(room)))[-1]
    assert (waiting.text, waiting.state, waiting.sequence) == ("hello", MessageState.SENDING, None)
    await alice.do(WaitUntilSent(message))
    await alice.reads("hello")
    sent = await alice.has(MessageStateChanged, lambda event: event.state is MessageState.SENT)
    assert sent.message_id == message.message_id
    shown = (await alice.do(History(room)))[-1]
    assert (shown.text, shown.state, shown.sequence, shown.is_own) == ("hello", MessageState.SENT, 2, True)


@in_world
async def test_many_messages_of_three_people_are_read_by_all_in_the_one_order_of_the_log(world: World) -> None:
    people = await world.people("alice", "bob", "carol")
    room = await garden(*people)
    for number in range(10):
        for person in people:
            await person.says(room, f"{person.name} {number}")
    for person in people:
        for number in range(10):
            await person.reads(f"{person.name} {number}")
    for person in people:
        await asyncio.sleep(1)
        assert len(await texts(person, room)) == 30
    assert await texts(people[0], room) == await texts(people[1], room) == await texts(people[2], room)


@in_world
async def test_who_was_away_catches_up_in_order_and_shows_nothing_twice(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    await carol.stop()
    await bob.stop()
    for number in range(5):
        await alice.says(room, f"while you were away {number}")
    await alice.do(RefreshKeys(room))
    await alice.says(room, "with new keys")
    await alice.do(InviteMember(room, "carol"))
    await alice.says(room, "with carol")
    await alice.reads("with carol")
    await bob.come_back()
    await bob.reads("with carol")
    assert await texts(bob, room) == [*(f"while you were away {n}" for n in range(5)), "with new keys", "with carol"]
    await carol.come_back()
    await carol.reads("with carol")
    assert await texts(carol, room) == ["with carol"]
    assert len(epochs(room, alice, bob, carol)) == 1


@in_world
async def test_a_newcomer_reads_nothing_from_before_and_everything_after(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = (await alice.do(CreateRoom("Garden"))).room
    await alice.says(room, "before")
    await alice.reads("before")
    await alice.do(InviteMember(room, "bob"))
    await alice.says(room, "after")
    await bob.reads("after")
    assert await texts(bob, room) == ["after"]


@in_world
async def test_a_removed_member_reads_nothing_later_and_keeps_what_was_read(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    await alice.says(room, "for bob too")
    await bob.reads("for bob too")
    await alice.do(KickMember(room, "bob"))
    assert (await bob.sees(RemovedFromRoom)).sentence.startswith("alice removed you")
    assert (await carol.sees(MemberRemoved)).name == "bob"
    await alice.says(room, "without bob")
    await carol.reads("without bob")
    await asyncio.sleep(60)
    assert await texts(bob, room) == ["for bob too"]
    summary = await bob.do(FindRoom("Garden"))
    assert summary.state is RoomState.REMOVED
    with pytest.raises(RejectedError) as caught:
        await bob.says(room, "let me in")
    assert caught.value.rule == "CLIENT-REMOVED"
    assert len(epochs(room, alice, carol)) == 1
    members = await alice.do(ListMembers(room))
    assert [(member.login_name, member.role) for member in members] == [
        ("alice", MemberRole.ADMIN),
        ("carol", MemberRole.MEMBER),
    ]


@in_world
async def test_a_removed_member_has_no_secret_of_the_room_left_and_can_come_back_as_a_newcomer(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await alice.do(KickMember(room, "bob"))
    await bob.sees(RemovedFromRoom)
    for table in ("secret_nodes", "ratchets", "stages", "vault_rooms"):
        assert bob.store.all(f"SELECT * FROM {table}") == [], table  # noqa: S608 the test's own names
    assert bob.store.one("SELECT group_state, access_key FROM room_epochs") == (None, None)
    await alice.says(room, "bob is away")
    await alice.do(InviteMember(room, "bob"))
    await bob.sees(RoomJoined)
    await alice.says(room, "welcome back")
    await bob.reads("welcome back")
    await bob.says(room, "glad to be back")
    await alice.reads("glad to be back")
    assert await texts(bob, room) == ["welcome back", "glad to be back"]


@in_world
async def test_a_removal_changes_the_access_key_and_joiners_get_the_new_one(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    before = bob.running._hall.get(room).room.epoch.access
    await alice.do(KickMember(room, "bob"))
    after = alice.running._hall.get(room).room.epoch.access
    assert after.generation > before.generation
    assert after.secret != before.secret
    await alice.do(InviteMember(room, "carol"))
    await carol.sees(RoomJoined)
    assert carol.running._hall.get(room).room.epoch.access == after


@in_world
async def test_two_commits_race_one_wins_and_the_other_is_made_again(world: World) -> None:
    alice, bob, carol, dave = await world.people("alice", "bob", "carol", "dave")
    room = await garden(alice, bob)
    await asyncio.gather(alice.do(InviteMember(room, "carol")), bob.do(InviteMember(room, "dave")))
    await carol.sees(RoomJoined)
    await dave.sees(RoomJoined)
    for person in (alice, bob, carol, dave):
        await person.says(room, f"{person.name} is here")
    for person in (alice, bob, carol, dave):
        for other in (alice, bob, carol, dave):
            await person.has(MessageArrived, says(f"{other.name} is here"))
    assert len(epochs(room, alice, bob, carol, dave)) == 1


@in_world
async def test_two_people_invite_the_same_third_at_once_and_both_succeed(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    both = await asyncio.gather(alice.do(InviteMember(room, "carol")), bob.do(InviteMember(room, "carol")))
    assert {member.account for member in both} == {carol.running.account}
    await carol.sees(RoomJoined)
    assert len(await alice.do(ListMembers(room))) == 3
    await carol.says(room, "who called?")
    await alice.reads("who called?")
    await bob.reads("who called?")


@in_world
async def test_an_invitation_after_a_new_login_replaces_the_old_device_in_one_commit(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    await alice.says(room, "to the old device")
    await bob.reads("to the old device")
    bob_again = await world.new_device("bob")
    before = carol.running._hall.get(room).room.epoch.group.epoch
    await carol.do(InviteMember(room, "bob"))  # a plain member may: bob's own signature says that he moved on
    assert (await bob_again.sees(RoomJoined)).inviter_name == "carol"
    assert carol.running._hall.get(room).room.epoch.group.epoch == before + 1
    assert len(await alice.do(ListMembers(room))) == 3
    await bob_again.says(room, "from the new device")
    for person in (alice, carol):
        arrived = await person.reads("from the new device")
        assert arrived.message.sender == bob.running.account
    await alice.says(room, "to the new device")
    await bob_again.reads("to the new device")
    assert await texts(bob, room) == ["to the old device"]
    assert [event.name for event in alice.saw(MemberJoined)] == ["bob", "carol"]
    assert len(epochs(room, alice, bob_again, carol)) == 1


@in_world
async def test_an_invitation_that_was_taken_back_before_it_was_accepted_is_said_to_be_that(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = (await alice.do(CreateRoom("Garden"))).room
    await bob.stop()
    await alice.do(InviteMember(room, "bob"))
    await alice.do(KickMember(room, "bob"))
    await bob.come_back()
    refused = await bob.has(InvitationRefused)
    assert refused.rule == "JOIN-WITHDRAWN"
    assert "taken back" in refused.sentence
    assert await bob.do(ListRooms()) == ()


@in_world
async def test_who_was_removed_and_added_while_away_goes_on_behind_a_gap_that_is_shown(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.stop()
    await alice.says(room, "said while bob was a member")
    await alice.do(KickMember(room, "bob"))
    await alice.says(room, "said while he was none")
    await alice.do(InviteMember(room, "bob"))
    await alice.says(room, "said when he was one again")
    await bob.come_back()
    await bob.reads("said when he was one again")
    lines = [(line.kind, line.text) for line in await bob.do(History(room))]
    assert lines[-1] == (MessageKind.TEXT, "said when he was one again")
    assert lines[-2][0] is MessageKind.GAP
    assert bob.saw(GapShown) == []
    await bob.says(room, "here again")
    await alice.reads("here again")
    assert len(epochs(room, alice, bob)) == 1
