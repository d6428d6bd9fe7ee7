"""Accounts through the real server: registering, both logins, device lists, vaults, invites, KeyPackages."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from entrenous.channel import CLASSIC
from entrenous.errors import CryptoError
from entrenous.identity import DeviceKeys, DeviceList, sign_device_list, sign_device_login
from entrenous.opaque import KE2, start_login, start_registration
from entrenous.server import Limits, Rate
from entrenous.testing import run_virtual
from entrenous.wire import ErrorCode, replies, requests
from entrenous.wire.types import KsfParameters
from server_people import KSF, Person, World

Scenario = Callable[[World], Coroutine[Any, Any, None]]


def play(scenario: Scenario, **options: Any) -> None:
    async def main() -> None:
        async with await World.start(**options) as world:
            await scenario(world)

    run_virtual(main())


async def attempt(world: World, name: str, token: bytes) -> Any:
    """What a registration of that name comes to."""
    return await Person(world, name, await world.connect()).register(token)


async def token_for(world: World, uses: int = 1, lifetime: int = 3_600) -> bytes:
    return (await world.memory.server.create_invite(uses, lifetime)).token


def code_of(reply: Any) -> ErrorCode:
    assert isinstance(reply, replies.Error), reply
    return reply.code


def test_an_invite_counts_its_uses_and_expires() -> None:
    async def scenario(world: World) -> None:
        token = await token_for(world, uses=2, lifetime=100)
        assert await attempt(world, "alice", token) == replies.Done()
        assert await attempt(world, "bob", token) == replies.Done()
        assert code_of(await attempt(world, "carol", token)) is ErrorCode.INVITE
        assert code_of(await attempt(world, "carol", bytes(16))) is ErrorCode.INVITE
        late = await token_for(world, lifetime=100)
        await asyncio.sleep(101)
        assert code_of(await attempt(world, "carol", late)) is ErrorCode.INVITE

    play(scenario)


def test_of_two_who_show_the_last_use_at_once_one_gets_in_and_the_other_stores_nothing() -> None:
    async def scenario(world: World) -> None:
        token = await token_for(world)
        people = [Person(world, name, await world.connect()) for name in ("alice", "bob")]
        results = await asyncio.gather(*(person.register(token) for person in people))
        assert sorted(type(result).__name__ for result in results) == ["Done", "Error"]
        loser = people[[isinstance(result, replies.Error) for result in results].index(True)]
        assert await attempt(world, loser.name, await token_for(world)) == replies.Done()

    play(scenario)


@pytest.mark.parametrize("name", ["a", "x" * 33, "two words", "-dash", ".dot", "a/b", "tab\t", "\u202eevil", "smile😀"])
def test_a_name_that_breaks_a_rule_is_refused(name: str) -> None:
    async def scenario(world: World) -> None:
        assert code_of(await attempt(world, name, await token_for(world))) is ErrorCode.NAME_INVALID

    play(scenario)


@pytest.mark.parametrize("name", ["Alice", "ALICE", "ａｌｉｃｅ"])
def test_names_that_look_the_same_are_the_same(name: str) -> None:
    async def scenario(world: World) -> None:
        await world.register("alice")
        assert code_of(await attempt(world, name, await token_for(world))) is ErrorCode.NAME_TAKEN

    play(scenario)


def test_names_of_all_scripts_are_kept_in_nfc() -> None:
    async def scenario(world: World) -> None:
        person = await world.person("Zoe\u0308.Дарья-1")
        found = await person.client.call(requests.FindAccount("ZOË.дарья-1"))
        assert found.login_name == "Zoë.Дарья-1"
        assert found.account == person.account

    play(scenario)


def test_registering_stores_everything_or_nothing() -> None:
    async def scenario(world: World) -> None:
        token = await token_for(world)
        broken: list[tuple[str, Callable[[requests.RegisterFinish], requests.RegisterFinish], ErrorCode]] = [
            ("record", lambda r: change(r, password_record=bytes(192)), ErrorCode.MALFORMED),
            ("record", lambda r: change(r, recovery_record=r.recovery_record[:-1]), ErrorCode.MALFORMED),
            ("list", lambda r: change(r, device_list=r.device_list[:-1]), ErrorCode.MALFORMED),
            ("signature", lambda r: change(r, device_list=flip(r.device_list)), ErrorCode.BAD_CREDENTIALS),
            ("key", lambda r: change(r, identity_key=bytes(32)), ErrorCode.BAD_CREDENTIALS),
            ("cost", lambda r: change(r, ksf=KsfParameters(8, 1, 64)), ErrorCode.DENIED),
        ]
        for name, breaker, code in broken:
            person = Meddler(world, "alice", await world.connect())
            person.meddle = breaker
            assert code_of(await person.register(token)) is code, name
        assert await attempt(world, "alice", token) == replies.Done()

    play(scenario)


def change(request: requests.RegisterFinish, **fields: Any) -> requests.RegisterFinish:
    names = ("ksf", "password_record", "recovery_record", "identity_key", "device_list", "vault")
    return requests.RegisterFinish(*(fields.get(name, getattr(request, name)) for name in names))


def flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


class Meddler(Person):
    """Changes its RegisterFinish on the way."""

    meddle: Callable[[requests.RegisterFinish], requests.RegisterFinish]

    async def register(self, token: bytes) -> Any:
        call = self.client.call

        async def changed(request: requests.Request) -> Any:
            return await call(self.meddle(request) if isinstance(request, requests.RegisterFinish) else request)

        self.client.call = changed  # type: ignore[method-assign]  # this is the point
        return await super().register(token)


def test_a_first_device_list_of_another_version_or_account_is_refused() -> None:
    async def scenario(world: World) -> None:
        token = await token_for(world)
        for account, version in ((None, 2), (bytes(16), 1)):
            person = Meddler(world, "alice", await world.connect())

            def relisted(
                request: requests.RegisterFinish,
                person: Meddler = person,
                account: bytes | None = account,
                version: int = version,
            ) -> requests.RegisterFinish:
                listed = DeviceList(account or person.account, version, person.devices.devices, ())
                identity = type(person.identity)(listed.account_id, person.identity.signing_key)
                return change(request, device_list=sign_device_list(identity, listed))

            person.meddle = relisted
            assert code_of(await person.register(token)) is ErrorCode.DENIED
        assert await attempt(world, "alice", token) == replies.Done()

    play(scenario)


def test_the_password_and_the_recovery_code_both_log_in_and_the_vault_comes_back() -> None:
    async def scenario(world: World) -> None:
        alice = await world.register("alice")
        for recovery in (False, True):
            client = await world.connect()
            done = await alice.password_login(client, recovery=recovery)
            assert done == replies.LoginDone(sign_device_list(alice.identity, alice.devices), b"the vault", 1)
            assert await client.call(requests.GetVault()) == replies.Vault(b"the vault", 1)

    play(scenario)


def test_both_suites_bind_the_login_to_their_channel() -> None:
    async def scenario(world: World) -> None:
        alice = await world.register("alice")
        client = await world.connect(suite=CLASSIC)
        assert isinstance(await alice.password_login(client), replies.LoginDone)

    play(scenario)


def test_a_wrong_password_shows_to_the_client_and_its_ke3_to_the_server() -> None:
    async def scenario(world: World) -> None:
        alice = await world.register("alice")
        client = await world.connect()
        with pytest.raises(CryptoError):
            await alice.password_login(client, b"wrong")
        assert code_of(await client.call(requests.LoginFinish(bytes(64)))) is ErrorCode.BAD_CREDENTIALS
        assert code_of(await client.call(requests.GetVault())) is ErrorCode.UNAUTHENTICATED
        # One KE2, one try.
        assert code_of(await client.call(requests.LoginFinish(bytes(64)))) is ErrorCode.UNAUTHENTICATED
        assert isinstance(await alice.password_login(client), replies.LoginDone)

    play(scenario)


def test_an_unknown_name_gets_the_same_bytes_as_a_known_one() -> None:
    async def scenario(world: World) -> None:
        alice = await world.register("alice")
        shapes = set()
        fakes = []
        for name in ("alice", "nobody", "Nobody", "not a possible name", "x"):
            for recovery in (False, True):
                client = await world.connect()
                _, ke1 = start_login(b"password", world.entropy)
                challenge = await client.call(requests.LoginStart(name, recovery, ke1))
                shapes.add((type(challenge), len(challenge.account), challenge.ksf, len(challenge.ke2)))
                if name.lower() == "nobody":
                    fakes.append(challenge.account)
                refused = await client.call(requests.LoginFinish(bytes(64)))
                assert refused == replies.Error(ErrorCode.BAD_CREDENTIALS, "the name or the proof is wrong")
        assert shapes == {(replies.LoginChallenge, 16, KSF, 320)}
        # The same fake id each time, for every spelling and both records, and not the same KE2.
        assert len(set(fakes)) == 1
        assert fakes[0] != alice.account

    play(scenario)


def test_the_work_for_an_unknown_name_is_the_work_for_a_known_one() -> None:
    """Counted, not timed: which steps the server takes may not depend on whether the name exists."""

    async def scenario(world: World) -> None:
        await world.register("alice")
        services = world.memory.server.services
        steps = []
        for name in ("alice", "nobody"):
            client = await world.connect()
            _, ke1 = start_login(b"password", world.entropy)
            operations = services.login.storage.operations
            await client.call(requests.LoginStart(name, recovery=False, ke1=ke1))
            steps.append(services.login.storage.operations - operations)
        assert steps == [1, 1]

    play(scenario)


def test_a_fake_record_answers_the_same_password_with_the_same_evaluation() -> None:
    """A name whose OPRF key changed from one attempt to the next would be known not to exist."""

    async def scenario(world: World) -> None:
        _, ke1 = start_login(b"password", world.entropy)
        evaluations = set()
        for _ in range(2):
            client = await world.connect()
            challenge = await client.call(requests.LoginStart("nobody", recovery=False, ke1=ke1))
            evaluations.add(KE2.decode(challenge.ke2).credential_response.evaluated_message)
        assert len(evaluations) == 1

    play(scenario)


def test_logins_are_limited_per_name_and_per_address_also_for_names_that_do_not_exist() -> None:
    async def scenario(world: World) -> None:
        await world.register("alice")

        async def ask(name: str, address: str) -> Any:
            client = await world.connect(address=address)
            _, ke1 = start_login(b"password", world.entropy)
            return await client.call(requests.LoginStart(name, recovery=False, ke1=ke1))

        for name, address in (("alice", "198.51.100.1"), ("nobody", "198.51.100.2")):
            for _ in range(3):
                assert isinstance(await ask(name, address), replies.LoginChallenge)
            limited = await ask(name, "198.51.100.3")
            assert code_of(limited) is ErrorCode.LIMIT
            assert limited.number == 200
        for number in range(2):
            assert isinstance(await ask(f"other{number}", "198.51.100.3"), replies.LoginChallenge)
        assert code_of(await ask("other3", "198.51.100.3")) is ErrorCode.LIMIT
        assert isinstance(await ask("other3", "198.51.100.4"), replies.LoginChallenge)

    play(scenario, limits=Limits(logins_per_name=Rate(3, 600.0), logins_per_address=Rate(4, 600.0)))


def test_a_device_logs_in_with_a_growing_launch_counter_and_a_copy_is_noticed() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        await alice.reconnect()
        copied = alice.launches
        await alice.reconnect()
        for launches in (copied, copied - 1):
            alice.launches = launches
            client = await world.connect()
            refusal = await client.refused(alice.login_request(client))
            assert (refusal.code, refusal.number) == (ErrorCode.CLONED, copied + 1)
            assert code_of(await client.call(requests.ListRooms())) is ErrorCode.UNAUTHENTICATED

    play(scenario)


def test_a_login_relayed_onto_another_channel_or_signed_for_another_server_is_refused() -> None:
    async def scenario(world: World) -> None:
        alice = await world.register("alice")
        one, other = await world.connect(), await world.connect()
        relayed = alice.login_request(one)
        assert (await other.refused(relayed)).code is ErrorCode.BAD_CREDENTIALS
        signature = sign_device_login(
            alice.keys,
            handshake_hash=other.channel.handshake_hash,
            server_id=bytes(32),
            account_id=alice.account,
            launch_counter=9,
        )
        elsewhere = requests.DeviceLogin(alice.account, alice.device, 9, signature)
        assert (await other.refused(elsewhere)).code is ErrorCode.BAD_CREDENTIALS
        assert isinstance(await one.call(relayed), replies.DeviceLoginDone)

    play(scenario)


def test_an_unknown_device_and_a_wrong_signature_are_not_told_apart() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.register("alice"), await world.register("bob")
        client = await world.connect()
        good = alice.login_request(client)
        wrong = [
            requests.DeviceLogin(good.account, bytes(16), good.launch_counter, good.signature),
            requests.DeviceLogin(bob.account, good.device, good.launch_counter, good.signature),
            requests.DeviceLogin(good.account, good.device, good.launch_counter + 1, good.signature),
            requests.DeviceLogin(good.account, good.device, good.launch_counter, bytes(64)),
        ]
        assert {await client.refused(request) for request in wrong} == {
            replies.Error(ErrorCode.BAD_CREDENTIALS, "the name or the proof is wrong")
        }
        # A signature that nobody could check moved no counter.
        assert isinstance(await client.call(good), replies.DeviceLoginDone)

    play(scenario)


def test_a_channel_of_one_account_does_not_become_a_device_of_another() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.register("alice"), await world.register("bob")
        client = await world.connect()
        await alice.password_login(client)
        assert (await client.refused(bob.login_request(client))).code is ErrorCode.BAD_CREDENTIALS
        assert isinstance(await client.call(alice.login_request(client)), replies.DeviceLoginDone)
        _, ke1 = start_login(b"x", world.entropy)
        for request in (requests.LoginStart("bob", recovery=False, ke1=ke1), bob.login_request(client)):
            assert (await client.refused(request)).code is ErrorCode.UNAUTHENTICATED

    play(scenario)


def test_the_newer_connection_of_a_device_replaces_the_older() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        older = alice.client
        await alice.reconnect()
        await older.ended.wait()
        assert (await older.event()).reason == "this device has connected again"
        assert await alice.client.call(requests.Ping()) == replies.Done()

    play(scenario)


def next_list(person: Person, *, revoke: bool = True) -> tuple[DeviceKeys, DeviceList]:
    """The list in which a new device joins and, as after a password login, the others are revoked."""
    keys = DeviceKeys.generate(person.world.entropy)
    before = person.devices
    revoked = (*before.revoked, *(device.device_id for device in before.devices)) if revoke else before.revoked
    kept = () if revoke else before.devices
    return keys, DeviceList(person.account, before.version + 1, (*kept, keys.entry), revoked)


def test_a_new_device_replaces_the_old_one_whose_connection_ends() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        old, old_login = alice.client, alice.login_request
        client = await world.connect()
        await alice.password_login(client)
        keys, listed = next_list(alice)
        put = requests.PutDeviceList(1, sign_device_list(alice.identity, listed))
        assert await client.call(put) == replies.Done()
        await old.ended.wait()
        assert (await old.event()).reason == "this device was revoked"
        again = await world.connect()
        assert (await again.refused(old_login(again))).code is ErrorCode.BAD_CREDENTIALS
        alice.keys, alice.devices, alice.client = keys, listed, client
        assert (await alice.log_in()).device_list_version == 2

    play(scenario)


def test_a_device_list_is_compared_and_set_and_only_a_signed_successor_is_taken() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.person("alice"), await world.person("bob")
        _, listed = next_list(alice, revoke=False)
        signed = sign_device_list(alice.identity, listed)
        stale = await alice.client.refused(requests.PutDeviceList(0, signed))
        assert (stale.code, stale.number) == (ErrorCode.STALE, 1)
        skipped = DeviceList(alice.account, 3, listed.devices, ())
        lost = DeviceList(alice.account, 2, listed.devices[1:], ())
        wrong = [
            (sign_device_list(alice.identity, skipped), ErrorCode.DENIED),
            (sign_device_list(alice.identity, lost), ErrorCode.DENIED),
            (sign_device_list(bob.identity, next_list(bob)[1]), ErrorCode.DENIED),
            (flip(signed), ErrorCode.BAD_CREDENTIALS),
            (signed + b"\0", ErrorCode.MALFORMED),
        ]
        for data, code in wrong:
            assert (await alice.client.refused(requests.PutDeviceList(1, data))).code is code
        assert await alice.client.call(requests.PutDeviceList(1, signed)) == replies.Done()
        assert (await alice.client.refused(requests.PutDeviceList(1, signed))).code is ErrorCode.STALE
        assert await alice.client.call(requests.Ping()) == replies.Done()

    play(scenario)


def test_a_device_id_of_another_account_cannot_be_listed() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.person("alice"), await world.person("bob")
        listed = DeviceList(bob.account, 2, (*bob.devices.devices, alice.keys.entry), ())
        request = requests.PutDeviceList(1, sign_device_list(bob.identity, listed))
        assert (await bob.client.refused(request)).code is ErrorCode.DENIED
        assert (await bob.client.call(requests.GetAccount(bob.account))).device_list != request.device_list
        assert await alice.client.call(requests.Ping()) == replies.Done()

    play(scenario)


def test_a_vault_is_compared_and_set() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        assert await alice.client.call(requests.PutVault(1, b"second")) == replies.Done()
        stale = await alice.client.refused(requests.PutVault(1, b"lost update"))
        assert (stale.code, stale.number) == (ErrorCode.STALE, 2)
        assert await alice.client.call(requests.GetVault()) == replies.Vault(b"second", 2)
        assert (await alice.reconnect()).vault_version == 2

    play(scenario)


def test_accounts_are_found_by_name_and_by_id_only_in_a_shared_room() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.person("alice"), await world.person("bob")
        found = await alice.client.call(requests.FindAccount("BOB"))
        signed = sign_device_list(bob.identity, bob.devices)
        assert found == replies.Account(bob.account, "bob", bob.identity.signing_key.public, signed)
        assert (await alice.client.refused(requests.FindAccount("nobody"))).code is ErrorCode.NOT_FOUND
        stranger = await alice.client.refused(requests.GetAccount(bob.account))
        assert stranger == await alice.client.refused(requests.GetAccount(bytes(16)))
        await alice.add(await alice.create_room(), bob)
        assert await alice.client.call(requests.GetAccount(bob.account)) == found
        assert (await alice.client.call(requests.GetAccount(alice.account))).login_name == "alice"

    play(scenario)


def test_members_make_invites_unless_the_operator_keeps_that_right() -> None:
    async def open_server(world: World) -> None:
        alice = await world.person("alice")
        made = await alice.client.call(requests.CreateInvite(1, 3_600))
        assert made.address == "chat.example.org:7443"
        assert made.expires_at == int(world.memory.clock.now()) + 3_600
        assert await attempt(world, "bob", made.token) == replies.Done()
        for _ in range(2):
            await alice.client.call(requests.CreateInvite(1, 3_600))
        assert (await alice.client.refused(requests.CreateInvite(1, 3_600))).code is ErrorCode.LIMIT

    async def closed_server(world: World) -> None:
        alice = await world.person("alice")
        assert (await alice.client.refused(requests.CreateInvite(1, 3_600))).code is ErrorCode.DENIED

    play(open_server, limits=Limits(invites_per_account=3))
    play(closed_server, members_may_invite=False)


def test_each_key_package_is_handed_out_once_and_then_the_last_resort() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.person("alice"), await world.person("bob")
        assert (await alice.client.refused(requests.ClaimKeyPackages(bob.account))).code is ErrorCode.NO_KEY_PACKAGE
        put = requests.PutKeyPackages((b"one", b"two"), b"last")
        assert await bob.client.call(put) == replies.KeyPackageCount(2)
        pending = [alice.client.start(requests.ClaimKeyPackages(bob.account)) for _ in range(4)]
        claimed = [reply.packages[0] for reply in await asyncio.gather(*pending)]
        assert [(item.key_package, item.last_resort) for item in claimed] == [
            (b"one", False),
            (b"two", False),
            (b"last", True),
            (b"last", True),
        ]
        assert {item.device for item in claimed} == {bob.device}
        assert await bob.client.call(requests.PutKeyPackages((), b"newer last")) == replies.KeyPackageCount(0)
        packages = (await alice.client.call(requests.ClaimKeyPackages(bob.account))).packages
        assert packages[0].key_package == b"newer last"
        assert (await bob.reconnect()).key_packages == 0
        assert (await alice.client.refused(requests.ClaimKeyPackages(bytes(16)))).code is ErrorCode.NOT_FOUND

    play(scenario)


def test_one_account_cannot_empty_anothers_pool() -> None:
    async def scenario(world: World) -> None:
        alice, bob, mallory = [await world.person(name) for name in ("alice", "bob", "mallory")]
        await bob.client.call(requests.PutKeyPackages(tuple(b"%d" % n for n in range(10)), None))
        for _ in range(2):
            assert isinstance(await mallory.client.call(requests.ClaimKeyPackages(bob.account)), replies.KeyPackages)
        refusal = await mallory.client.refused(requests.ClaimKeyPackages(bob.account))
        assert (refusal.code, refusal.number) == (ErrorCode.LIMIT, 1_800)
        assert isinstance(await alice.client.call(requests.ClaimKeyPackages(bob.account)), replies.KeyPackages)
        assert (await mallory.client.refused(requests.ClaimKeyPackages(alice.account))).code is ErrorCode.NO_KEY_PACKAGE
        assert (await mallory.client.refused(requests.ClaimKeyPackages(alice.account))).code is ErrorCode.LIMIT

    play(scenario, limits=Limits(claims=Rate(4, 3_600.0), claims_per_target=Rate(2, 3_600.0)))


def test_a_pool_is_bounded_and_an_upload_that_is_too_large_adds_nothing() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        assert await alice.client.call(requests.PutKeyPackages((b"1", b"2", b"3"), None)) == replies.KeyPackageCount(3)
        assert (await alice.client.refused(requests.PutKeyPackages((b"4", b"5"), b"last"))).code is ErrorCode.TOO_LARGE
        assert await alice.client.call(requests.PutKeyPackages((), None)) == replies.KeyPackageCount(3)

    play(scenario, limits=Limits(key_packages=4))


def test_registration_messages_that_are_no_group_elements_are_refused() -> None:
    async def scenario(world: World) -> None:
        token = await token_for(world)
        client = await world.connect()
        _, good = start_registration(b"x", world.entropy)
        for first, second in ((bytes(32), good), (good, b"\xff" * 32)):
            reply = await client.call(requests.RegisterStart(token, "alice", first, second))
            assert code_of(reply) is ErrorCode.BAD_CREDENTIALS
        for ke1, code in ((bytes(96), ErrorCode.BAD_CREDENTIALS), (b"short", ErrorCode.MALFORMED)):
            assert code_of(await client.call(requests.LoginStart("alice", recovery=False, ke1=ke1))) is code

    play(scenario)
