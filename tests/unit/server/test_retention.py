"""Deletion: when every device has it, at the room's retention, and what lives longer than the entries."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from entrenous.server import Limits
from entrenous.testing import run_virtual
from entrenous.wire import ErrorCode, RosterAction, replies, requests
from server_people import Person, World

DAY = 86_400
Scenario = Callable[[World, Person, Person, bytes, int], Coroutine[Any, Any, None]]
#: Nobody is cut off for being silent while the days pass.
PATIENT = Limits(idle_seconds=1e9, stall_seconds=1e9)


def play(scenario: Scenario, *, sweeps_by_itself: bool = False) -> None:
    """Run a scenario with two people in one room, and the Commit entry that brought them together."""

    async def main() -> None:
        async with await World.start(limits=PATIENT) as world:
            if not sweeps_by_itself:
                world.memory.server._upkeep[0].cancel()
            alice, bob = await world.person("alice"), await world.person("bob")
            room = await alice.create_room()
            await scenario(world, alice, bob, room, await alice.add(room, bob))

    run_virtual(main())


async def acknowledge(person: Person, room: bytes, sequence: int) -> None:
    assert await person.client.call(requests.Acknowledge(room, sequence)) == replies.Done()


async def available(person: Person, room: bytes) -> tuple[int, int]:
    fetched = await person.fetch(room)
    assert [entry.sequence for entry in fetched.entries] == list(range(fetched.first_available, fetched.newest + 1))
    return fetched.first_available, fetched.newest


def test_an_entry_goes_when_every_device_has_acknowledged_it() -> None:
    async def scenario(world: World, alice: Person, bob: Person, room: bytes, base: int) -> None:
        for _ in range(3):
            await alice.publish(room, base=base)
        await acknowledge(alice, room, 4)
        assert await world.memory.server.sweep() == 0
        await acknowledge(bob, room, 2)
        assert await world.memory.server.sweep() == 2
        assert await available(bob, room) == (3, 4)
        # A number lower than before takes nothing back.
        await acknowledge(bob, room, 1)
        await acknowledge(bob, room, 4)
        assert await world.memory.server.sweep() == 2
        assert await available(alice, room) == (5, 4)
        assert await alice.publish(room, base=base) == replies.Published(5)
        assert await available(bob, room) == (5, 5)

    play(scenario)


def test_an_entry_goes_at_the_rooms_retention_whoever_lacks_it() -> None:
    async def scenario(world: World, alice: Person, bob: Person, room: bytes, base: int) -> None:
        await alice.publish(room, base=base)
        await alice.client.call(alice.commit_request(room, base, retention=DAY))
        await asyncio.sleep(DAY - 60)
        await alice.publish(room, base=3)
        assert await world.memory.server.sweep() == 0
        await asyncio.sleep(120)
        await bob.reconnect()
        assert await available(bob, room) == (1, 4)
        await world.memory.server.sweep()
        assert await available(bob, room) == (4, 4)

    play(scenario)


def test_deletion_happens_by_itself() -> None:
    async def scenario(_world: World, alice: Person, bob: Person, room: bytes, base: int) -> None:
        await alice.publish(room, base=base)
        for person in (alice, bob):
            await acknowledge(person, room, 2)
        await asyncio.sleep(601)
        assert await available(bob, room) == (3, 2)

    play(scenario, sweeps_by_itself=True)


def test_a_device_that_is_silent_for_30_days_no_longer_keeps_entries() -> None:
    async def scenario(world: World, alice: Person, bob: Person, room: bytes, base: int) -> None:
        await asyncio.sleep(20 * DAY)
        await alice.reconnect()
        await asyncio.sleep(9 * DAY)
        await alice.reconnect()
        await alice.publish(room, base=base)
        await acknowledge(alice, room, 2)
        assert await world.memory.server.sweep() == 0
        await asyncio.sleep(2 * DAY)
        await world.memory.server.sweep()
        await alice.reconnect()
        assert await available(alice, room) == (3, 2)
        # Bob comes back behind the log: he sees the gap.
        await bob.reconnect()
        fetched = await bob.fetch(room, after=1)
        assert (fetched.first_available, fetched.newest, fetched.entries) == (3, 2, ())

    play(scenario)


def test_who_was_removed_keeps_nothing_and_who_never_acknowledged_keeps_all() -> None:
    async def scenario(world: World, alice: Person, bob: Person, room: bytes, base: int) -> None:
        carol = await world.person("carol")
        assert await alice.add(room, carol, base=base) == 2
        await acknowledge(alice, room, 2)
        await acknowledge(bob, room, 2)
        # Carol reads from after entry 1 on, so that one may go.
        assert await world.memory.server.sweep() == 1
        await alice.client.call(alice.commit_request(room, 2, {carol: RosterAction.REMOVE}))
        await acknowledge(alice, room, 3)
        await acknowledge(bob, room, 3)
        assert await world.memory.server.sweep() == 2
        assert (await carol.fetch(room)).entries == ()

    play(scenario)


def test_publishing_twice_is_publishing_once_for_30_days_after_the_entry_is_gone() -> None:
    async def scenario(world: World, alice: Person, bob: Person, room: bytes, base: int) -> None:
        request = alice.publish_request(room, base=base)
        await alice.client.call(request)
        for person in (alice, bob):
            await acknowledge(person, room, 2)
        await world.memory.server.sweep()
        assert await available(alice, room) == (3, 2)
        await asyncio.sleep(30 * DAY)
        await world.memory.server.sweep()
        await alice.reconnect()
        assert await alice.client.call(request) == replies.Published(2)
        await asyncio.sleep(31 * DAY)
        await world.memory.server.sweep()
        await alice.reconnect()
        assert await alice.client.call(request) == replies.Published(3)

    play(scenario)


def test_the_newest_group_state_stays_and_older_ones_go_with_their_commits() -> None:
    async def scenario(world: World, alice: Person, bob: Person, room: bytes, base: int) -> None:
        assert base == 1
        await alice.client.call(alice.commit_request(room, 1, tree=b"tree 2"))
        await alice.client.call(alice.commit_request(room, 2))
        await alice.publish(room, base=3)
        for person in (alice, bob):
            await acknowledge(person, room, 4)
        await world.memory.server.sweep()
        assert await available(alice, room) == (5, 4)
        state = await alice.client.call(requests.FetchGroupState(room, 3))
        assert state == replies.GroupState(b"info", b"tree 2", (b"nodes",))
        for sequence in (0, 1):
            refusal = await alice.client.refused(requests.FetchGroupState(room, sequence))
            assert refusal.code is ErrorCode.NOT_FOUND

    play(scenario)


def test_a_welcome_goes_with_its_commit_entry() -> None:
    async def scenario(world: World, _alice: Person, bob: Person, room: bytes, _base: int) -> None:
        assert len((await bob.client.call(requests.FetchInbox(0))).items) == 1
        await asyncio.sleep(31 * DAY)
        await world.memory.server.sweep()
        await bob.reconnect()
        assert (await bob.client.call(requests.FetchInbox(0))).items == ()
        assert room

    play(scenario)


def test_a_former_member_hears_of_its_removal_for_30_days() -> None:
    async def scenario(world: World, alice: Person, bob: Person, room: bytes, base: int) -> None:
        await alice.client.call(alice.commit_request(room, base, {bob: RosterAction.REMOVE}))
        await asyncio.sleep(29 * DAY)
        await world.memory.server.sweep()
        await bob.reconnect()
        assert [head.removed_at for head in (await bob.client.call(requests.ListRooms())).rooms] == [2]
        await asyncio.sleep(2 * DAY)
        await world.memory.server.sweep()
        await bob.reconnect()
        assert (await bob.client.call(requests.ListRooms())).rooms == ()
        assert (await bob.client.refused(requests.Fetch(room, 0, 10))).code is ErrorCode.NOT_FOUND

    play(scenario)


def test_more_rooms_than_one_sweep_takes_are_all_swept() -> None:
    async def scenario(world: World, alice: Person, _bob: Person, _room: bytes, _base: int) -> None:
        for number in range(2, 252):
            room = await alice.create_room(number)
            await alice.publish(room)
            await acknowledge(alice, room, 1)
        assert await world.memory.server.sweep() == 250

    play(scenario)
