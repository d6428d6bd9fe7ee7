"""What a server can do between its answers, one lie at a time: detected, or powerless once it stops."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any, cast

import pytest

from entrenous.client import (
    CommitRefused,
    EntryUnreadable,
    History,
    InviteMember,
    LeftBehind,
    LogsDiffer,
    MessageKind,
    MessagesMissing,
    MessageState,
    RefreshKeys,
    RoomJoined,
    SendText,
    WaitUntilSent,
)
from entrenous.client.rooms.intents import WHENEVER, RenewKeys
from entrenous.errors import CryptoError, RejectedError
from entrenous.server.refusal import RefusedError
from entrenous.testing.members import Person, World
from entrenous.wire import ErrorCode, replies, requests
from handlers import handlers
from lying_server import LyingServer, Trick
from worlds import epochs, garden, in_world, texts


@in_world
async def test_a_commit_that_is_withheld_from_its_author_comes_into_force_when_it_is_shown(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    liar = LyingServer(world.server.server, "liar")
    liar.mood(alice.running._services.device.device_id).hidden_from[room] = 1
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(alice.do(RefreshKeys(room)), 30)
    assert len(epochs(room, alice, bob)) == 2
    await liar.be_honest()
    await alice.says(room, "with new keys")
    await bob.reads("with new keys")
    assert len(epochs(room, alice, bob)) == 1
    assert not alice.saw(CommitRefused)


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_commit_that_the_server_stores_and_denies_comes_into_force_when_it_is_shown(
    tmp_path: Path,
    is_refused: bool,
) -> None:
    @in_world
    async def scenario(world: World) -> None:
        alice, bob = await world.people("alice", "bob")
        room = await garden(alice, bob)
        await bob.running.wait_until_caught_up()
        table = handlers(world.server.server.services)
        follower, honest = alice.running._hall.get(room).follower, table[requests.Commit]

        async def denied(caller: Any, request: requests.Commit) -> replies.Published:
            answer = await honest(caller, request)
            if is_refused:
                raise RefusedError("DS-DENIED", ErrorCode.DENIED, "it was not stored")
            return replies.Published(answer.sequence - 1)  # where something else stands

        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(table, requests.Commit, denied)
            patch.setattr(follower, "offer", lambda entry: None)
            with pytest.raises(RejectedError) as caught:
                await alice.do(RefreshKeys(room))
        assert caught.value.rule == ("DS-DENIED" if is_refused else "CLIENT-NOT-SENT")
        await alice.restart()
        await bob.says(room, "with your new keys")
        await alice.reads("with your new keys")
        assert len(epochs(room, alice, bob)) == 1
        assert not alice.saw(CommitRefused) + alice.saw(LeftBehind)
        await alice.do(RefreshKeys(room))
        await alice.says(room, "all is well")
        await bob.reads("all is well")

    scenario(tmp_path)


@in_world
async def test_a_message_that_the_server_stores_and_denies_is_said_when_it_is_shown(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.running.wait_until_caught_up()
    table = handlers(world.server.server.services)
    follower, honest = alice.running._hall.get(room).follower, table[requests.Publish]

    async def denied(caller: Any, request: requests.Publish) -> replies.Published:
        await honest(caller, request)
        raise RefusedError("DS-DENIED", ErrorCode.DENIED, "it was not stored")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(table, requests.Publish, denied)
        patch.setattr(follower, "offer", lambda entry: None)
        message = await alice.do(SendText(room, "read by bob"))
        with pytest.raises(RejectedError):
            await alice.do(WaitUntilSent(message))
    await bob.reads("read by bob")
    await alice.restart()
    await bob.says(room, "what did you say?")
    await alice.reads("what did you say?")
    lines = await alice.do(History(room))
    said = [(line.text, line.state) for line in lines if line.kind is MessageKind.TEXT]
    assert said == [("read by bob", MessageState.SENT), ("what did you say?", MessageState.SENT)]
    assert not alice.saw(EntryUnreadable)


@in_world
async def test_a_server_that_never_answers_makes_no_queue_of_what_nobody_waits_for_any_more(world: World) -> None:
    (alice,) = await world.people("alice")
    room = await garden(alice)
    table, released = handlers(world.server.server.services), asyncio.Event()
    honest = table[requests.Commit]

    async def silent(caller: Any, request: requests.Commit) -> replies.Published:
        await released.wait()
        return cast("replies.Published", await honest(caller, request))

    writer = alice.running._hall.get(room).writer
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(table, requests.Commit, silent)
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(writer.carry_out(RenewKeys(WHENEVER)), 60)
        waiting = len(writer._queue)
        released.set()
        assert not waiting
    await alice.do(RefreshKeys(room))


@in_world
async def test_messages_that_are_shown_in_another_order_are_told_to_whom_they_are_shown_so(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    await carol.running.wait_until_caught_up()
    liar = LyingServer(world.server.server, "liar")
    await liar.fork(room, {device_of(carol)}, follows=True, tricks=(Trick.SWAP,))
    await alice.says(room, "first")
    await alice.says(room, "second")
    await bob.reads("second")
    missing = await carol.has(MessagesMissing)
    assert (missing.sender_name, missing.count) == ("alice", 1)
    assert "did not reach this device" in missing.sentence
    assert "key was used before" in (await carol.has(EntryUnreadable)).reason
    assert await texts(carol, room) == ["second"]
    await bob.says(room, "third")
    await alice.reads("third")
    differ = await carol.has(LogsDiffer)
    assert differ.witness_name in ("alice", "bob")
    assert "showed us different logs" in differ.sentence
    assert await texts(alice, room) == await texts(bob, room) == ["first", "second", "third"]
    assert not alice.saw(LogsDiffer) + bob.saw(LogsDiffer)


@in_world
async def test_a_room_that_the_server_forks_is_told_to_both_sides_once_one_hears_of_the_other(world: World) -> None:
    alice, bob, carol, dave = await world.people("alice", "bob", "carol", "dave")
    room = await garden(alice, bob, carol, dave)
    for person in (bob, carol, dave):
        await person.running.wait_until_caught_up()
    liar = LyingServer(world.server.server, "liar")
    await liar.fork(room, {device_of(carol), device_of(dave)}, follows=False)
    await alice.says(room, "on this side")
    await bob.reads("on this side")
    await carol.says(room, "on that side")
    await dave.reads("on that side")
    assert await texts(alice, room) == ["on this side"]
    assert await texts(carol, room) == ["on that side"]
    await liar.be_honest()
    await dave.says(room, "from that side")  # in a place that all of them have not reached yet
    for person in (alice, bob):
        assert (await person.has(LogsDiffer)).witness_name == "dave"
    await alice.says(room, "from this side")
    for person in (carol, dave):
        assert (await person.has(LogsDiffer)).witness_name == "alice"
    # Who has processed other entries has another log hash; nobody is in another epoch.
    assert len(epochs(room, alice, bob, carol, dave)) == 1


@in_world
async def test_a_fork_with_a_commit_on_either_side_is_told_and_its_sides_never_read_each_other(world: World) -> None:
    alice, bob, carol, dave = await world.people("alice", "bob", "carol", "dave")
    room = await garden(alice, bob, carol, dave)
    for person in (bob, carol, dave):
        await person.running.wait_until_caught_up()
    liar = LyingServer(world.server.server, "liar")
    await liar.fork(room, {device_of(carol), device_of(dave)}, follows=False)
    await alice.do(RefreshKeys(room))
    await carol.do(RefreshKeys(room))
    await alice.says(room, "on this side")
    await bob.reads("on this side")
    await carol.says(room, "on that side")
    await dave.reads("on that side")
    assert len(epochs(room, alice, bob)) == len(epochs(room, carol, dave)) == 1
    assert len(epochs(room, alice, carol)) == 2
    await liar.be_honest()
    await alice.says(room, "across")
    await bob.reads("across")
    for person in (carol, dave):
        unreadable = await person.has(EntryUnreadable)
        assert unreadable.sentence.startswith("A message could not be read")
        assert "across" not in await texts(person, room)


@in_world
async def test_a_ghost_device_that_the_server_lists_is_let_into_no_room(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    liar = LyingServer(world.server.server, "liar")
    liar.mood(device_of(alice)).ghost = True
    with pytest.raises(CryptoError):
        await alice.do(InviteMember(room, "carol"))
    await alice.says(room, "among us")
    await bob.reads("among us")
    assert len(alice.running._hall.get(room).room.settings.members) == 2
    await liar.be_honest()
    await alice.do(InviteMember(room, "carol"))
    await carol.sees(RoomJoined)


def device_of(person: Person) -> bytes:
    return person.running._services.device.device_id


@in_world
async def test_the_id_that_a_commit_is_shown_under_decides_nothing(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    liar = LyingServer(world.server.server, "liar")
    for person in (alice, bob):  # its author, and one of two who follow it
        device = person.running._services.device.device_id
        await liar.fork(room, {device}, follows=True, tricks=(Trick.RENAME,))
    await alice.do(RefreshKeys(room))
    await alice.says(room, "with new keys")
    for person in (bob, carol):
        await person.reads("with new keys")
    assert len(epochs(room, alice, bob, carol)) == 1
    assert not alice.saw(CommitRefused) + bob.saw(CommitRefused)
