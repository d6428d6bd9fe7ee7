"""Every rule of rooms, logs and KeyPackages (DS-…), broken through the real server and found under its own name."""

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
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms import delivery
from entrenous.server.rooms.committing import append_commit
from entrenous.server.store import Transaction
from entrenous.testing import run_virtual
from entrenous.wire import RosterAction, RosterChange, requests
from entrenous.wire.limits import MAX_BLOB_SIZE, MAX_MESSAGE_SIZE
from entrenous.wire.types import WelcomeFor
from server_people import RETENTION, Person, World, private_message
from unit.server.refused_rules import rule_of

Scenario = Callable[[Person, Person, Person], Coroutine[Any, Any, None]]
NOBODY = bytes(16)
NO_ROOM = b"\xff" * 16


def play(scenario: Scenario, limits: Limits | None = None) -> None:
    """Run a scenario with three people who are logged in and share nothing yet."""

    async def main() -> None:
        async with await World.start(limits=limits) as world:
            alice, bob, carol = [await world.person(name) for name in ("alice", "bob", "carol")]
            await scenario(alice, bob, carol)

    run_virtual(main())


def with_entry(request: requests.Commit, entry: bytes) -> requests.Commit:
    return requests.Commit(request.room, request.base, request.message_id, entry, (), b"info", b"nodes", None)


def with_welcome(request: requests.Commit, *welcomes: WelcomeFor) -> requests.Commit:
    return requests.Commit(
        request.room, request.base, request.message_id, request.entry, welcomes, b"info", b"nodes", None
    )


def external_commit(room: bytes) -> bytes:
    content = FramedContent(room, 1, NewMemberCommit(), b"", ApplicationData(b"the server reads no further"))
    return MLSMessage.of(PublicMessage(content, FramedContentAuthData(b"signature", None), None)).encode()


@pytest.mark.parametrize(
    ("rule", "entry"),
    [
        ("DS-SIZE", lambda room: private_message(room, bytes(MAX_MESSAGE_SIZE))),
        ("DS-ENTRY", lambda room: b"no MLSMessage"),
        ("DS-ENTRY", lambda room: private_message(room, b"x")[:-1]),
        ("DS-EXTERNAL", external_commit),
        ("DS-CONTENT", lambda room: private_message(room, b"x", ContentType.PROPOSAL)),
        ("DS-ROOM", lambda room: private_message(NO_ROOM, b"x")),
    ],
)
def test_a_message_is_an_application_message_of_its_room(rule: str, entry: Callable[[bytes], bytes]) -> None:
    async def scenario(alice: Person, _bob: Person, _carol: Person) -> None:
        room = await alice.create_room()
        request = requests.Publish(room, 0, alice.message_id(), entry(room))
        assert await rule_of(alice.client, request) == rule

    play(scenario)


def test_a_commit_entry_says_in_clear_what_it_does() -> None:
    async def scenario(alice: Person, _bob: Person, _carol: Person) -> None:
        room = await alice.create_room()
        commit, other = alice.commit_request(room), alice.commit_request(room)
        for rule, entry in (
            ("DS-CONTENT", private_message(room, b"x")),
            ("DS-COMMIT-DATA", private_message(room, b"x", ContentType.COMMIT, b"\x01")),
            ("DS-COMMIT-ID", other.entry),
        ):
            assert await rule_of(alice.client, with_entry(commit, entry)) == rule

    play(scenario)


def test_who_is_not_in_a_room_learns_nothing_and_changes_nothing() -> None:
    async def scenario(alice: Person, bob: Person, _carol: Person) -> None:
        room = await alice.create_room()
        assert await rule_of(bob.client, bob.publish_request(room)) == "DS-MEMBER"
        assert await rule_of(bob.client, requests.Fetch(NO_ROOM, 0, 1)) == "DS-MEMBER"
        assert await rule_of(bob.client, requests.CreateRoom(room, RETENTION, b"", b"")) == "DS-ROOM-ID"
        base = await alice.add(room, bob)
        removal = await alice.client.call(alice.commit_request(room, base, {bob: RosterAction.REMOVE}))
        assert await rule_of(bob.client, bob.publish_request(room, base=removal.sequence)) == "DS-REMOVED"

    play(scenario)


def test_every_entry_has_its_place() -> None:
    async def scenario(alice: Person, bob: Person, _carol: Person) -> None:
        room, elsewhere = await alice.create_room(1), await alice.create_room(2)
        base = await alice.add(room, bob)
        assert await rule_of(bob.client, bob.publish_request(room, base=base - 1)) == "DS-BASE"
        assert await rule_of(bob.client, bob.commit_request(room, base + 1)) == "DS-BASE"
        for newest in (base - 1, base + 1):
            assert await rule_of(bob.client, bob.commit_request(room, base, newest=newest)) == "DS-POSITION"
        published = alice.publish_request(room, base=base)
        await alice.client.call(published)
        again = requests.Publish(elsewhere, 0, published.message_id, private_message(elsewhere, b"x"))
        assert await rule_of(alice.client, again) == "DS-MESSAGE-ID"
        assert await rule_of(alice.client, requests.Acknowledge(room, base + 2)) == "DS-ACK"
        assert await rule_of(alice.client, requests.FetchGroupState(room, base + 1)) == "DS-STATE"

    play(scenario)


def test_a_roster_delta_is_true_of_the_roster_and_a_managers() -> None:
    async def scenario(alice: Person, bob: Person, carol: Person) -> None:
        room = await alice.create_room()
        base = await alice.add(room, bob)
        add, remove = RosterAction.ADD, RosterAction.REMOVE
        broken: list[tuple[str, Person, tuple[RosterChange, ...]]] = [
            ("DS-ROSTER-DOUBLE", alice, (RosterChange(carol.account, add), RosterChange(carol.account, add))),
            ("DS-ROSTER-UNKNOWN", alice, (RosterChange(NOBODY, add),)),
            ("DS-ROSTER-ABSENT", alice, (RosterChange(carol.account, RosterAction.MAY_MANAGE),)),
            ("DS-ROSTER-MANAGER", bob, (RosterChange(alice.account, remove),)),
            ("DS-ROSTER-MANAGER", bob, (RosterChange(bob.account, RosterAction.MAY_MANAGE),)),
            ("DS-ROSTER-SELF", alice, (RosterChange(alice.account, remove),)),
        ]
        for rule, sender, delta in broken:
            assert await rule_of(sender.client, sender.commit_of(room, base, delta)) == rule

    play(scenario)


def test_retention_has_bounds_and_is_a_managers() -> None:
    async def scenario(alice: Person, bob: Person, _carol: Person) -> None:
        room = await alice.create_room()
        base = await alice.add(room, bob)
        for seconds in (0, RETENTION + 1):
            assert await rule_of(alice.client, alice.commit_request(room, base, retention=seconds)) == "DS-RETENTION"

    play(scenario)


def test_welcomes_are_for_listed_devices_of_members() -> None:
    async def scenario(alice: Person, bob: Person, carol: Person) -> None:
        room = await alice.create_room()
        base = await alice.add(room, bob)
        for rule, welcome in (
            ("DS-WELCOME-ACCOUNT", WelcomeFor(carol.account, carol.device, b"not added")),
            ("DS-WELCOME-DEVICE", WelcomeFor(bob.account, carol.device, b"not his")),
        ):
            assert await rule_of(alice.client, with_welcome(alice.commit_request(room, base), welcome)) == rule
        twice = alice.commit_request(room, base, welcome=[bob, bob])
        assert await rule_of(alice.client, twice) == "DS-WELCOME-DOUBLE"

    play(scenario)


def test_rooms_rosters_and_inboxes_have_limits() -> None:
    async def scenario(alice: Person, bob: Person, carol: Person) -> None:
        first, second = await alice.create_room(1), await alice.create_room(2)
        assert await rule_of(alice.client, requests.CreateRoom(NO_ROOM, RETENTION, b"", b"")) == "DS-ROOMS"
        base = await alice.add(first, bob)
        await alice.add(second, bob)
        assert await rule_of(alice.client, alice.commit_request(first, base, {carol: RosterAction.ADD})) == "DS-MEMBERS"
        third = await carol.create_room(3)
        assert await rule_of(carol.client, carol.commit_request(third, 0, {bob: RosterAction.ADD})) == "DS-ROOMS"
        assert await rule_of(alice.client, alice.commit_request(first, base, welcome=[bob])) == "DS-INBOX"

    play(scenario, Limits(rooms_per_account=2, members_per_room=2, inbox_items=2))


def test_a_refused_commit_has_written_nothing_that_a_batch_would_have_to_undo(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[bool] = []

    def watched(tx: Transaction, *arguments: Any, **options: Any) -> Any:
        try:
            return append_commit(tx, *arguments, **options)
        except RefusedError:
            refused.append(tx.has_written)
            raise

    monkeypatch.setattr(delivery, "append_commit", watched)

    async def scenario(alice: Person, bob: Person, carol: Person) -> None:
        first, second = await alice.create_room(1), await alice.create_room(2)
        base = await alice.add(first, bob)
        third = await carol.create_room(3)
        add, removed = {bob: RosterAction.ADD}, {alice: RosterAction.REMOVE}
        before = alice.commit_request(second, 0, add)
        await alice.client.call(before)
        for rule, sender, request in (
            ("DS-BASE", alice, alice.commit_request(first, 0, {carol: RosterAction.ADD})),
            ("DS-ROSTER-SELF", alice, alice.commit_request(first, base, removed)),
            ("DS-MEMBERS", alice, alice.commit_request(first, base, {carol: RosterAction.ADD}, welcome=[carol])),
            ("DS-ROOMS", carol, carol.commit_request(third, 0, add, welcome=[bob])),
            ("DS-WELCOME-DOUBLE", alice, alice.commit_request(first, base, welcome=[bob, bob])),
            ("DS-WELCOME-ACCOUNT", carol, carol.commit_request(third, 0, welcome=[bob])),
            ("DS-INBOX", alice, alice.commit_request(first, base, welcome=[bob])),
        ):
            assert await rule_of(sender.client, request) == rule
        await alice.client.call(alice.commit_request(first, base))
        assert await rule_of(alice.client, alice.commit_request(first, base + 1)) == "DS-STATE-TREE"

    play(scenario, Limits(rooms_per_account=2, members_per_room=2, inbox_items=1, commits_without_tree=2))
    assert refused == [False] * 8


def test_what_joiners_need_stays_small_enough_for_one_answer() -> None:
    async def scenario(alice: Person, _bob: Person, _carol: Person) -> None:
        room, info, tree = await alice.create_room(), bytes(MAX_BLOB_SIZE - 1_024), bytes(MAX_BLOB_SIZE)
        assert await rule_of(alice.client, requests.CreateRoom(NO_ROOM, RETENTION, info, tree)) == "DS-STATE-SIZE"
        await alice.client.call(alice.commit_request(room, 0))
        assert await rule_of(alice.client, alice.commit_request(room, 1)) == "DS-STATE-TREE"

    play(scenario, Limits(commits_without_tree=1))


def test_entries_and_claims_come_at_a_bounded_rate() -> None:
    async def scenario(alice: Person, bob: Person, _carol: Person) -> None:
        room = await alice.create_room()
        await alice.publish(room)
        assert await rule_of(alice.client, alice.publish_request(room)) == "DS-RATE"
        await alice.client.call(alice.commit_request(room))
        assert await rule_of(alice.client, alice.commit_request(room, 2)) == "DS-RATE"
        assert await rule_of(alice.client, requests.ClaimKeyPackages(bob.account)) == "DS-POOL-EMPTY"
        assert await rule_of(alice.client, requests.ClaimKeyPackages(bob.account)) == "DS-RATE"

    play(scenario, Limits(publishes=Rate(1, 60.0), commits=Rate(1, 60.0), claims_per_target=Rate(1, 60.0)))


def test_a_pool_of_key_packages_has_a_limit() -> None:
    async def scenario(alice: Person, _bob: Person, _carol: Person) -> None:
        packages = tuple(b"package %d" % number for number in range(3))
        assert await rule_of(alice.client, requests.PutKeyPackages(packages, None)) == "DS-POOL"

    play(scenario, Limits(key_packages=2))
