"""Crashes, cut lines and lost answers: nothing is lost, nothing is said twice, no key is used twice."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator

import pytest

from entrenous.client import (
    CreateRoom,
    InviteMember,
    KickMember,
    ListMembers,
    MessageArrived,
    MessagesMissing,
    RefreshKeys,
    RemovedFromRoom,
    RoomJoined,
    SendText,
    WaitUntilSent,
)
from entrenous.client.store import outbox, stages
from entrenous.errors import RejectedError, UnavailableError
from entrenous.testing import run_virtual
from entrenous.testing.members import Person, World
from worlds import at_server, cut, epochs, garden, in_world, line, says, texts


@contextlib.contextmanager
def offline(person: Person) -> Iterator[None]:
    """For one person and a while, the server cannot be reached."""
    server, line(person).server = line(person).server, None
    cut(person)
    yield
    line(person).server = server
    if person.client is not None:
        person.running.retry_now()


def hold_back(person: Person, *, upward: bool, when: Callable[[], bool]) -> None:
    """From the moment a condition holds, nothing of the current connection crosses in one direction."""
    state = {"holding": False}

    def tamper(data: bytes, going_up: bool) -> bytes:
        state["holding"] = state["holding"] or when()
        return b"" if state["holding"] and going_up is upward else data

    line(person).wires[-1].tamper = tamper


@in_world
async def test_what_is_said_offline_is_kept_over_a_restart_and_sent_in_order_later(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    with offline(alice):
        for number in range(3):
            await alice.says(room, f"offline {number}")
        await alice.stop()
    await alice.come_back()
    await bob.reads("offline 2")
    assert await texts(bob, room) == ["offline 0", "offline 1", "offline 2"]


@in_world
async def test_who_waits_for_a_message_to_be_sent_learns_that_the_client_was_closed_first(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    with offline(alice):
        message = await alice.do(SendText(room, "later"))
        waiting = asyncio.ensure_future(alice.running.do(WaitUntilSent(message)))
        await asyncio.sleep(1)
        await alice.stop()
        with pytest.raises(UnavailableError, match="closed"):
            await waiting
    await alice.come_back()
    await bob.reads("later")


@in_world
async def test_a_message_whose_answer_was_lost_is_sent_again_as_the_same_bytes_and_read_once(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    message = await alice.do(SendText(room, "exactly once"))
    hold_back(alice, upward=False, when=lambda: True)
    await bob.reads("exactly once")
    protected = outbox.by_message_id(alice.store, message.message_id)
    assert protected is not None
    assert protected.sequence is None
    await alice.restart()
    await alice.reads("exactly once")
    await alice.says(room, "and then this")
    await bob.reads("and then this")
    assert await texts(bob, room) == await texts(alice, room) == ["exactly once", "and then this"]
    assert bob.saw(MessagesMissing) == []
    assert outbox.of_room(alice.store, room) == []


@in_world
async def test_a_crash_between_protecting_and_sending_uses_no_key_twice_and_leaves_no_gap(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    hold_back(alice, upward=True, when=lambda: True)
    message = await alice.do(SendText(room, "protected, not sent"))
    await asyncio.sleep(1)
    before = outbox.by_message_id(alice.store, message.message_id)
    assert before is not None
    assert before.entry is not None
    await alice.restart()
    await bob.reads("protected, not sent")
    assert bob.saw(MessagesMissing) == []
    (entry,) = [row for row in await stored_entries(world, room) if row == before.entry]
    assert entry == before.entry


async def stored_entries(world: World, room: bytes) -> list[bytes]:
    """The bytes of a room's log, as the server keeps it."""
    rows = await at_server(world, "SELECT body FROM entries WHERE room = ? ORDER BY sequence", room)
    return [bytes(body) for (body,) in rows]


@in_world
async def test_a_crash_between_staging_a_commit_and_sending_it_sends_it_later(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    hold_back(alice, upward=True, when=lambda: stages.of_room(alice.store, room) is not None)
    inviting = asyncio.ensure_future(alice.running.do(InviteMember(room, "carol")))
    await asyncio.sleep(5)
    staged = stages.of_room(alice.store, room)
    assert staged is not None
    assert staged.stage is not None
    assert len(await stored_entries(world, room)) == 1
    await alice.restart()
    with pytest.raises(UnavailableError):
        await inviting
    await carol.sees(RoomJoined)
    assert len(await alice.do(ListMembers(room))) == 3
    assert stages.of_room(alice.store, room) is None
    await carol.says(room, "here I am")
    await alice.reads("here I am")
    await bob.reads("here I am")


@in_world
async def test_a_crash_after_the_server_took_a_commit_merges_it_from_the_log(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    hold_back(alice, upward=False, when=lambda: stages.of_room(alice.store, room) is not None)
    inviting = asyncio.ensure_future(alice.running.do(InviteMember(room, "carol")))
    await carol.sees(RoomJoined)
    await alice.restart()
    with pytest.raises(UnavailableError):
        await inviting
    await alice.says(room, "welcome carol")
    await carol.reads("welcome carol")
    assert len(epochs(room, alice, bob, carol)) == 1
    assert len(await stored_entries(world, room)) == 3


@in_world
async def test_a_staged_commit_that_lost_against_another_during_a_crash_is_made_again(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    hold_back(alice, upward=True, when=lambda: stages.of_room(alice.store, room) is not None)
    inviting = asyncio.ensure_future(alice.running.do(InviteMember(room, "carol")))
    await asyncio.sleep(5)
    await bob.do(RefreshKeys(room))
    await alice.restart()
    with pytest.raises(UnavailableError):
        await inviting
    await carol.sees(RoomJoined)
    await alice.says(room, "all three")
    await bob.reads("all three")
    await carol.reads("all three")
    assert len(epochs(room, alice, bob, carol)) == 1


@in_world
async def test_a_message_that_a_commit_overtook_is_protected_again_and_read_by_all(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob)
    with offline(alice):
        await alice.says(room, "written in the old epoch")
        await bob.do(InviteMember(room, "carol"))
        await carol.sees(RoomJoined)
    await bob.reads("written in the old epoch")
    await carol.reads("written in the old epoch")
    assert bob.saw(MessagesMissing) == []


@in_world
async def test_a_member_removed_while_away_learns_it_and_what_waits_fails_with_a_reason(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    with offline(bob):
        message = await bob.do(SendText(room, "too late"))
        await alice.do(KickMember(room, "bob"))
    with pytest.raises(RejectedError, match=r"in th(e|is) room"):
        await bob.do(WaitUntilSent(message))
    await bob.has(RemovedFromRoom)
    assert outbox.next_unsent(bob.store, room) is None


@in_world
async def test_a_room_made_just_before_a_crash_opens_at_the_next_start(world: World) -> None:
    (alice,) = await world.people("alice")
    # The answer to the ping comes, the room is stored, its opening gets lost.
    hold_back(alice, upward=True, when=lambda: alice.store.one("SELECT 1 FROM rooms") is not None)
    creating = asyncio.ensure_future(alice.running.do(CreateRoom("Garden")))
    await asyncio.sleep(5)
    await alice.restart()
    with pytest.raises(UnavailableError):
        await creating
    bob = await world.person("bob")
    (room,) = (found.room.id for found in alice.running._hall)
    await alice.do(InviteMember(room, "bob"))
    await alice.says(room, "survived")
    await bob.reads("survived")


class Vandal:
    """Cuts somebody's line every now and then, for as long as the context lasts."""

    def __init__(self, people: tuple[Person, ...], chance: random.Random) -> None:
        self._people = people
        self._chance = chance
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.01, 3))
            cut(self._chance.choice(self._people))


async def talk(people: tuple[Person, ...], room: bytes, chance: random.Random) -> list[str]:
    """Everybody speaks, some restart, keys are renewed; returns what each should read of each, in order."""
    for number in range(12):
        for person in people:
            await person.says(room, f"{person.name} {number}")
            await asyncio.sleep(chance.uniform(0, 0.5))
        if number % 5 == 4:
            await chance.choice(people).restart()
        if number % 4 == 3:
            await chance.choice(people).do(RefreshKeys(room))
    return [f"{person.name} {number}" for person in people for number in range(12)]


@pytest.mark.parametrize("seed", range(4))
def test_a_conversation_over_lines_that_break_all_the_time_is_complete_in_order_and_without_a_gap(seed: int) -> None:
    async def scenario() -> None:
        chance = random.Random(seed)
        async with await World.open(seed=f"broken lines {seed}") as world:
            people = await world.people("alice", "bob", "carol")
            room = await garden(*people)
            async with Vandal(people, chance):
                expected = await talk(people, room, chance)
                for person in people:
                    for text in expected:
                        await person.has(MessageArrived, says(text))
            heard = await texts(people[0], room)
            assert sorted(heard, key=expected.index) == expected  # all of it, and nothing twice
            for person in people:
                assert await texts(person, room) == heard
                assert [text for text in heard if text.startswith(person.name)] == [
                    text for text in expected if text.startswith(person.name)
                ]
                assert person.saw(MessagesMissing) == []
            assert len(epochs(room, *people)) == 1

    run_virtual(scenario())
