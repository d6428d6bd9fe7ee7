"""Room logs through the real server: order, idempotence, conflicts, rosters, and what whom may read."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from entrenous.mls.types import (
    ApplicationData,
    ContentType,
    FramedContent,
    FramedContentAuthData,
    MLSMessage,
    NewMemberCommit,
    PublicMessage,
)
from entrenous.server import Limits, Rate
from entrenous.server.rooms.delivery import FETCH_BYTES
from entrenous.server.store import rooms
from entrenous.testing import run_virtual
from entrenous.wire import ErrorCode, RosterAction, RosterChange, events, replies, requests
from entrenous.wire.limits import MAX_BLOB_SIZE, MAX_COMMIT_SIZE, MAX_MESSAGE_SIZE
from entrenous.wire.types import WelcomeFor
from server_people import RETENTION, Person, World, private_message

Scenario = Callable[[World, Person, Person], Coroutine[Any, Any, None]]


def play(scenario: Scenario, **options: Any) -> None:
    """Run a scenario with two people who are logged in and share nothing yet."""

    async def main() -> None:
        async with await World.start(**options) as world:
            await scenario(world, await world.person("alice"), await world.person("bob"))

    run_virtual(main())


async def shared_room(alice: Person, bob: Person) -> tuple[bytes, int]:
    """A room of both; returns it and its newest Commit entry."""
    room = await alice.create_room()
    return room, await alice.add(room, bob)


def test_entries_are_numbered_from_one_without_gaps() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        pending = [
            person.client.start(person.publish_request(room, b"%d" % n, base))
            for n in range(20)
            for person in (alice, bob)
        ]
        numbers = [reply.sequence for reply in await asyncio.gather(*pending)]
        assert sorted(numbers) == list(range(2, 42))
        entries = (await alice.fetch(room)).entries
        assert [entry.sequence for entry in entries] == list(range(1, 42))

    play(scenario)


def test_publishing_twice_is_publishing_once() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        request = alice.publish_request(room, base=base)
        first = await alice.client.call(request)
        again = await asyncio.gather(*(alice.client.start(request) for _ in range(3)))
        assert {first, *again} == {replies.Published(2)}
        assert (await alice.fetch(room)).newest == 2

    play(scenario)


def test_publishing_again_after_a_reconnect_and_a_later_commit_is_still_publishing_once() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        request = alice.publish_request(room, base=base)
        await alice.client.call(request)
        assert await bob.client.call(bob.commit_request(room, base)) == replies.Published(3)
        await alice.client.close()
        await alice.reconnect()
        assert await alice.client.call(request) == replies.Published(2)

    play(scenario)


def test_committing_twice_is_committing_once() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room = await alice.create_room()
        request = alice.commit_request(room, 0, {bob: RosterAction.ADD}, welcome=[bob])
        assert await alice.client.call(request) == await alice.client.call(request) == replies.Published(1)
        assert len((await bob.client.call(requests.FetchInbox(0))).items) == 1

    play(scenario)


def test_two_people_may_use_the_same_message_id() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        ours = [replace_id(person.publish_request(room, base=base), bytes(12)) for person in (alice, bob)]
        assert await alice.client.call(ours[0]) == replies.Published(2)
        assert await bob.client.call(ours[1]) == replies.Published(3)

    play(scenario)


def replace_id(request: requests.Publish, message_id: bytes) -> requests.Publish:
    return requests.Publish(request.room, request.base, message_id, request.entry)


def test_a_message_id_belongs_to_one_room() -> None:
    async def scenario(_world: World, alice: Person, _bob: Person) -> None:
        one, other = await alice.create_room(1), await alice.create_room(2)
        await alice.client.call(replace_id(alice.publish_request(one), bytes(12)))
        refusal = await alice.client.refused(replace_id(alice.publish_request(other), bytes(12)))
        assert refusal.code is ErrorCode.DENIED

    play(scenario)


def test_only_the_newest_commit_entry_is_a_base_and_the_conflict_names_it() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        assert base == 1
        await alice.publish(room, base=base)
        assert await alice.client.call(alice.commit_request(room, base)) == replies.Published(3)
        for stale in (0, 1, 2, 4):
            for request in (bob.publish_request(room, base=stale), bob.commit_request(room, stale)):
                refusal = await bob.client.refused(request)
                assert (refusal.code, refusal.number) == (ErrorCode.CONFLICT, 3)
        assert (await bob.fetch(room)).newest == 3
        assert await bob.publish(room, base=3) == replies.Published(4)

    play(scenario)


def test_of_two_commits_for_one_state_one_wins() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        results = await asyncio.gather(
            alice.client.start(alice.commit_request(room, base)), bob.client.start(bob.commit_request(room, base))
        )
        codes = {getattr(result, "code", "published") for result in results}
        assert codes == {"published", ErrorCode.CONFLICT}

    play(scenario)


def test_a_refused_message_can_be_published_under_the_same_id_later() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        stale = bob.publish_request(room, base=0)
        assert (await bob.client.refused(stale)).code is ErrorCode.CONFLICT
        fresh = requests.Publish(room, base, stale.message_id, private_message(room, b"made again"))
        assert await bob.client.call(fresh) == replies.Published(2)
        del alice

    play(scenario)


def test_strangers_cannot_tell_a_room_from_none() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, nowhere = await alice.create_room(), bytes(16)
        for place in (room, nowhere):
            for request in (
                bob.publish_request(place),
                bob.commit_request(place),
                requests.Fetch(place, 0, 10),
                requests.FetchGroupState(place, 0),
                requests.Acknowledge(place, 0),
            ):
                refusal = await bob.client.refused(request)
                assert refusal.code is ErrorCode.NOT_FOUND
                assert refusal.detail == "there is no such room among yours"

    play(scenario)


def test_creating_a_room_twice_is_creating_it_once_and_nobody_else_can_take_its_id() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room = await alice.create_room()
        await alice.publish(room)
        assert await alice.create_room() == room
        assert (await alice.fetch(room)).newest == 1
        assert (await bob.client.refused(requests.CreateRoom(room, RETENTION, b"", b""))).code is ErrorCode.DENIED

    play(scenario)


def external_commit(room: bytes) -> bytes:
    content = FramedContent(room, 1, NewMemberCommit(), b"", ApplicationData(b"not even a Commit"))
    return MLSMessage.of(PublicMessage(content, FramedContentAuthData(b"signature", None), None)).encode()


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (lambda room: b"garbage", ErrorCode.MALFORMED),
        (lambda room: private_message(room, b"x") + b"\0", ErrorCode.MALFORMED),
        (lambda room: private_message(room, b"x")[:-1], ErrorCode.MALFORMED),
        (lambda room: private_message(bytes(16), b"x"), ErrorCode.MALFORMED),
        (lambda room: private_message(room, b"x", ContentType.PROPOSAL), ErrorCode.MALFORMED),
        (external_commit, ErrorCode.DENIED),
        (lambda room: private_message(room, bytes(MAX_MESSAGE_SIZE)), ErrorCode.TOO_LARGE),
    ],
)
def test_only_an_application_message_of_this_room_is_published(
    entry: Callable[[bytes], bytes], code: ErrorCode
) -> None:
    async def scenario(_world: World, alice: Person, _bob: Person) -> None:
        room = await alice.create_room()
        refusal = await alice.client.refused(requests.Publish(room, 0, alice.message_id(), entry(room)))
        assert refusal.code is code
        assert (await alice.fetch(room)).newest == 0

    play(scenario)


def test_a_commit_is_not_published_as_a_message_nor_a_message_as_a_commit() -> None:
    async def scenario(_world: World, alice: Person, _bob: Person) -> None:
        room = await alice.create_room()
        commit = alice.commit_request(room)
        as_message = requests.Publish(room, 0, commit.message_id, commit.entry)
        assert (await alice.client.refused(as_message)).code is ErrorCode.MALFORMED
        as_commit = with_entry(commit, private_message(room, b"hello"))
        assert (await alice.client.refused(as_commit)).code is ErrorCode.MALFORMED

    play(scenario)


def with_entry(request: requests.Commit, entry: bytes) -> requests.Commit:
    return requests.Commit(
        request.room, request.base, request.message_id, entry, (), request.group_info, request.node_changes, None
    )


def test_a_commit_says_in_clear_what_it_does_under_its_own_message_id() -> None:
    async def scenario(_world: World, alice: Person, _bob: Person) -> None:
        room = await alice.create_room()
        one, other = alice.commit_request(room), alice.commit_request(room)
        unreadable = private_message(room, b"commit", ContentType.COMMIT, b"\x01\x02")
        for entry, rule in (
            (other.entry, "message id"),
            (unreadable, "roster delta"),
            (external_commit(room), "external"),
        ):
            refusal = await alice.client.refused(with_entry(one, entry))
            assert rule in refusal.detail
        assert (await alice.fetch(room)).newest == 0

    play(scenario)


def test_an_added_account_reads_from_the_adders_place_on_and_nothing_before() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room = await alice.create_room()
        for _ in range(4):
            await alice.publish(room)
        # Alice had processed three entries when she made the Commit; the fourth came meanwhile.
        assert await alice.add(room, bob, newest=3) == 5
        fetched = await bob.fetch(room, after=0)
        assert (fetched.first_available, fetched.newest) == (4, 5)
        assert [entry.sequence for entry in fetched.entries] == [4, 5]
        head = (await bob.client.call(requests.ListRooms())).rooms[0]
        assert (head.first_available, head.newest, head.newest_commit, head.may_manage) == (4, 5, 5, False)

    play(scenario)


@pytest.mark.parametrize("newest", [0, 4, 99])
def test_a_commit_cannot_name_a_place_that_its_sender_cannot_be_at(newest: int) -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        await alice.publish(room, base=base)
        await alice.publish(room, base=base)
        refusal = await alice.client.refused(alice.commit_request(room, base, newest=newest))
        assert refusal.code is ErrorCode.MALFORMED

    play(scenario)


def test_a_removed_account_reads_up_to_the_entry_that_removes_it_and_writes_nothing() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        await alice.publish(room, base=base)
        removal = await alice.client.call(alice.commit_request(room, base, {bob: RosterAction.REMOVE}))
        assert removal == replies.Published(3)
        await alice.publish(room, b"without bob", base=3)
        fetched = await bob.fetch(room)
        assert (fetched.newest, [entry.sequence for entry in fetched.entries]) == (3, [1, 2, 3])
        assert (await bob.fetch(room, after=3)).entries == ()
        head = (await bob.client.call(requests.ListRooms())).rooms[0]
        assert (head.newest, head.newest_commit, head.removed_at) == (3, 3, 3)
        for request in (
            bob.publish_request(room, base=3),
            bob.commit_request(room, 3),
            requests.FetchGroupState(room, 3),
            requests.FetchGroupState(room, 1),
        ):
            assert (await bob.client.refused(request)).code is ErrorCode.DENIED
        assert (await bob.client.refused(requests.Acknowledge(room, 4))).code is ErrorCode.MALFORMED
        assert await bob.client.call(requests.Acknowledge(room, 3)) == replies.Done()

    play(scenario)


def test_who_was_removed_and_added_again_reads_from_the_second_time_on() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        await alice.client.call(alice.commit_request(room, base, {bob: RosterAction.REMOVE}))
        await alice.publish(room, b"without bob", base=2)
        assert await alice.add(room, bob, base=2, newest=3) == 4
        assert [entry.sequence for entry in (await bob.fetch(room)).entries] == [4]
        assert await bob.publish(room, base=4) == replies.Published(5)

    play(scenario)


def test_only_managers_remove_others_or_name_managers() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        carol = await world.person("carol")
        room = await alice.create_room()
        base = await alice.add(room, bob, carol)
        for action in (RosterAction.REMOVE, RosterAction.MAY_MANAGE, RosterAction.MAY_NOT_MANAGE):
            refusal = await bob.client.refused(bob.commit_request(room, base, {carol: action}))
            assert refusal.code is ErrorCode.DENIED
        await alice.client.call(alice.commit_request(room, base, {bob: RosterAction.MAY_MANAGE}))
        assert await bob.client.call(bob.commit_request(room, 2, {carol: RosterAction.REMOVE})) == replies.Published(3)
        await alice.client.call(alice.commit_request(room, 3, {bob: RosterAction.MAY_NOT_MANAGE}))
        refusal = await bob.client.refused(bob.commit_request(room, 4, {alice: RosterAction.REMOVE}))
        assert refusal.code is ErrorCode.DENIED

    play(scenario)


def test_any_member_may_add_and_who_is_added_does_not_manage() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        carol = await world.person("carol")
        room, base = await shared_room(alice, bob)
        assert await bob.add(room, carol, base=base) == 2
        head = (await carol.client.call(requests.ListRooms())).rooms[0]
        assert not head.may_manage

    play(scenario)


def test_a_delta_that_breaks_a_rule_changes_nothing() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        add, remove, nobody = RosterAction.ADD, RosterAction.REMOVE, bytes(16)
        deltas: dict[ErrorCode, list[tuple[RosterChange, ...]]] = {
            ErrorCode.DENIED: [
                (RosterChange(nobody, add),),
                (RosterChange(nobody, remove),),
                (RosterChange(alice.account, remove),),
            ],
            ErrorCode.MALFORMED: [(RosterChange(bob.account, remove), RosterChange(bob.account, add))],
        }
        for code, broken in deltas.items():
            for delta in broken:
                assert (await alice.client.refused(alice.commit_of(room, base, delta))).code is code
        assert (await alice.fetch(room)).newest == base
        assert await bob.publish(room, base=base) == replies.Published(2)

    play(scenario)


def test_who_is_added_may_be_there_and_who_is_removed_may_be_gone() -> None:
    """Else a Commit that all members refuse, which the server cannot tell, would bar their true ones for ever."""

    async def scenario(world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        again, gone = RosterChange(alice.account, RosterAction.ADD), RosterChange(bob.account, RosterAction.REMOVE)
        base = (await bob.client.call(bob.commit_of(room, base, (again,)))).sequence
        standing = await standing_of(world, room, alice)
        assert (standing.may_manage, standing.added_at) == (True, 0)
        for _ in range(2):
            base = (await alice.client.call(alice.commit_of(room, base, (gone,)))).sequence
        assert (await standing_of(world, room, bob)).removed_at == base - 1

    play(scenario)


def test_retention_is_bounded_and_only_managers_change_it() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        for seconds in (0, 3_599, RETENTION + 1):
            refusal = await alice.client.refused(alice.commit_request(room, base, retention=seconds))
            assert refusal.code is ErrorCode.MALFORMED
        assert await alice.client.call(alice.commit_request(room, base, retention=7_200)) == replies.Published(2)
        assert await bob.client.call(bob.commit_request(room, 2, retention=3_600)) == replies.Published(3)
        assert (await standing_of(world, room, bob)).retention_seconds == 7_200

    play(scenario)


async def standing_of(world: World, room: bytes, person: Person) -> rooms.Standing:
    """What the server has of somebody in a room."""
    found = await world.memory.server.storage.read(lambda tx: rooms.standing(tx, room, person.account))
    assert found is not None
    return found


def test_welcomes_go_only_to_listed_devices_of_members_after_the_commit() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        carol = await world.person("carol")
        room, base = await shared_room(alice, bob)
        wrong: list[tuple[WelcomeFor, dict[Person, RosterAction]]] = [
            (WelcomeFor(carol.account, carol.device, b"not added"), {}),
            (WelcomeFor(bob.account, carol.device, b"not his device"), {}),
            (WelcomeFor(bob.account, bob.device, b"just removed"), {bob: RosterAction.REMOVE}),
        ]
        for welcome, roster in wrong:
            request = alice.commit_request(room, base, roster)
            request = requests.Commit(
                room, base, request.message_id, request.entry, (welcome,), b"info", b"nodes", None
            )
            assert (await alice.client.refused(request)).code is ErrorCode.DENIED
        assert (await alice.fetch(room)).newest == base
        # A member's device may be welcomed again: it is how a replaced device comes in.
        assert await alice.client.call(alice.commit_request(room, base, welcome=[bob])) == replies.Published(2)
        items = (await bob.client.call(requests.FetchInbox(0))).items
        assert [(item.room, item.sequence) for item in items] == [(room, 1), (room, 2)]
        assert await bob.client.call(requests.DropInbox(items[0].id)) == replies.Done()
        assert (await bob.client.call(requests.FetchInbox(0))).items == items[1:]
        assert (await bob.client.call(requests.FetchInbox(items[1].id))).items == ()
        assert (await carol.client.call(requests.FetchInbox(0))).items == ()

    play(scenario)


def test_a_joiner_gets_group_info_the_last_tree_and_the_changes_since() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room = await alice.create_room()
        for base, tree in ((0, None), (1, b"tree 2"), (2, None)):
            request = alice.commit_request(room, base, tree=tree)
            request = requests.Commit(
                room,
                base,
                request.message_id,
                request.entry,
                (),
                b"info %d" % (base + 1),
                b"nodes %d" % (base + 1),
                tree,
            )
            await alice.client.call(request)
        assert await alice.add(room, bob, base=3) == 4
        states = [await alice.client.call(requests.FetchGroupState(room, sequence)) for sequence in range(5)]
        assert states == [
            replies.GroupState(b"info 0", b"tree 0", ()),
            replies.GroupState(b"info 1", b"tree 0", (b"nodes 1",)),
            replies.GroupState(b"info 2", b"tree 2", ()),
            replies.GroupState(b"info 3", b"tree 2", (b"nodes 3",)),
            replies.GroupState(b"info", b"tree 2", (b"nodes 3", b"nodes")),
        ]
        assert await bob.client.call(requests.FetchGroupState(room, 4)) == states[4]
        for sequence in (3, 5):
            refusal = await bob.client.refused(requests.FetchGroupState(room, sequence))
            assert refusal.code is ErrorCode.NOT_FOUND
        await alice.publish(room, base=4)
        assert (await alice.client.refused(requests.FetchGroupState(room, 5))).code is ErrorCode.NOT_FOUND

    play(scenario)


def test_a_state_that_would_not_fit_an_answer_needs_a_whole_tree() -> None:
    async def scenario(_world: World, alice: Person, _bob: Person) -> None:
        room = await alice.create_room()
        for base in (0, 1):
            assert await alice.client.call(alice.commit_request(room, base)) == replies.Published(base + 1)
        assert (await alice.client.refused(alice.commit_request(room, 2))).code is ErrorCode.TOO_LARGE
        assert await alice.client.call(alice.commit_request(room, 2, tree=b"tree")) == replies.Published(3)
        assert await alice.client.call(alice.commit_request(room, 3)) == replies.Published(4)
        plain = alice.commit_request(room, 4)
        big = bytes(MAX_BLOB_SIZE - MAX_COMMIT_SIZE)
        heavy = requests.Commit(room, 4, plain.message_id, plain.entry, (), big, bytes(MAX_BLOB_SIZE), None)
        assert await alice.client.call(heavy) == replies.Published(5)
        state = await alice.client.call(requests.FetchGroupState(room, 5))
        assert len(state.group_info) + sum(map(len, state.node_changes)) > MAX_BLOB_SIZE
        plain = alice.commit_request(room, 5)
        heavier = requests.Commit(room, 5, plain.message_id, plain.entry, (), big, b"", bytes(MAX_BLOB_SIZE))
        assert await alice.client.call(heavier) == replies.Published(6)
        plain = alice.commit_request(room, 6)
        heaviest = requests.Commit(room, 6, plain.message_id, plain.entry, (), big, bytes(MAX_BLOB_SIZE), None)
        assert (await alice.client.refused(heaviest)).code is ErrorCode.TOO_LARGE

    play(scenario, limits=Limits(commits_without_tree=2))


def test_a_fetch_is_bounded_in_entries_and_in_bytes() -> None:
    async def scenario(_world: World, alice: Person, _bob: Person) -> None:
        room = await alice.create_room()
        large = bytes(MAX_MESSAGE_SIZE // 2 - 200)
        for _ in range(40):
            await alice.publish(room, large)
        assert [entry.sequence for entry in (await alice.fetch(room, after=3, limit=2)).entries] == [4, 5]
        found = (await alice.fetch(room)).entries
        assert [entry.sequence for entry in found] == list(range(1, len(found) + 1))
        size = sum(len(entry.body) for entry in found)
        assert FETCH_BYTES - MAX_MESSAGE_SIZE // 2 < size <= FETCH_BYTES

    play(scenario)


def test_everybody_hears_each_entry_once_and_in_order_also_the_sender() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        await bob.client.event()  # the inbox has changed
        pending = [alice.client.start(alice.publish_request(room, b"%d" % n, base)) for n in range(30)]
        await asyncio.gather(*pending)
        heard = [await bob.client.event() for _ in range(30)]
        assert [event.entry.sequence for event in heard] == list(range(2, 32))
        assert [(await alice.client.event()).entry.sequence for _ in range(31)] == list(range(1, 32))
        assert alice.client.events.empty()
        assert bob.client.events.empty()

    play(scenario)


def test_who_is_added_hears_of_it_and_who_is_removed_hears_nothing_more() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        assert isinstance(await bob.client.event(), events.InboxChanged)
        await alice.client.call(alice.commit_request(room, base, {bob: RosterAction.REMOVE}))
        removal = await bob.client.event()
        assert (removal.room, removal.entry.sequence) == (room, 2)
        await alice.publish(room, base=2)
        await alice.add(room, bob, base=2)
        assert isinstance(await bob.client.event(), events.InboxChanged)
        assert bob.client.events.empty()

    play(scenario)


def test_who_comes_back_hears_of_all_rooms_again() -> None:
    async def scenario(_world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        await bob.client.close()
        await alice.publish(room, base=base)
        await bob.reconnect()
        await alice.publish(room, base=base)
        assert (await bob.client.event()).entry.sequence == 3

    play(scenario)


def test_commits_and_publishes_are_limited_per_device_and_say_when_to_come_back() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        room, base = await shared_room(alice, bob)
        assert await alice.client.call(alice.commit_request(room, base)) == replies.Published(2)
        refusal = await alice.client.refused(alice.commit_request(room, 2))
        assert (refusal.code, refusal.number) == (ErrorCode.LIMIT, 30)
        assert await bob.client.call(bob.commit_request(room, 2)) == replies.Published(3)
        await asyncio.sleep(30)
        assert await alice.client.call(alice.commit_request(room, 3)) == replies.Published(4)
        for sequence in (5, 6, 7):
            assert await bob.publish(room, base=4) == replies.Published(sequence)
        assert (await bob.client.refused(bob.publish_request(room, base=4))).code is ErrorCode.LIMIT
        del world

    play(scenario, limits=Limits(commits=Rate(2, 60.0), publishes=Rate(3, 60.0)))


def test_rooms_members_and_inboxes_are_bounded() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        carol = await world.person("carol")
        first, second = await alice.create_room(1), await alice.create_room(2)
        assert (
            await alice.client.refused(requests.CreateRoom(bytes(16), RETENTION, b"", b""))
        ).code is ErrorCode.DENIED
        base = await alice.add(first, bob)
        refusal = await alice.client.refused(alice.commit_request(first, base, {carol: RosterAction.ADD}))
        assert "accounts" in refusal.detail
        await alice.add(second, bob)
        await carol.create_room(3)
        assert (
            "too many rooms"
            in (
                await carol.client.refused(carol.commit_request((3).to_bytes(16, "big"), 0, {bob: RosterAction.ADD}))
            ).detail
        )
        refusal = await alice.client.refused(alice.commit_request(first, base, welcome=[bob]))
        assert refusal.code is ErrorCode.LIMIT
        assert (await alice.fetch(first)).newest == base

    play(scenario, limits=Limits(rooms_per_account=2, members_per_room=2, inbox_items=2))


def test_the_servers_time_of_entries_never_goes_back() -> None:
    async def scenario(world: World, alice: Person, _bob: Person) -> None:
        room = await alice.create_room()
        await alice.publish(room)
        world.memory.clock.shift(-3_600)
        await alice.publish(room)
        first, second = (await alice.fetch(room)).entries
        assert second.received_at == first.received_at

    play(scenario)
