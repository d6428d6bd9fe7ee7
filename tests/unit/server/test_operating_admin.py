"""What operators do to a running server from beside it, and what the people on it notice."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from entrenous.crypto import Hash
from entrenous.errors import CryptoError, RejectedError
from entrenous.identity import sign_device_list
from entrenous.server import Limits, Rate
from entrenous.server.audit import START
from entrenous.server.operating import Action, Admin, verify
from entrenous.server.people.quotas import kept_bytes
from entrenous.server.store import Statement, Transaction, overview, swept
from entrenous.server.store.operators import DELETED_NAME
from entrenous.server.store.quotas import NONE, Quota
from entrenous.server.store.schema import audit
from entrenous.testing import run_virtual
from entrenous.wire import ErrorCode, RosterAction, events, replies, requests
from server_people import Person, World, is_refusal
from unit.server.refused_rules import rule_of

DAY = 86_400
Scenario = Callable[[World, Person, Person, Admin], Coroutine[Any, Any, None]]


def play(scenario: Scenario, **limits: Any) -> None:
    """Run a scenario with two people on a server, and its operator."""

    async def main() -> None:
        patient = Limits(**{"idle_seconds": 1e9, "stall_seconds": 1e9, **limits})
        async with await World.start(limits=patient) as world:
            admin = Admin(world.memory.server.storage, world.memory.clock, "operator")
            await scenario(world, await world.person("alice"), await world.person("bob"), admin)

    run_virtual(main())


async def followed(world: World, count: int = 1) -> None:
    """The server's next look at what operators did."""
    assert await world.memory.server.follow_operators() == count


async def login_rule(person: Person) -> str:
    client = await person.world.connect()
    return await rule_of(client, person.login_request(client))


async def ended(person: Person) -> str:
    """Why the server ended somebody's connection."""
    await person.client.ended.wait()
    said = None
    while not person.client.events.empty():
        said = person.client.events.get_nowait()
    assert isinstance(said, events.GoingAway)
    return said.reason


def test_a_disabled_account_is_out_at_once_and_comes_back_when_it_is_enabled() -> None:
    async def scenario(world: World, alice: Person, bob: Person, admin: Admin) -> None:
        # A second channel that has shown the password, and no device.
        other = await world.connect()
        assert isinstance(await alice.password_login(other), replies.LoginDone)
        await admin.set_disabled(await admin.user("ALICE"), is_disabled=True)
        await followed(world)
        assert "locked" in await ended(alice)
        await other.ended.wait()
        assert await login_rule(alice) == "AUTH-DISABLED"
        assert not bob.client.ended.is_set()
        assert [user.is_disabled async for user in admin.users()] == [True, False]
        await admin.set_disabled(await admin.user(alice.account.hex()), is_disabled=False)
        await followed(world)
        await alice.reconnect()

    play(scenario)


def test_a_blocked_device_stays_out_while_its_account_may_make_another() -> None:
    async def scenario(world: World, alice: Person, _bob: Person, admin: Admin) -> None:
        device = await admin.find_device(alice.device.hex())
        assert (device.login_name, device.is_blocked, device.key_packages) == ("alice", False, 0)
        await admin.set_blocked(device, is_blocked=True)
        await followed(world)
        assert "blocked" in await ended(alice)
        assert await login_rule(alice) == "AUTH-DEVICE-BLOCKED"
        assert isinstance(await alice.password_login(await world.connect()), replies.LoginDone)
        await admin.set_blocked(device, is_blocked=False)
        await alice.reconnect()
        assert [each.device async for each in admin.devices(await admin.user("alice"))] == [alice.device]
        assert len([each async for each in admin.devices()]) == 2

    play(scenario)


def test_a_deleted_account_leaves_a_place_in_rooms_until_their_members_remove_it() -> None:
    async def scenario(world: World, alice: Person, bob: Person, admin: Admin) -> None:
        room = await alice.create_room()
        base = await alice.add(room, bob)
        await admin.delete_user(await admin.user("bob"))
        await followed(world)
        assert "locked" in await ended(bob)
        # Nobody can tell it from a name that never was.
        assert await login_rule(bob) == "AUTH-CREDENTIALS"
        with pytest.raises(CryptoError):
            await bob.password_login(await world.connect())
        assert is_refusal(await alice.client.call(requests.FindAccount("bob")), ErrorCode.NOT_FOUND)
        left = await alice.client.call(requests.GetAccount(bob.account))
        assert (left.login_name, left.identity_key) == (DELETED_NAME, bob.identity.signing_key.public)
        with pytest.raises(RejectedError, match="deleted") as caught:
            await admin.delete_user(await admin.user(bob.account.hex()))
        assert caught.value.rule == "SRV-ADMIN-TARGET"
        # The name is free, and the room goes on: its members remove who is gone.
        another = await world.person("bob")
        assert another.account != bob.account
        removal = alice.commit_request(room, base, {bob: RosterAction.REMOVE})
        assert isinstance(await alice.client.call(removal), replies.Published)
        # What is left goes once nothing tells of the removal any more.
        await world.memory.server.sweep()
        assert await stored(world, bob) is not None
        await sleep_days(31)
        await world.memory.server.sweep()
        assert await stored(world, bob) is None

    play(scenario)


async def stored(world: World, person: Person) -> overview.User | None:
    return await world.memory.server.storage.read(functools.partial(overview.user, account=person.account))


async def sleep_days(days: int) -> None:
    await asyncio.sleep(days * DAY)


def test_a_deleted_room_is_gone_for_its_members_and_nobody_else_notices() -> None:
    async def scenario(world: World, alice: Person, bob: Person, admin: Admin) -> None:
        room, other = await alice.create_room(1), await bob.create_room(2)
        await alice.publish(room)
        found = await admin.find_room(room.hex())
        assert (found.members, found.managers, found.entries, found.newest) == (1, 1, 1, 1)
        assert found.bytes == len(alice.publish_request(room).entry)
        await admin.delete_room(found)
        await followed(world)
        await ended(alice)
        await alice.reconnect()
        assert (await alice.client.call(requests.ListRooms())).rooms == ()
        assert is_refusal(await alice.publish(room), ErrorCode.NOT_FOUND)
        assert not bob.client.ended.is_set()
        assert [each.room async for each in admin.rooms()] == [other]

    play(scenario)


def test_an_account_that_is_locked_brings_no_device_back_on_a_connection_that_is_open() -> None:
    async def scenario(world: World, alice: Person, bob: Person, admin: Admin) -> None:
        for person, act in ((alice, admin.delete_user), (bob, functools.partial(admin.set_disabled, is_disabled=True))):
            await act(await admin.user(person.name))
            put = requests.PutDeviceList(1, sign_device_list(person.identity, person.devices))
            assert await rule_of(person.client, put) == "AUTH-DISABLED"

    play(scenario)


def test_a_row_that_no_command_has_written_is_passed_over() -> None:
    async def scenario(world: World, alice: Person, _bob: Person, admin: Admin) -> None:
        for action in Action:
            for target in ("no hexadecimal", "ff", "00" * 40, ""):
                await admin.record(action, target)
        await followed(world, 4 * len(Action))
        assert not alice.client.ended.is_set()
        await admin.set_disabled(await admin.user("alice"), is_disabled=True)
        await followed(world)
        await ended(alice)

    play(scenario)


def test_a_room_that_nobody_is_in_goes_by_itself() -> None:
    async def scenario(world: World, alice: Person, bob: Person, admin: Admin) -> None:
        room, kept = await alice.create_room(1), await bob.create_room(2)
        await alice.publish(room)
        await admin.delete_user(await admin.user("alice"))
        await world.memory.server.sweep()
        # A manager who is gone cannot be removed by anybody: the room holds no one but what is left of her.
        assert {each.room async for each in admin.rooms()} == {kept}
        counted = {row.kind: row.deleted for row in await world.memory.server.storage.read(swept.every)}
        assert (counted["empty_rooms"], counted["deleted_accounts"]) == (1, 1)

    play(scenario)


def test_a_revoked_invite_lets_nobody_in() -> None:
    async def scenario(world: World, _alice: Person, _bob: Person, admin: Admin) -> None:
        token = (await world.memory.server.create_invite(3, 3_600)).token
        name = Hash.SHA256.digest(token).hex()
        listed = [each async for each in admin.invites() if each.uses_left]
        assert [each.token_hash.hex() for each in listed] == [name]
        await admin.revoke_invite(await admin.find_invite(name[:12]))
        newcomer = Person(world, "carol", await world.connect())
        assert is_refusal(await newcomer.register(token), ErrorCode.INVITE)
        for wrong in (name[:12], "", "zz"):
            with pytest.raises(RejectedError) as caught:
                await admin.find_invite(wrong)
            assert caught.value.rule == "SRV-ADMIN-TARGET"

    play(scenario)


def test_lists_hold_everything_however_many_pages_that_are() -> None:
    async def scenario(world: World, _alice: Person, _bob: Person, admin: Admin) -> None:
        for _ in range(230):
            await world.memory.server.create_invite(1, 3_600)
        found = [each.token_hash async for each in admin.invites() if each.uses_left]
        assert len(found) == len(set(found)) == 230

    play(scenario)


def test_a_quota_of_rooms_goes_before_the_servers_limit() -> None:
    async def scenario(_world: World, alice: Person, bob: Person, admin: Admin) -> None:
        await admin.set_quota(await admin.user("bob"), Quota(rooms=1, kept_bytes=None))
        room = await alice.create_room(1)
        base = await alice.add(room, bob)
        assert await rule_of(bob.client, requests.CreateRoom(bytes(16), 3_600, b"", b"")) == "DS-ROOMS"
        second = await alice.create_room(2)
        assert await rule_of(alice.client, alice.commit_request(second, 0, {bob: RosterAction.ADD})) == "DS-ROOMS"
        await admin.set_quota(await admin.user("bob"), NONE)
        assert await admin.quota(await admin.user("bob")) == NONE
        await bob.create_room(3)
        assert base == 1

    play(scenario)


def test_a_quota_of_bytes_holds_until_entries_have_gone() -> None:
    async def scenario(world: World, alice: Person, _bob: Person, admin: Admin) -> None:
        storage = world.memory.server.storage
        room = await alice.create_room()
        before = await kept_bytes(storage, alice.account)
        await alice.publish(room, bytes(5_000))
        assert 5_000 < await kept_bytes(storage, alice.account) - before < 5_200
        user = await admin.user("alice")
        await admin.set_quota(user, Quota(rooms=None, kept_bytes=before + 11_000))
        await followed(world)
        await alice.publish(room, bytes(5_000))
        with_more = alice.publish_request(room, bytes(5_000))
        refused = await alice.client.refused(with_more)
        assert (refused.code, refused.number) == (ErrorCode.LIMIT, 600)
        assert await rule_of(alice.client, with_more) == "DS-QUOTA"
        # Reading goes on, and what she has acknowledged makes room.
        await alice.client.call(requests.Acknowledge(room, 2))
        await world.memory.server.sweep()
        await world.memory.server.sweep()
        assert await alice.client.call(with_more) == replies.Published(3)

    play(scenario)


def test_attempts_at_a_password_are_forgotten_when_the_operator_says_so() -> None:
    async def scenario(world: World, alice: Person, _bob: Person, admin: Admin) -> None:
        for _ in range(2):
            await alice.password_login(await world.connect())
        locked = await alice.password_login(await world.connect())
        assert is_refusal(locked, ErrorCode.LIMIT)
        await admin.reset_attempts(await admin.user("alice"))
        await followed(world)
        assert isinstance(await alice.password_login(await world.connect()), replies.LoginDone)

    play(scenario, logins_per_name=Rate(2, 600))


def test_who_or_what_is_not_there_is_said_to_be_that() -> None:
    async def scenario(_world: World, _alice: Person, _bob: Person, admin: Admin) -> None:
        finds: list[Callable[[str], Coroutine[Any, Any, object]]] = [admin.user, admin.find_device, admin.find_room]
        for find in finds:
            for wrong in ("nobody", "00" * 16, "", "ff"):
                with pytest.raises(RejectedError, match="there is no ") as caught:
                    await find(wrong)
                assert caught.value.rule == "SRV-ADMIN-TARGET"

    play(scenario)


def test_each_action_stands_in_the_audit_log_with_who_did_it_and_nothing_in_it_names_who_was_deleted() -> None:
    async def scenario(world: World, alice: Person, bob: Person, admin: Admin) -> None:
        await admin.set_disabled(await admin.user("alice"), is_disabled=True)
        await admin.delete_user(await admin.user("bob"))
        rows = [row async for row in admin.audit()]
        assert [(row.number, row.actor, row.action, row.target, row.detail) for row in rows] == [
            (1, "operator", "users.disable", alice.account.hex(), "alice"),
            (2, "operator", "users.delete", bob.account.hex(), ""),
        ]
        assert rows[0].at_ms == int(world.memory.clock.now() * 1000)
        assert [row.number async for row in admin.audit(after=1)] == [2]

    play(scenario)


def test_an_action_that_fails_leaves_no_row() -> None:
    async def scenario(_world: World, alice: Person, _bob: Person, admin: Admin) -> None:
        room = await admin.find_room((await alice.create_room()).hex())
        await admin.delete_room(room)
        with pytest.raises(RejectedError):
            await admin.delete_room(room)
        assert [row.action async for row in admin.audit()] == [Action.ROOMS_DELETE]

    play(scenario)


@pytest.mark.parametrize(
    ("change", "broken_at"),
    [
        (audit.update().where(audit.c.number == 2).values(detail="something else"), 2),
        (audit.update().where(audit.c.number == 2).values(at_ms=1), 2),
        (audit.delete().where(audit.c.number == 2), 2),
        (audit.delete().where(audit.c.number == 1), 1),
        (audit.update().where(audit.c.number == 4).values(number=9), 4),
    ],
)
def test_a_silent_edit_of_the_audit_log_shows(change: Any, broken_at: int) -> None:
    async def scenario(world: World, _alice: Person, _bob: Person, admin: Admin) -> None:
        storage = world.memory.server.storage
        for number in range(4):
            await admin.record(Action.BACKUP, detail=f"number {number}")
        right = await verify(storage)
        assert (right.rows, right.broken_at, right.knows_noted) == (4, None, None)
        await storage.write(lambda tx: tx.run(Statement(change)))
        assert (await verify(storage)).broken_at == broken_at

    play(scenario)


def test_an_audit_log_without_its_end_is_told_by_a_digest_that_was_noted() -> None:
    async def scenario(world: World, _alice: Person, _bob: Person, admin: Admin) -> None:
        storage = world.memory.server.storage
        assert (await verify(storage, START)).knows_noted is True
        for number in range(3):
            await admin.record(Action.BACKUP, detail=f"number {number}")
        noted = (await verify(storage)).head
        assert (await verify(storage, noted)).knows_noted is True
        await storage.write(lambda tx: tx.run(Statement(audit.delete().where(audit.c.number == 3))))
        found = await verify(storage, noted)
        assert (found.broken_at, found.knows_noted) == (None, False)

    play(scenario)


def test_what_an_action_says_is_bounded() -> None:
    async def scenario(world: World, _alice: Person, _bob: Person, _admin: Admin) -> None:
        admin = Admin(world.memory.server.storage, world.memory.clock, "x" * 10_000)
        await admin.record(Action.BACKUP, detail="y" * 10_000)
        (row,) = [row async for row in admin.audit()]
        assert (len(row.actor), len(row.detail)) == (200, 200)

    play(scenario)


def test_counts_tell_how_much_there_is() -> None:
    async def scenario(world: World, alice: Person, bob: Person, _admin: Admin) -> None:
        room = await alice.create_room()
        await alice.add(room, bob)

        def operation(tx: Transaction) -> dict[str, int]:
            return {name: overview.count(tx, name) for name in overview.COUNTS}

        counts = await world.memory.server.storage.read(operation)
        assert (counts["accounts"], counts["devices"], counts["rooms"], counts["memberships"]) == (2, 2, 1, 2)
        assert (counts["entries"], counts["inbox_items"], counts["group_states"]) == (1, 1, 2)
        assert counts["accounts_disabled"] == counts["devices_blocked"] == 0
        assert counts["inbox_bytes"] == len(b"welcome")
        assert counts["entry_bytes"] > 0
        assert counts["group_state_bytes"] == len(b"info 0" + b"tree 0" + b"info" + b"nodes")
        seen = await world.memory.server.storage.read(lambda tx: overview.devices_seen_since(tx, 0))
        assert seen == 2

    play(scenario)
