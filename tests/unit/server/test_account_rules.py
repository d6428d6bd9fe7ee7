"""Every rule of accounts (AUTH-…) and of the key file, broken through the real server and found under its own name."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from entrenous.errors import RejectedError
from entrenous.identity import DeviceKeys, DeviceList, sign_device_list
from entrenous.opaque import start_login
from entrenous.server import Limits
from entrenous.server.people.keys import load_or_create_keys
from entrenous.server.store.schema import accounts
from entrenous.server.store.statements import Statement
from entrenous.testing import SeededEntropy, run_virtual
from entrenous.wire import requests
from entrenous.wire.types import KsfParameters
from server_people import Person, RawClient, World
from unit.server.refused_rules import rule_of, rule_of_reply

Scenario = Callable[[World, Person], Coroutine[Any, Any, None]]


def play(scenario: Scenario, **options: Any) -> None:
    """Run a scenario with one person who is logged in."""

    async def main() -> None:
        async with await World.start(**options) as world:
            await scenario(world, await world.person("alice"))

    run_virtual(main())


async def token_for(world: World) -> bytes:
    return (await world.memory.server.create_invite(1, 3_600)).token


async def newcomer(world: World, name: str) -> Person:
    return Person(world, name, await world.connect())


def login_start(world: World, name: str = "alice") -> requests.LoginStart:
    return requests.LoginStart(name, False, start_login(b"a password", world.entropy)[1])


def test_requests_come_in_their_order() -> None:
    async def scenario(world: World, alice: Person) -> None:
        client = await world.connect()
        assert await rule_of(client, requests.ListRooms()) == "AUTH-DEVICE"
        assert await rule_of(client, requests.GetVault()) == "AUTH-ACCOUNT"
        assert await rule_of(client, requests.LoginFinish(bytes(64))) == "AUTH-ORDER"
        finish = requests.RegisterFinish(KsfParameters(8, 1, 1), b"", b"", bytes(32), b"", b"")
        assert await rule_of(client, finish) == "AUTH-ORDER"
        assert await rule_of(alice.client, login_start(world)) == "AUTH-ORDER"

    play(scenario)


def test_a_channel_is_one_accounts() -> None:
    async def scenario(world: World, alice: Person) -> None:
        bob, client = await world.register("bob"), await world.connect()
        await alice.password_login(client)
        assert await rule_of(client, bob.login_request(client)) == "AUTH-ACCOUNT"

    play(scenario)


def test_what_proves_nothing_is_refused_without_saying_why() -> None:
    async def scenario(world: World, alice: Person) -> None:
        client = await world.connect()
        for name in ("alice", "nobody"):
            await client.call(login_start(world, name))
            assert await rule_of(client, requests.LoginFinish(bytes(64))) == "AUTH-CREDENTIALS"
        for device in (alice.device, bytes(16)):
            unsigned = requests.DeviceLogin(alice.account, device, 9, bytes(64))
            assert await rule_of(client, unsigned) == "AUTH-CREDENTIALS"

    play(scenario)


def test_a_copied_profile_is_told_by_its_launch_counter() -> None:
    async def scenario(world: World, alice: Person) -> None:
        client = await world.connect()
        alice.launches -= 1
        assert await rule_of(client, alice.login_request(client)) == "AUTH-CLONE"

    play(scenario)


def test_a_disabled_account_logs_in_neither_way_and_keeps_its_password_to_itself() -> None:
    async def scenario(world: World, alice: Person) -> None:
        lock = Statement(accounts.update().values(disabled=1))
        await world.memory.server.storage.write(lambda tx: tx.run(lock))
        client = await world.connect()
        assert await rule_of(client, alice.login_request(client)) == "AUTH-DISABLED"
        assert await rule_of_reply(alice.password_login(client)) == "AUTH-DISABLED"
        await client.call(login_start(world))
        assert await rule_of(client, requests.LoginFinish(bytes(64))) == "AUTH-CREDENTIALS"

    play(scenario)


def test_names_and_invites_are_judged_before_anything_is_made() -> None:
    async def scenario(world: World, _alice: Person) -> None:
        for rule, name, token in (
            ("AUTH-NAME", "no name", await token_for(world)),
            ("AUTH-NAME-TAKEN", "ALICE", await token_for(world)),
            ("AUTH-INVITE", "bob", bytes(16)),
        ):
            assert await rule_of_reply((await newcomer(world, name)).register(token)) == rule

    play(scenario)


@dataclass
class Altering(RawClient):
    """Changes one field of the registration that it carries."""

    client: RawClient
    fields: Callable[[requests.RegisterFinish], dict[str, Any]]

    async def call(self, request: requests.Request) -> Any:
        if isinstance(request, requests.RegisterFinish):
            kept = {name: getattr(request, name) for name in request.__struct_fields__}
            request = requests.RegisterFinish(**{**kept, **self.fields(request)})
        return await self.client.call(request)


def test_a_registration_brings_a_first_device_list_and_a_costly_record() -> None:
    async def scenario(world: World, alice: Person) -> None:
        def second_list(_request: requests.RegisterFinish) -> dict[str, Any]:
            listed = DeviceList(bob.account, 2, bob.devices.devices, ())
            return {"device_list": sign_device_list(bob.identity, listed)}

        def alices_device(_request: requests.RegisterFinish) -> dict[str, Any]:
            listed = DeviceList(bob.account, 1, (alice.keys.entry,), ())
            return {"device_list": sign_device_list(bob.identity, listed)}

        for rule, fields in (
            ("AUTH-LIST-VERSION", second_list),
            ("AUTH-DEVICE-ID", alices_device),
            ("AUTH-KSF-CEILING", lambda _: {"ksf": KsfParameters(8, 1, 64)}),
        ):
            bob = await newcomer(world, "bob")
            bob.client = Altering(bob.client, fields)
            assert await rule_of_reply(bob.register(await token_for(world))) == rule

    play(scenario)


def test_what_an_account_keeps_is_compared_and_set() -> None:
    async def scenario(world: World, alice: Person) -> None:
        listed = DeviceList(alice.account, 2, (*alice.devices.devices, DeviceKeys.generate(world.entropy).entry), ())
        signed = sign_device_list(alice.identity, listed)
        assert await rule_of(alice.client, requests.PutDeviceList(2, signed)) == "AUTH-STALE"
        # The largest number of the protocol is also the store's.
        for version in (0, 2, (1 << 63) - 1):
            assert await rule_of(alice.client, requests.PutVault(version, b"vault")) == "AUTH-STALE"
            assert await rule_of(alice.client, requests.PutDeviceList(version, signed)) == "AUTH-STALE"

    play(scenario)


def test_only_accounts_that_share_a_room_are_found_by_their_id() -> None:
    async def scenario(world: World, alice: Person) -> None:
        bob = await world.register("bob")
        for account in (bob.account, bytes(16)):
            assert await rule_of(alice.client, requests.GetAccount(account)) == "AUTH-NO-ACCOUNT"
        assert await rule_of(alice.client, requests.FindAccount("nobody")) == "AUTH-NO-ACCOUNT"
        assert await rule_of(alice.client, requests.ClaimKeyPackages(bytes(16))) == "AUTH-NO-ACCOUNT"

    play(scenario)


def test_members_make_so_many_invites() -> None:
    async def scenario(_world: World, alice: Person) -> None:
        await alice.client.call(requests.CreateInvite(1, 60))
        assert await rule_of(alice.client, requests.CreateInvite(1, 60)) == "AUTH-INVITES"

    play(scenario, limits=Limits(invites_per_account=1))


def test_on_some_servers_only_the_operator_invites() -> None:
    async def scenario(_world: World, alice: Person) -> None:
        assert await rule_of(alice.client, requests.CreateInvite(1, 60)) == "AUTH-INVITE-DENIED"

    play(scenario, members_may_invite=False)


@pytest.mark.parametrize("shared", ["keys", "keys/server.keys"])
def test_a_key_file_that_others_can_read_is_not_used(tmp_path: Path, shared: str) -> None:
    path = tmp_path / "keys" / "server.keys"
    first = load_or_create_keys(path, SeededEntropy("first"))
    assert load_or_create_keys(path, SeededEntropy("again")).server_id == first.server_id
    place = tmp_path / shared
    place.chmod(place.stat().st_mode | 0o040)
    with pytest.raises(RejectedError) as refused:
        load_or_create_keys(path, SeededEntropy("again"))
    assert refused.value.rule == "SRV-KEYS-MODE"
