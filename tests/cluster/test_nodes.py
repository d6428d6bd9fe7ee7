"""Several nodes behave as one: what is stored at one is pushed by all, in order, once, whatever becomes of nudges."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import nats as nats_client
import pytest

from cluster.nodes import PATIENCE, figures, is_connected, nodes, until
from entrenous.client import KickMember, MessageArrived, RemovedFromRoom
from entrenous.errors import CryptoError
from entrenous.identity import DeviceKeys, DeviceList, sign_device_list
from entrenous.server import Rate
from entrenous.server.configuration.limits import Limits
from entrenous.server.nodes.bus import ANY_NUMBER, News, Nudge, encode_nudges
from entrenous.server.watching.counters import Count
from entrenous.testing import SeededEntropy
from entrenous.testing.members import World as People
from entrenous.wire import ErrorCode, RosterAction, events, replies, requests
from nats_server import PrivateNats, private_nats
from postgres import PrivatePostgres, private_postgres
from server_people import Person, World, is_refusal
from worlds import epochs, garden, texts


@pytest.fixture
async def pair(tmp_path: Path, postgres: PrivatePostgres, nats: PrivateNats) -> AsyncIterator[tuple[World, World]]:
    """Two nodes, and the people on each."""
    async with nodes(tmp_path, postgres.database(), nats.url) as (one, two):
        yield World(one), World(two)


async def on(node: World, person: Person) -> Person:
    """The same person, connected to another node."""
    person.world = node
    await person.reconnect()
    return person


async def next_event(person: Person) -> object:
    """What somebody is told next."""
    return await asyncio.wait_for(person.client.events.get(), PATIENCE)


async def welcomed(person: Person) -> None:
    """Until somebody's node has heard that he was added to a room."""
    assert isinstance(await next_event(person), events.InboxChanged)


async def heard(person: Person, count: int) -> list[int]:
    """The places of the next entries that are pushed to somebody."""
    found: list[int] = []
    while len(found) < count:
        event = await next_event(person)
        if isinstance(event, events.NewEntry):
            found.append(event.entry.sequence)
    return found


async def test_what_is_said_at_one_node_is_heard_at_the_other(pair: tuple[World, World]) -> None:
    one, two = pair
    alice, bob = await one.person("alice"), await on(two, await one.register("bob"))
    room = await alice.create_room()
    base = await alice.add(room, bob)
    await welcomed(bob)
    for number in range(20):
        speaker = (alice, bob)[number % 2]
        assert (await speaker.publish(room, b"%d" % number, base)).sequence == base + 1 + number
    expected = list(range(base + 1, base + 21))
    assert await heard(bob, 20) == expected
    assert await heard(alice, 21) == [base, *expected]


async def test_a_roster_changes_at_all_nodes_and_nobody_hears_what_is_not_his(pair: tuple[World, World]) -> None:
    one, two = pair
    alice, bob = await one.person("alice"), await on(two, await one.register("bob"))
    carol = await on(two, await one.register("carol"))
    room = await alice.create_room()
    first = await alice.add(room, bob)
    await welcomed(bob)
    await alice.publish(room, b"for bob", first)
    second = await alice.add(room, carol, base=first, newest=first + 1)
    await welcomed(carol)
    await alice.publish(room, b"for both", second)
    assert await heard(bob, 3) == [first + 1, second, second + 1]
    assert await heard(carol, 1) == [second + 1]
    removal = alice.commit_request(room, second, {bob: RosterAction.REMOVE}, newest=second + 1)
    third = (await alice.client.call(removal)).sequence
    await alice.publish(room, b"for carol", third)
    assert await heard(carol, 2) == [third, third + 1]
    # The removed one heard of his removal, and of nothing after it.
    assert await heard(bob, 1) == [third]
    assert (await bob.client.call(requests.Ping())) == replies.Done()
    assert bob.client.events.empty()


async def test_commits_and_messages_of_two_nodes_stand_in_one_order(pair: tuple[World, World]) -> None:
    one, two = pair
    alice, bob = await one.person("alice"), await on(two, await one.register("bob"))
    room = await alice.create_room()
    base = await alice.add(room, bob)
    for _ in range(10):
        racing = [
            alice.client.start(alice.commit_request(room, base)),
            bob.client.start(bob.commit_request(room, base)),
            alice.client.start(alice.publish_request(room, base=base)),
            bob.client.start(bob.publish_request(room, base=base)),
        ]
        outcomes = await asyncio.gather(*racing)
        placed = [each.sequence for each in outcomes if isinstance(each, replies.Published)]
        lost = [each for each in outcomes if isinstance(each, replies.Error)]
        # One of the two Commits stands. What was said in its epoch stands before it, and nothing after it.
        won = [each.sequence for each in outcomes[:2] if isinstance(each, replies.Published)]
        assert len(won) == 1
        assert max(placed) == won[0]
        assert {each.code for each in lost} == {ErrorCode.CONFLICT}
        assert {each.number for each in lost} == {won[0]}
        base = won[0]
    entries = (await alice.fetch(room)).entries
    assert [entry.sequence for entry in entries] == list(range(1, base + 1))


async def test_a_message_that_is_published_at_two_nodes_is_published_once(pair: tuple[World, World]) -> None:
    one, two = pair
    alice = await one.person("alice")
    room = await alice.create_room()
    request = alice.publish_request(room)
    first = alice.client
    await on(two, alice)
    outcomes = await asyncio.gather(first.start(request), alice.client.start(request), return_exceptions=True)
    # The former connection may have ended already. Whoever was answered was answered the same.
    assert {each.sequence for each in outcomes if isinstance(each, replies.Published)} == {1}
    assert len((await alice.fetch(room)).entries) == 1


async def test_a_device_that_connects_elsewhere_ends_its_former_connection(pair: tuple[World, World]) -> None:
    one, two = pair
    alice = await one.person("alice")
    former = alice.client
    await on(two, alice)
    await asyncio.wait_for(former.ended.wait(), PATIENCE)
    assert isinstance(former.events.get_nowait(), events.GoingAway)
    assert (await alice.client.call(requests.Ping())) == replies.Done()


async def test_a_revoked_device_is_out_at_every_node(pair: tuple[World, World]) -> None:
    one, two = pair
    alice = await one.person("alice")
    revoking = await two.connect()
    await alice.password_login(revoking)
    listed = DeviceList(alice.account, 2, (DeviceKeys.generate(one.entropy).entry,), (alice.device,))
    put = requests.PutDeviceList(1, sign_device_list(alice.identity, listed))
    assert await revoking.call(put) == replies.Done()
    await asyncio.wait_for(alice.client.ended.wait(), PATIENCE)
    reason = alice.client.events.get_nowait()
    assert (type(reason), reason.reason) == (events.GoingAway, "this device was revoked")


async def with_a_second_device(person: Person, node: World) -> Person:
    """The same account on another device, at another node."""
    keys = DeviceKeys.generate(person.world.entropy)
    listed = DeviceList(person.account, 2, (*person.devices.devices, keys.entry), ())
    put = requests.PutDeviceList(1, sign_device_list(person.identity, listed))
    assert await person.client.call(put) == replies.Done()
    other = Person(node, person.name, await node.connect())
    other.identity, other.keys, other.devices = person.identity, keys, listed
    await other.log_in()
    return other


async def listened_to(node: World, room: bytes) -> None:
    """Until a node knows that somebody there listens to a room in which nothing was said yet."""
    await until(lambda: node.memory.server.services.fanout.newest(room) == 0)


async def rooms_of_two_devices(one: World, two: World) -> None:
    """A device hears of rooms that its account opens at another node, from the first entry on."""
    alice = await one.person("alice")
    laptop = await with_a_second_device(alice, two)
    for number in (1, 2):
        room = await alice.create_room(number)
        await listened_to(two, room)
        await alice.publish(room)
        assert await heard(laptop, 1) == [1]
    assert laptop.client.events.empty()


async def test_a_room_that_is_opened_at_one_node_is_heard_of_at_the_other(pair: tuple[World, World]) -> None:
    await rooms_of_two_devices(*pair)


async def test_a_room_that_is_opened_at_one_node_is_found_by_looking(tmp_path: Path, postgres: PrivatePostgres) -> None:
    async with nodes(tmp_path, postgres.database(), None, poll_seconds=0.2) as both:
        await rooms_of_two_devices(World(both[0]), World(both[1]))


async def test_made_up_nudges_do_no_harm(pair: tuple[World, World], nats: PrivateNats) -> None:
    one, two = pair
    alice, bob = await one.person("alice"), await on(two, await one.register("bob"))
    room = await alice.create_room()
    base = await alice.add(room, bob)
    await welcomed(bob)
    subject = f"entrenous.{one.memory.server.server_id.hex()}"
    garbage = SeededEntropy("garbage")
    made_up = [
        Nudge(News.MESSAGE, room, ANY_NUMBER),
        Nudge(News.COMMIT, room, ANY_NUMBER),
        Nudge(News.COMMIT, room, 0),
        Nudge(News.DEVICE, alice.device, 999),
        Nudge(News.DEVICE, bob.device, 0),
        Nudge(News.ANYTHING, bytes(16), 0),
        *(Nudge(News.COMMIT, garbage(16), 5) for _ in range(1_000)),
    ]
    liar = await nats_client.connect(nats.url)
    for data in (b"", b"\x00", b"\x01x", b"\x02" + bytes(25), garbage(500_000), encode_nudges(made_up)):
        await liar.publish(subject, data)
    await liar.flush()
    for number in range(5):
        await alice.publish(room, b"%d" % number, base)
    assert await heard(bob, 5) == [base + 1 + number for number in range(5)]
    await liar.close()
    assert not alice.client.ended.is_set()
    assert bob.client.events.empty()


async def test_a_node_that_hears_nothing_finds_everything_by_looking(tmp_path: Path, postgres: PrivatePostgres) -> None:
    async with nodes(tmp_path, postgres.database(), None, poll_seconds=0.2) as both:
        one, two = World(both[0]), World(both[1])
        alice, bob = await one.person("alice"), await on(two, await one.register("bob"))
        room = await alice.create_room()
        base = await alice.add(room, bob)
        await welcomed(bob)
        for number in range(3):
            await alice.publish(room, b"%d" % number, base)
        assert await heard(bob, 3) == [base + 1, base + 2, base + 3]
        former = alice.client
        await on(two, alice)
        await asyncio.wait_for(former.ended.wait(), PATIENCE)


async def test_nats_is_stopped_and_started_and_nothing_is_lost(tmp_path: Path, postgres: PrivatePostgres) -> None:
    with private_nats() as own:
        async with nodes(tmp_path, postgres.database(), own.url) as both:
            one, two = World(both[0]), World(both[1])
            alice, bob = await one.person("alice"), await on(two, await one.register("bob"))
            room = await alice.create_room()
            base = await alice.add(room, bob)
            await welcomed(bob)
            own.stop()
            await until(lambda: not any(is_connected(node) for node in both))
            for number in range(3):
                await alice.publish(room, b"%d" % number, base)
            assert bob.client.events.empty()
            own.start()
            # These nodes look by themselves so seldom that only the bus can be the reason.
            assert await heard(bob, 3) == [base + 1, base + 2, base + 3]
            await alice.publish(room, b"afterwards", base)
            assert await heard(bob, 1) == [base + 4]


#: So many in so long that a test sees no refill.
FEW = Limits(publishes=Rate(64, 640_000.0), logins_per_name=Rate(4, 640_000.0))


async def is_counted(node: World, person: Person, publishes: int) -> None:
    """Until a node knows that somebody has published so often."""
    limiter = node.memory.server.services.delivery._publishes
    level = FEW.publishes.count - publishes + 0.5
    await until(lambda: limiter._buckets.get(person.device, (float(FEW.publishes.count), 0.0))[0] < level)


async def test_a_publisher_who_goes_from_node_to_node_may_publish_no_more_than_at_one(
    tmp_path: Path, postgres: PrivatePostgres
) -> None:
    with private_nats() as own:
        async with nodes(tmp_path, postgres.database(), own.url, limits=FEW) as both:
            one, two = World(both[0]), World(both[1])
            alice = await one.person("alice")
            room = await alice.create_room()
            for turn in range(4):
                here, there = (one, two) if turn % 2 == 0 else (two, one)
                await on(here, alice)
                for _ in range(16):
                    assert isinstance(await alice.publish(room), replies.Published)
                await is_counted(there, alice, 16 * (turn + 1))
            for node in (one, two):
                await on(node, alice)
                refused = await alice.client.refused(alice.publish_request(room))
                assert refused.code is ErrorCode.LIMIT
                assert refused.number == pytest.approx(10_000, abs=PATIENCE)

            told, heard = (figures(node.memory) for node in (one, two))
            assert told['shared_counts_total{way="told"}'] == heard['shared_counts_total{way="heard"}'] > 0
            assert told['limits_reached_total{limit="publishes"}'] == 1

            # Without the bus each node counts what it is asked itself, and refuses nobody for what it did not hear of.
            own.stop()
            await until(lambda: not any(is_connected(node) for node in both))
            bob = await one.person("bob")
            assert isinstance(await bob.create_room(2), bytes)
            for _ in range(16):
                await bob.publish((2).to_bytes(16, "big"))
            await on(two, bob)
            own.start()
            await until(lambda: all(is_connected(node) for node in both))
            for _ in range(8):
                await bob.publish((2).to_bytes(16, "big"))
            await is_counted(one, bob, 24)
            limiter = two.memory.server.services.delivery._publishes
            assert limiter._buckets[bob.device][0] == pytest.approx(64 - 8, abs=1)


async def guesses(nodes: Sequence[World], name: str, person: Person) -> list[object]:
    """The answers to wrong passwords for a name, one after the other at the nodes by turns."""
    found = []
    for node in nodes:
        try:
            found.append(await person.password_login(await node.connect(), b"wrong", name=name))
        except CryptoError:
            found.append(None)
    return found


@pytest.mark.parametrize("name", ["alice", "nobody"])
async def test_a_guesser_who_goes_from_node_to_node_has_no_more_attempts_than_at_one(
    tmp_path: Path, postgres: PrivatePostgres, name: str
) -> None:
    # Without a bus: the store counts.
    async with nodes(tmp_path, postgres.database(), None, limits=FEW) as both:
        one, two = World(both[0]), World(both[1])
        alice = await one.register("alice")
        assert await guesses([one, two, two, one], name, alice) == [None] * 4
        for refused in await guesses([one, two], name, alice):
            assert is_refusal(refused, ErrorCode.LIMIT)
        # All at once at both is no more, and another name has attempts of its own.
        at_once = await asyncio.gather(*(guesses([node], "bob", alice) for node in [one, two] * 6))
        assert sum(answers == [None] for answers in at_once) == 4
        for node in (one, two):
            assert node.memory.server.services.counters[Count.LOGINS_PER_NAME] > 0
        # What an operator lets be forgotten at one is forgotten.
        await two.memory.server.services.login.forget_attempts(name)
        assert isinstance(await alice.password_login(await one.connect()), replies.LoginDone)


async def test_postgresql_is_stopped_and_started_and_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path, nats: PrivateNats
) -> None:
    with private_postgres() as own:
        async with nodes(tmp_path, own.database(), nats.url) as both:
            one, two = World(both[0]), World(both[1])
            alice, bob = await one.person("alice"), await on(two, await one.register("bob"))
            room = await alice.create_room()
            base = await alice.add(room, bob)
            await welcomed(bob)
            await alice.publish(room, b"before", base)
            own.stop()
            refused = await alice.client.refused(alice.publish_request(room, base=base))
            assert refused.code is ErrorCode.UNAVAILABLE
            own.start()
            while not isinstance(await alice.publish(room, b"after", base), replies.Published):
                pass
            assert (await heard(bob, 2)) == [base + 1, base + 2]


async def test_people_spread_over_three_nodes_hold_one_conversation(
    tmp_path: Path, postgres: PrivatePostgres, nats: PrivateNats
) -> None:
    async with nodes(tmp_path, postgres.database(), nats.url, count=3) as three:
        world = await People.open(tmp_path, server=three[0])
        people = [
            await world.person(name, three[number].connector()) for number, name in enumerate(("alice", "bob", "carol"))
        ]
        room = await garden(*people)
        for number in range(4):
            for person in people:
                await person.says(room, f"{person.name} {number}")
        said = {f"{person.name} {number}" for number in range(4) for person in people}
        for person in people:
            while set(await texts(person, room)) != said:
                await person.sees(MessageArrived)
        assert len({tuple(await texts(person, room)) for person in people}) == 1
        assert len(epochs(room, *people)) == 1
        await people[0].do(KickMember(room, "carol"))
        await people[2].sees(RemovedFromRoom)
        await people[1].says(room, "the two of us")
        await people[0].reads("the two of us")
        for person in people:
            await person.stop()
