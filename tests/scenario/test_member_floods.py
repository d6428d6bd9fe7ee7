"""A member who floods a room with Commits, or lies in them: refused by everybody alike, and the room goes on."""

import asyncio
from itertools import cycle, islice

from entrenous.client import InviteMember, KickMember, MemberRemoved, MessageKind, RemovedFromRoom, RoomJoined
from entrenous.client.session import BusyError
from entrenous.client.store import entries
from entrenous.testing.members import Person, World
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
