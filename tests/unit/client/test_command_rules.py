"""Every rule of commands (CLIENT-…, INVITE-…), broken by people with a real server."""

import dataclasses
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from entrenous.client import (
    AcceptIdentity,
    Command,
    CreateRoom,
    FindRoom,
    InviteMember,
    KickMember,
    ListMembers,
    RefreshKeys,
    RemovedFromRoom,
    RoomJoined,
    SendText,
    WaitUntilSent,
)
from entrenous.client.commands import MAX_ROOM_NAME, MAX_TEXT, MAX_TOPIC
from entrenous.client.invitations import FoundAccount, claim_devices
from entrenous.client.store import contacts, outbox
from entrenous.errors import RejectedError
from entrenous.testing import run_virtual
from entrenous.testing.members import Person, World
from entrenous.wire import replies, requests
from entrenous.wire.types import ClaimedKeyPackage
from identity_people import account, device
from room_devices import Device

Scenario = Callable[[Person, Person], Coroutine[Any, Any, None]]
NOWHERE = bytes(16)


def play(directory: Path, scenario: Scenario) -> None:
    """Run a scenario with two people."""

    async def main() -> None:
        async with await World.open(directory) as world:
            await scenario(*await world.people("alice", "bob"))

    run_virtual(main())


async def rule_of(person: Person, command: Command[Any]) -> str:
    """The rule under which a client refuses a command."""
    with pytest.raises(RejectedError) as refused:
        await person.do(command)
    return refused.value.rule


def test_what_cannot_be_said_or_named_is_refused_before_anything_is_stored(tmp_path: Path) -> None:
    async def scenario(alice: Person, _bob: Person) -> None:
        room = (await alice.do(CreateRoom("garden"))).room
        for text in ("", " \n", "x" * (MAX_TEXT + 1), "\ud800"):
            assert await rule_of(alice, SendText(room, text)) == "CLIENT-TEXT"
        for name in ("", "x" * (MAX_ROOM_NAME + 1)):
            assert await rule_of(alice, CreateRoom(name)) == "CLIENT-ROOM-NAME"
        assert await rule_of(alice, CreateRoom("cellar", topic="x" * (MAX_TOPIC + 1))) == "CLIENT-TOPIC"
        assert await rule_of(alice, CreateRoom("cellar", retention_seconds=3_599)) == "CLIENT-RETENTION"
        assert outbox.of_room(alice.store, room) == []

    play(tmp_path, scenario)


def test_rooms_and_people_are_named_without_doubt(tmp_path: Path) -> None:
    async def scenario(alice: Person, _bob: Person) -> None:
        room = (await alice.do(CreateRoom("garden"))).room
        assert await rule_of(alice, FindRoom("cellar")) == "CLIENT-ROOM"
        assert await rule_of(alice, ListMembers(NOWHERE)) == "CLIENT-ROOM"
        await alice.do(CreateRoom("Garden"))
        assert await rule_of(alice, FindRoom("garden")) == "CLIENT-ROOM-AMBIGUOUS"
        assert await rule_of(alice, KickMember(room, "bob")) == "CLIENT-MEMBER"
        for command in (InviteMember(room, "alice"), KickMember(room, "alice")):
            assert await rule_of(alice, command) == "CLIENT-SELF"

    play(tmp_path, scenario)


def test_who_was_removed_says_nothing_more(tmp_path: Path) -> None:
    async def scenario(alice: Person, bob: Person) -> None:
        room = (await alice.do(CreateRoom("garden"))).room
        await alice.do(InviteMember(room, "bob"))
        await bob.sees(RoomJoined)
        await alice.do(KickMember(room, "bob"))
        await bob.sees(RemovedFromRoom)
        for command in (SendText(room, "hello"), RefreshKeys(room)):
            assert await rule_of(bob, command) == "CLIENT-REMOVED"

    play(tmp_path, scenario)


def test_another_identity_key_has_to_be_accepted_first(tmp_path: Path) -> None:
    async def scenario(alice: Person, bob: Person) -> None:
        room = (await alice.do(CreateRoom("garden"))).room
        assert await rule_of(alice, AcceptIdentity("bob")) == "CLIENT-CONTACT"
        with alice.store.transaction() as tx:
            contacts.see(tx, bob.running.account, b"another key of 32 bytes, once so", 0)
        assert await rule_of(alice, InviteMember(room, "bob")) == "CLIENT-IDENTITY-CHANGED"
        await alice.do(AcceptIdentity("bob"))
        assert (await alice.do(InviteMember(room, "bob"))).login_name == "bob"

    play(tmp_path, scenario)


def test_who_waits_for_a_message_that_has_failed_is_told(tmp_path: Path) -> None:
    async def scenario(alice: Person, _bob: Person) -> None:
        room = (await alice.do(CreateRoom("garden"))).room
        message = await alice.do(SendText(room, "hello"))
        with alice.store.transaction() as tx:
            outbox.fail(tx, message.message_id, "the server has put something else in its place")
        assert await rule_of(alice, WaitUntilSent(message)) == "CLIENT-NOT-SENT"

    play(tmp_path, scenario)


def test_a_room_with_a_gap_is_changed_by_nobody_who_has_not_seen_what_was_in_it(tmp_path: Path) -> None:
    async def scenario(alice: Person, bob: Person) -> None:
        room = (await alice.do(CreateRoom("garden"))).room
        await alice.do(InviteMember(room, "bob"))
        await bob.sees(RoomJoined)
        bob.running._hall.get(room).follower.has_gap = True
        bob.running._hall.get(room).follower._shown_gap = bob.running._hall.get(room).follower.cursor
        assert await rule_of(bob, RefreshKeys(room)) == "CLIENT-GAP"

    play(tmp_path, scenario)


class Claims:
    """A server that hands out these KeyPackages."""

    def __init__(self, *claimed: ClaimedKeyPackage) -> None:
        self.claimed = claimed

    async def call(self, request: requests.Request, expected: type[Any]) -> Any:
        assert isinstance(request, requests.ClaimKeyPackages)
        assert expected is replies.KeyPackages
        return replies.KeyPackages(self.claimed)


def claim(owner: Device, device_id: bytes) -> ClaimedKeyPackage:
    return ClaimedKeyPackage(device_id, owner.key_package().key_package.encode(), last_resort=False)


def test_only_listed_devices_of_the_account_are_added(tmp_path: Path) -> None:
    async def scenario(alice: Person, _bob: Person) -> None:
        carol, dave = account(3), account(4)
        listed, other = Device(carol, device(30)), Device(carol, device(31))
        stranger = Device(dave, device(40))
        found = FoundAccount(carol.credential, listed.devices)
        here = listed.device.device_id
        for rule, claimed in (
            ("INVITE-DEVICE", ()),
            ("INVITE-DEVICE", (claim(other, other.device.device_id),)),
            ("INVITE-DEVICE", (claim(listed, other.device.device_id),)),
            ("INVITE-ACCOUNT", (claim(stranger, here),)),
        ):
            services = dataclasses.replace(alice.running._services, caller=Claims(*claimed))
            with pytest.raises(RejectedError) as refused:
                await claim_devices(found, services)
            assert refused.value.rule == rule
        services = dataclasses.replace(alice.running._services, caller=Claims(claim(listed, here)))
        assert [one.device_id for one in (await claim_devices(found, services)).devices] == [here]

    play(tmp_path, scenario)
