"""A member who floods a room with Commits, or lies in them: refused by everybody alike, and the room goes on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from itertools import cycle, islice
from pathlib import Path

import pytest

from entrenous.client import (
    CommitRefused,
    EntryUnreadable,
    Event,
    InviteMember,
    KickMember,
    MemberRemoved,
    MessageKind,
    RemovedFromRoom,
    RoomJoined,
)
from entrenous.client.session import BusyError, ConflictError
from entrenous.client.store import contacts, entries
from entrenous.errors import RejectedError
from entrenous.testing.members import Person, World
from entrenous.wire import replies, requests
from hostile_member import Breach, Traitor
from worlds import epochs, garden, in_world

FLOOD = 100


async def send_all(mallory: Person, room: bytes, breaches: list[Breach]) -> None:
    """One after the other, as fast as the server lets a device."""
    for breach in breaches:
        sequence = None
        while sequence is None:
            try:
                sequence = await breach()
            except BusyError as busy:
                await asyncio.sleep(busy.retry_after)
        await mallory.running._hall.get(room).follower.reach(sequence)


def refusals(person: Person, room: bytes) -> list[tuple[int, str]]:
    """Where a person's timeline shows a refused Commit, and by which rule."""
    rows = entries.before(person.store, room, None, 1_000)
    return [(row.sequence, row.body) for row in rows if row.kind is MessageKind.REFUSED]


@in_world
async def test_a_flood_of_garbage_and_of_rule_breaking_commits_is_refused_by_everybody_alike(world: World) -> None:
    alice, mallory, carol, dave = await world.people("alice", "mallory", "carol", "dave")
    room = await garden(alice, mallory, carol)
    before = epochs(room, alice, carol)
    traitor = Traitor(mallory, room)
    await send_all(mallory, room, [traitor.garbage] * FLOOD)
    await alice.says(room, "after the garbage")
    await carol.reads("after the garbage")
    await send_all(mallory, room, list(islice(cycle(traitor.breaches()), FLOOD)))
    await carol.says(room, "after the breaches")
    await alice.reads("after the breaches")
    assert epochs(room, alice, carol) == before
    for person in (alice, carol):
        await person.running._hall.get(room).follower.reach(mallory.running._hall.get(room).follower.newest)
    assert len(states(room, alice, carol)) == 1
    refused = refusals(alice, room)
    assert refused == refusals(carol, room)
    assert [rule for _, rule in refused[:FLOOD]] == ["ENTRY-CRYPTO"] * FLOOD
    rules = ["POLICY-SETTINGS", "POLICY-REMOVE", "POLICY-LINK-PROOF"]
    assert [rule for _, rule in refused[FLOOD:]] == list(islice(cycle(rules), FLOOD))
    await alice.do(KickMember(room, "mallory"))
    await mallory.sees(RemovedFromRoom)
    await carol.sees(MemberRemoved)
    await alice.do(InviteMember(room, "dave"))
    await dave.sees(RoomJoined)
    await dave.says(room, "a quiet place")
    await carol.reads("a quiet place")
    assert len(epochs(room, alice, carol, dave)) == 1


@in_world
async def test_an_admin_removes_him_while_he_floods_and_the_others_read_on_meanwhile(world: World) -> None:
    alice, mallory, carol = await world.people("alice", "mallory", "carol")
    room = await garden(alice, mallory, carol)
    traitor = Traitor(mallory, room)

    async def flood() -> None:
        """For as long as the server takes it."""
        while True:
            try:
                await traitor.garbage()
            except BusyError as busy:
                await asyncio.sleep(busy.retry_after)
            except ConflictError as conflict:
                await mallory.running._hall.get(room).follower.reach(conflict.newest)

    flooding = asyncio.get_running_loop().create_task(flood())
    await asyncio.sleep(30)
    await alice.says(room, "in the midst of it")
    await carol.reads("in the midst of it")
    await alice.do(KickMember(room, "mallory"))
    await mallory.sees(RemovedFromRoom)
    with pytest.raises(RejectedError) as caught:
        await flooding
    assert caught.value.rule in ("DS-DENIED", "CLIENT-REMOVED")
    await carol.says(room, "a quiet place")
    await alice.reads("a quiet place")
    assert len(states(room, alice, carol)) == 1
    refused = refusals(alice, room)
    assert len(refused) > FLOOD
    assert refused == refusals(carol, room)


def states(room: bytes, *people: Person) -> set[tuple[int, bytes, bytes]]:
    """Where people stand in a room's log: sequence, log hash, epoch authenticator."""
    found = (person.running._hall.get(room).room for person in people)
    return {
        (each.standing.position.sequence, each.standing.position.hash, each.epoch.group.epoch_authenticator)
        for each in found
    }


def timeline(person: Person, room: bytes, after: int) -> list[tuple[int, str, str]]:
    """What a person's timeline says of the entries behind a place."""
    return [(row.sequence, str(row.kind), row.body) for row in entries.after(person.store, room, after, 1_000)]


async def garbage(traitor: Traitor) -> int:
    return await traitor.garbage()


async def coup(traitor: Traitor) -> int:
    return await traitor.coup()


async def expulsion(traitor: Traitor) -> int:
    return await traitor.expulsion()


async def lie_of_a_link(traitor: Traitor) -> int:
    return await traitor.link_proof()


async def lie_in_the_delta(traitor: Traitor) -> int:
    ghost = next(each.account_id for each in contacts.every(traitor.person.store) if each.login_name == "eve")
    return await traitor.smuggling(ghost)


async def unsigned(traitor: Traitor) -> int:
    return await traitor.unsigned("in nobody's name")


async def replayed(traitor: Traitor) -> int:
    first = traitor.content("said once")
    await traitor.publishes(first, first.message_id)
    world_log = await traitor.services.caller.call(requests.Fetch(traitor.room.id, 0, 500), replies.Entries)
    return await traitor.replay(world_log.entries[-1])


async def replayed_of_another(traitor: Traitor) -> int:
    log = await traitor.services.caller.call(requests.Fetch(traitor.room.id, 0, 500), replies.Entries)
    return await traitor.replay(log.entries[-1])


async def again_under_a_new_generation(traitor: Traitor) -> int:
    content = traitor.content("said once")
    await traitor.publishes(content, content.message_id)
    return await traitor.publishes(content, traitor.services.ids.next())


MISDEEDS: list[tuple[Callable[[Traitor], Awaitable[int]], str, type[Event]]] = [
    (garbage, "ENTRY-CRYPTO", CommitRefused),
    (coup, "POLICY-SETTINGS", CommitRefused),
    (expulsion, "POLICY-REMOVE", CommitRefused),
    (lie_of_a_link, "POLICY-LINK-PROOF", CommitRefused),
    (lie_in_the_delta, "POLICY-ROSTER", CommitRefused),
    (unsigned, "it is not genuine, or was changed on its way", EntryUnreadable),
    (replayed, "its key was used before: the server shows an old message again", EntryUnreadable),
    (replayed_of_another, "its key was used before: the server shows an old message again", EntryUnreadable),
    (again_under_a_new_generation, "it stands under another message's id", EntryUnreadable),
]


@pytest.mark.parametrize(("misdeed", "reason", "told"), MISDEEDS, ids=[misdeed.__name__ for misdeed, *_ in MISDEEDS])
def test_what_a_member_may_not_do_is_refused_by_everybody_alike_and_an_admin_removes_him(
    tmp_path: Path, misdeed: Callable[[Traitor], Awaitable[int]], reason: str, told: type[Event]
) -> None:
    @in_world
    async def scenario(world: World) -> None:
        alice, mallory, carol, dave, _ = await world.people("alice", "mallory", "carol", "dave", "eve")
        others = (alice, carol, dave)
        room = await garden(alice, mallory, carol, dave)
        with contextlib.suppress(RejectedError):  # so that he has heard of her
            await mallory.do(InviteMember(room, "eve"))
        await alice.says(room, "all is well")
        for person in (mallory, carol, dave):
            await person.reads("all is well")
        (before,) = states(room, *others)
        place = await misdeed(Traitor(mallory, room))
        for person in others:
            await person.running._hall.get(room).follower.reach(place)
            assert (await person.has(told, lambda event: getattr(event, "sequence", 0) == place)).sentence
        (after,) = states(room, *others)
        assert after[2] == before[2]
        assert timeline(carol, room, before[0]) == timeline(dave, room, before[0])
        assert timeline(carol, room, place - 1)[0][2] == reason
        # Of an entry that repeats her own, alice is told that she did not send it; what it is, is the same to her.
        assert timeline(alice, room, place - 1)[0][:2] == timeline(carol, room, place - 1)[0][:2]
        await carol.says(room, "the room goes on")
        for person in (alice, dave):
            await person.reads("the room goes on")
        await alice.do(KickMember(room, "mallory"))
        await mallory.sees(RemovedFromRoom)
        await dave.says(room, "without mallory")
        for person in (alice, carol):
            await person.reads("without mallory")
            await person.running._hall.get(room).follower.reach(dave.running._hall.get(room).follower.cursor)
        assert len(states(room, *others)) == 1

    scenario(tmp_path)


@in_world
async def test_somebody_who_was_added_by_a_lie_alone_can_still_be_added_in_truth(world: World) -> None:
    alice, mallory, carol, dave = await world.people("alice", "mallory", "carol", "dave")
    room = await garden(alice, mallory, carol)
    traitor = Traitor(mallory, room)
    await send_all(mallory, room, [lambda: traitor.smuggling(dave.running.account)])
    await alice.says(room, "not for dave")
    await carol.reads("not for dave")
    assert (
        [rule for _, rule in refusals(alice, room)] == [rule for _, rule in refusals(carol, room)] == ["POLICY-ROSTER"]
    )
    assert not dave.running._hall.find(room)
    await alice.do(InviteMember(room, "dave"))
    await dave.sees(RoomJoined)
    await dave.says(room, "here I am")
    await carol.reads("here I am")
