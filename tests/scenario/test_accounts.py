"""People and a real server in memory: registering, coming back, logging in elsewhere, and everything that must fail."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client_pages import pages_in_clear
from entrenous.channel import CLASSIC
from entrenous.client.accounts import (
    LoggedIn,
    Registered,
    ServerAddress,
    Stretching,
    forget_recovery_words,
    load_vault,
    log_in,
    recovery_words,
    register,
    save_vault,
    settle,
)
from entrenous.client.environment import Environment, in_place
from entrenous.client.keyfile import StoreKey
from entrenous.client.session import (
    Connected,
    Connection,
    Connector,
    Disconnected,
    RefusedError,
    Session,
    StaleError,
    log_in_device,
    open_connection,
)
from entrenous.client.store import Store, account, contacts, server, vault
from entrenous.client.store.account import AccountState
from entrenous.client.store.contacts import Sighting
from entrenous.client.store.vault import VaultRoomRow
from entrenous.crypto import FLOOR
from entrenous.errors import RejectedError, UnavailableError, UsageError
from entrenous.identity import (
    AccountCredential,
    InviteLink,
    Inviter,
    RecoveryCode,
    ServerIdentity,
    WeakPassword,
    parse_recovery_code,
)
from entrenous.testing import FAST_KSF, MemoryServer, SeededEntropy, VirtualClock
from entrenous.wire import ErrorCode, replies, requests
from scripted_server import virtual

PASSWORD = "maple-orbit-velvet-canyon-thunder"
FAST = Stretching(FAST_KSF, FAST_KSF)
BOB = AccountCredential(b"b" * 16, b"B" * 32)


@dataclass
class Person:
    """One profile and what it needs."""

    store: Store
    environment: Environment
    seed: str

    @classmethod
    def at(cls, path: Path, seed: str) -> "Person":
        path.mkdir(exist_ok=True)
        store = Store.open(path / f"{seed}.db", StoreKey(bytes(32)))
        clock = VirtualClock(asyncio.get_running_loop())
        return cls(store, Environment(clock, SeededEntropy(seed), offload=in_place), seed)

    async def register(self, link: InviteLink, connector: Connector, name: str, **options: Any) -> Registered:
        options = {"password": PASSWORD, "stretching": FAST, **options}
        return await register(link, connector, self.store, self.environment, login_name=name, **options)

    async def log_in(self, world: MemoryServer, name: str, secret: Any = PASSWORD, **options: Any) -> LoggedIn:
        options = {"stretching": FAST, "pin": world.server.server_id, "connector": world.connector(), **options}
        address = ServerAddress("chat.example.org", 7443, options.pop("pin"))
        connector = options.pop("connector")
        return await log_in(address, connector, self.store, self.environment, login_name=name, secret=secret, **options)

    async def connect(self, world: MemoryServer) -> Connection:
        """A connection logged in as this device."""
        connection = await open_connection(world.connector(), self.environment, pin=world.server.server_id)
        await log_in_device(connection, self.store)
        return connection

    def state(self) -> AccountState | None:
        row = account.get(self.store)
        return None if row is None else row.state


@dataclass
class LossyConnector:
    """Loses every answer from the client's n-th write on, and cuts the line a second later."""

    inner: Any
    cut_at: int
    delivered: bool

    async def connect(self, factory: Callable[[], Any]) -> Any:
        protocol = await self.inner.connect(factory)
        wire = self.inner.wires[-1]

        def tamper(data: bytes, upward: bool) -> bytes:
            if len(wire.upstream) < self.cut_at:
                return data
            if not upward:
                return b""
            asyncio.get_running_loop().call_later(1, wire.cut)
            return data if self.delivered else b""

        wire.tamper = tamper
        return protocol


def lossy(world: MemoryServer, cut_at: int, *, delivered: bool) -> LossyConnector:
    return LossyConnector(world.connector(), cut_at, delivered)


#: What a client writes at a registration: the handshake's first message, RegisterStart, RegisterFinish.
REGISTER_START, REGISTER_FINISH = 2, 3
#: And at a login: the handshake's first message, LoginStart, LoginFinish, PutDeviceList.
PUT_DEVICE_LIST = 4

Scenario = Callable[[MemoryServer, Path], Awaitable[None]]


def in_world(scenario: Scenario) -> Callable[[Path], None]:
    """Run a scenario with a server in memory."""

    @virtual
    async def run(tmp_path: Path) -> None:
        async with await MemoryServer.start() as world:
            await scenario(world, tmp_path)

    # pytest reads the parameters of what it is given.
    def test(tmp_path: Path) -> None:
        run(tmp_path)

    test.__name__ = scenario.__name__
    return test


async def invite(world: MemoryServer, uses: int = 5) -> InviteLink:
    return await world.server.create_invite(uses=uses, lifetime=3_600)


async def registered(world: MemoryServer, path: Path, name: str = "alice", **options: Any) -> Person:
    person = Person.at(path, name)
    await person.register(await invite(world), world.connector(), name, **options)
    return person


@in_world
async def test_a_link_becomes_an_account_whose_device_logs_in(world: MemoryServer, tmp_path: Path) -> None:
    alice = Person.at(tmp_path, "alice")
    link = await invite(world)
    result = await alice.register(link, world.connector(), "alice")
    assert alice.state() is AccountState.ACTIVE
    assert len((result.recovery_words or "").split()) == 12
    pinned = server.get(alice.store)
    assert pinned is not None
    assert (pinned.server_id, pinned.host, pinned.port) == (link.server_id, link.host, link.port)

    session = Session(alice.store, world.connector(), alice.environment)
    session.start()
    event = await session.next_event()
    assert isinstance(event, Connected)
    assert event.login.login_name == "alice"
    assert not event.rolled_back
    found = await session.call(requests.FindAccount("ALICE"), replies.Account)
    assert found.account == result.account_id
    await session.close()


@in_world
async def test_the_classic_suite_carries_a_registration_too(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path, suite=CLASSIC)
    pinned = server.get(alice.store)
    assert pinned is not None
    assert pinned.suite == CLASSIC.number


@in_world
async def test_neither_password_nor_recovery_code_nor_keys_cross_the_wire_even_inside_the_channel(
    world: MemoryServer, tmp_path: Path
) -> None:
    alice = Person.at(tmp_path, "alice")
    sent: list[bytes] = []
    original = Connection.call

    async def listening(self: Connection, request: requests.Request, expected: Any) -> Any:
        sent.append(repr(request).encode() + b"".join(getattr(request, name) for name in _bytes_of(request)))
        return await original(self, request, expected)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "call", listening)
        result = await alice.register(await invite(world), world.connector(), "alice")
    row = account.get(alice.store)
    assert row is not None
    everything = b"".join(sent)
    secrets = [PASSWORD.encode(), parse_recovery_code(result.recovery_words or "").reveal()]
    secrets += [seed.reveal() for seed in (row.identity_seed, row.login_seed, row.mls_seed)]
    assert len(sent) == 2
    assert row.device_list in everything  # the search finds what is there
    assert [secret for secret in secrets if secret in everything] == []


def _bytes_of(request: requests.Request) -> list[str]:
    return [name for name in request.__struct_fields__ if isinstance(getattr(request, name), bytes)]


@in_world
async def test_recovery_words_are_kept_until_they_were_shown_and_then_on_no_disk(
    world: MemoryServer, tmp_path: Path
) -> None:
    alice = await registered(world, tmp_path)
    words = recovery_words(alice.store)
    assert words is not None
    alice.store.scrub()
    code = parse_recovery_code(words).reveal()
    assert code in pages_in_clear(tmp_path / "alice.db", bytes(32))
    forget_recovery_words(alice.store)
    assert recovery_words(alice.store) is None
    assert code not in pages_in_clear(tmp_path / "alice.db", bytes(32))
    empty = Person.at(tmp_path, "nobody")
    with pytest.raises(UsageError):
        forget_recovery_words(empty.store)


@in_world
async def test_a_weak_password_is_refused_with_a_better_one_and_the_server_is_not_asked(
    world: MemoryServer, tmp_path: Path
) -> None:
    alice, connector = Person.at(tmp_path, "alice"), world.connector()
    with pytest.raises(WeakPassword) as caught:
        await alice.register(await invite(world), connector, "alice", password="alice1234")
    assert connector.wires == []
    assert alice.state() is None
    await alice.register(await invite(world), connector, "alice", password=caught.value.suggestion)


@in_world
async def test_a_used_up_invite_a_taken_and_a_bad_name_make_nothing(world: MemoryServer, tmp_path: Path) -> None:
    link = await invite(world, uses=1)
    await Person.at(tmp_path, "alice").register(link, world.connector(), "alice")
    bob = Person.at(tmp_path, "bob")
    for invited, name, rule in (
        (link, "bob", "DS-INVITE"),
        (dataclasses.replace(link, token=bytes(16)), "bob", "DS-INVITE"),
        (await invite(world), "Alice", "DS-NAME-TAKEN"),
        (await invite(world), "b b", "DS-NAME-INVALID"),
    ):
        with pytest.raises(RefusedError) as caught:
            await bob.register(invited, world.connector(), name)
        assert caught.value.rule == rule
        assert bob.state() is None
    await bob.register(await invite(world), world.connector(), "bob")


@in_world
async def test_two_people_race_for_one_name_and_the_loser_can_choose_another(
    world: MemoryServer, tmp_path: Path
) -> None:
    link = await invite(world)
    people = [Person.at(tmp_path, seed) for seed in ("one", "two")]
    results = await asyncio.gather(
        *(person.register(link, world.connector(), "sam") for person in people), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["RefusedError", "Registered"]
    loser = people[0] if isinstance(results[0], RefusedError) else people[1]
    assert loser.state() is None
    await loser.register(link, world.connector(), "samantha")
    assert loser.state() is AccountState.ACTIVE


@in_world
async def test_a_server_that_is_not_the_links_learns_nothing(world: MemoryServer, tmp_path: Path) -> None:
    alice, connector = Person.at(tmp_path, "alice"), world.connector()
    link = dataclasses.replace(await invite(world), server_id=bytes(32))
    with pytest.raises(RejectedError) as caught:
        await alice.register(link, connector, "alice")
    assert caught.value.rule == "CHAN-PIN"
    assert len(connector.wires[0].upstream) == 1
    assert alice.state() is None


@in_world
async def test_a_profile_that_is_somebodys_takes_no_second_account(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path)
    with pytest.raises(RejectedError) as caught:
        await alice.register(await invite(world), world.connector(), "other")
    assert caught.value.rule == "PROFILE-TAKEN"
    with pytest.raises(RejectedError):
        await alice.log_in(world, "alice")


@in_world
async def test_a_lost_reply_is_found_out_by_trying_again(world: MemoryServer, tmp_path: Path) -> None:
    alice, link = Person.at(tmp_path, "alice"), await invite(world, uses=1)
    with pytest.raises(UnavailableError):
        await alice.register(link, lossy(world, REGISTER_FINISH, delivered=True), "alice")
    assert alice.state() is AccountState.PENDING
    words = recovery_words(alice.store)
    result = await alice.register(link, world.connector(), "alice")  # the invite is used up, and it does not matter
    assert alice.state() is AccountState.ACTIVE
    assert result.recovery_words == words
    await Person.at(tmp_path, "again").log_in(world, "alice", parse_recovery_code(words or ""))


@in_world
async def test_a_request_that_never_arrived_is_made_again(world: MemoryServer, tmp_path: Path) -> None:
    alice, link = Person.at(tmp_path, "alice"), await invite(world, uses=1)
    for cut_at in (REGISTER_START, REGISTER_FINISH):
        with pytest.raises(UnavailableError):
            await alice.register(link, lossy(world, cut_at, delivered=False), "alice")
        assert alice.state() is (AccountState.PENDING if cut_at == REGISTER_FINISH else None)
    assert not await settle(alice.store, world.connector(), alice.environment)
    assert alice.state() is AccountState.PENDING
    await alice.register(link, world.connector(), "alice")
    assert alice.state() is AccountState.ACTIVE
    assert await settle(alice.store, world.connector(), alice.environment)


@in_world
async def test_a_crash_after_the_request_went_out_is_settled_at_the_next_start(
    world: MemoryServer, tmp_path: Path
) -> None:
    alice = Person.at(tmp_path, "alice")
    registering = asyncio.ensure_future(
        alice.register(await invite(world), lossy(world, REGISTER_FINISH, delivered=True), "alice")
    )
    await asyncio.sleep(0.5)  # the reply is lost, the line is not cut yet
    registering.cancel()
    await asyncio.wait((registering,))
    alice.store.close()
    alice = Person.at(tmp_path, "alice")
    assert alice.state() is AccountState.PENDING
    assert await settle(alice.store, world.connector(), alice.environment)
    assert alice.state() is AccountState.ACTIVE


@in_world
async def test_nothing_is_settled_on_an_empty_profile(world: MemoryServer, tmp_path: Path) -> None:
    nobody = Person.at(tmp_path, "nobody")
    assert not await settle(nobody.store, world.connector(), nobody.environment)


@in_world
async def test_the_inviters_fingerprint_makes_first_contact_no_leap_of_faith(
    world: MemoryServer, tmp_path: Path
) -> None:
    alice = Person.at(tmp_path, "alice")
    link = dataclasses.replace(await invite(world), inviter=Inviter.of(BOB))
    await alice.register(link, world.connector(), "alice")
    with alice.store.transaction() as tx:
        assert contacts.see(tx, BOB.account_id, b"M" * 32, 1) is Sighting.CHANGED
        assert contacts.see(tx, BOB.account_id, BOB.identity_key, 1) is Sighting.FIRST


@in_world
async def test_the_password_makes_a_new_device_and_revokes_the_former_one(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path)
    session = Session(alice.store, world.connector(), alice.environment)
    session.start()
    await session.wait_until_connected()

    second = Person.at(tmp_path, "second")
    result = await second.log_in(world, "alice")
    assert (result.revoked, result.rooms) == (1, 0)
    before, after = account.get(alice.store), account.get(second.store)
    assert before is not None
    assert after is not None
    assert after.account_id == before.account_id
    assert after.identity_seed == before.identity_seed
    assert after.device_id != before.device_id
    assert after.device_list_version == 2

    while not isinstance(event := await session.next_event(), Disconnected) or event.retry_in is not None:
        pass
    assert "revoked" in event.reason
    await session.close()
    connection = await second.connect(world)
    assert await connection.call(requests.Ping(), replies.Done) == replies.Done()
    connection.close()


@in_world
async def test_the_recovery_code_opens_the_account_as_well(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path)
    code = parse_recovery_code((recovery_words(alice.store) or "").upper())
    second = Person.at(tmp_path, "second")
    await second.log_in(world, "alice", code)
    assert second.state() is AccountState.ACTIVE
    assert recovery_words(second.store) is None


@in_world
async def test_wrong_passwords_and_unknown_names_look_alike(world: MemoryServer, tmp_path: Path) -> None:
    await registered(world, tmp_path)
    second = Person.at(tmp_path, "second")
    seen = []
    for name, secret in (
        ("alice", "not-the-right-password-at-all"),
        ("nobody", PASSWORD),
        ("alice", RecoveryCode(bytes(16))),
        ("Ünknown name!", PASSWORD),
    ):
        connector = world.connector()
        with pytest.raises(RejectedError) as caught:
            await second.log_in(world, name, secret, connector=connector)
        seen.append((caught.value.rule, str(caught.value), len(b"".join(connector.wires[0].downstream))))
        assert second.state() is None
    assert len(set(seen)) == 1
    assert seen[0][0] == "AUTH-CREDENTIALS"


@in_world
async def test_without_a_pin_a_person_decides_before_anything_is_sent(world: MemoryServer, tmp_path: Path) -> None:
    await registered(world, tmp_path)
    second, connector = Person.at(tmp_path, "second"), world.connector()
    shown: list[ServerIdentity] = []

    async def decline(identity: ServerIdentity) -> bool:
        shown.append(identity)
        return False

    async def accept(identity: ServerIdentity) -> bool:
        return identity.server_id == world.server.server_id

    with pytest.raises(RejectedError) as caught:
        await second.log_in(world, "alice", pin=None, accept_server=decline, connector=connector)
    assert caught.value.rule == "AUTH-SERVER-DECLINED"
    assert [identity.server_id for identity in shown] == [world.server.server_id]
    assert sum(map(len, connector.wires[0].upstream[1:])) < 100  # nothing but a goodbye
    with pytest.raises(UsageError):
        await second.log_in(world, "alice", pin=None)
    await second.log_in(world, "alice", pin=None, accept_server=accept)
    pinned = server.get(second.store)
    assert pinned is not None
    assert pinned.server_id == world.server.server_id


@in_world
async def test_a_server_that_makes_the_password_cheap_to_guess_is_refused(world: MemoryServer, tmp_path: Path) -> None:
    await registered(world, tmp_path)  # with a record that is far below the product's floor
    second = Person.at(tmp_path, "second")
    with pytest.raises(RejectedError) as caught:
        await second.log_in(world, "alice", stretching=Stretching(FLOOR, FLOOR))
    assert caught.value.rule == "AUTH-KSF-FLOOR"
    assert second.state() is None


@in_world
async def test_a_lost_reply_to_a_login_is_settled_by_a_device_login(world: MemoryServer, tmp_path: Path) -> None:
    await registered(world, tmp_path)
    for seed, delivered in (("second", True), ("third", False)):
        person = Person.at(tmp_path, seed)
        with pytest.raises(UnavailableError):
            await person.log_in(world, "alice", connector=lossy(world, PUT_DEVICE_LIST, delivered=delivered))
        assert person.state() is AccountState.PENDING
        assert await settle(person.store, world.connector(), person.environment) is delivered
        assert (person.state() is AccountState.ACTIVE) is delivered
        if not delivered:
            await person.log_in(world, "alice")


@in_world
async def test_a_login_that_the_server_refuses_leaves_the_profile_empty(world: MemoryServer, tmp_path: Path) -> None:
    await registered(world, tmp_path)
    second, original = Person.at(tmp_path, "second"), Connection.call
    for refused, code, rule in (
        (requests.LoginFinish, ErrorCode.BAD_CREDENTIALS, "AUTH-CREDENTIALS"),
        (requests.LoginFinish, ErrorCode.DENIED, "DS-DENIED"),
        (requests.PutDeviceList, ErrorCode.DENIED, "DS-DENIED"),
    ):

        async def call(
            self: Connection,
            request: requests.Request,
            expected: Any,
            refused: type[requests.Request] = refused,
            code: ErrorCode = code,
        ) -> Any:
            if isinstance(request, refused):
                raise RefusedError(replies.Error(code, "no"))
            return await original(self, request, expected)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Connection, "call", call)
            with pytest.raises(RejectedError) as caught:
                await second.log_in(world, "alice")
        assert caught.value.rule == rule
        assert second.state() is None


@in_world
async def test_two_logins_at_the_same_moment_leave_one_device(world: MemoryServer, tmp_path: Path) -> None:
    await registered(world, tmp_path)
    people, original = [Person.at(tmp_path, seed) for seed in ("second", "third")], Connection.call
    both_have_read_the_list = asyncio.Barrier(2)

    async def call(self: Connection, request: requests.Request, expected: Any) -> Any:
        if isinstance(request, requests.PutDeviceList):
            await both_have_read_the_list.wait()
        return await original(self, request, expected)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "call", call)
        results = await asyncio.gather(*(person.log_in(world, "alice") for person in people), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["LoggedIn", "UnavailableError"]
    loser = people[0] if isinstance(results[0], UnavailableError) else people[1]
    assert loser.state() is None
    await loser.log_in(world, "alice")
    assert loser.state() is AccountState.ACTIVE


@in_world
async def test_a_copied_profile_gives_itself_away(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path)
    connection = await alice.connect(world)
    connection.close()
    alice.store.close()
    (tmp_path / "copy.db").write_bytes((tmp_path / "alice.db").read_bytes())
    copy, alice = Person.at(tmp_path, "copy"), Person.at(tmp_path, "alice")
    connection = await alice.connect(world)
    connection.close()
    session = Session(copy.store, world.connector(), copy.environment)
    session.start()
    with pytest.raises(RejectedError, match="copy of one that was used since"):
        await session.wait_until_connected()
    await session.close()


@in_world
async def test_the_vault_brings_contacts_blocks_and_rooms_to_a_new_device(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path)
    with alice.store.transaction() as tx:
        contacts.see(tx, BOB.account_id, BOB.identity_key, 1)
        contacts.put_name(tx, BOB.account_id, "bob")
        contacts.set_verified(tx, BOB.account_id, verified=True)
        contacts.hear_of(tx, b"m" * 16, 1)
        contacts.set_blocked(tx, b"m" * 16, blocked=True)
        vault.put_room(tx, VaultRoomRow(b"r" * 16, b"k" * 32, 1, 2, 3))
    connection = await alice.connect(world)
    assert await save_vault(connection, alice.store, alice.environment) == 2
    assert await save_vault(connection, alice.store, alice.environment) == 3
    connection.close()

    second = Person.at(tmp_path, "second")
    assert (await second.log_in(world, "alice")).rooms == 1
    bob, mallory = contacts.get(second.store, BOB.account_id), contacts.get(second.store, b"m" * 16)
    assert bob is not None
    assert mallory is not None
    assert (bob.identity_key, bob.login_name, bob.is_verified, bob.is_blocked) == (BOB.identity_key, "bob", True, False)
    assert mallory.is_blocked
    assert vault.rooms(second.store) == [VaultRoomRow(b"r" * 16, b"k" * 32, 1, 2, 3)]
    connection = await second.connect(world)
    assert await save_vault(connection, second.store, second.environment) == 4
    connection.close()


@in_world
async def test_a_vault_whose_reply_was_lost_is_taken_in_and_followed(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path)
    connection = await alice.connect(world)
    known = vault.get(alice.store)
    assert known is not None
    with alice.store.transaction() as tx:
        vault.put_room(tx, VaultRoomRow(b"r" * 16, b"k" * 32, 1, 2, 3))
    await save_vault(connection, alice.store, alice.environment)
    with alice.store.transaction() as tx:
        vault.put(tx, known)  # as if the answer had been lost
        vault.put_room(tx, VaultRoomRow(b"r" * 16, b"k" * 32, 1, 5, 9))
    assert await save_vault(connection, alice.store, alice.environment) == 3
    body = await load_vault(connection, alice.store, alice.environment)
    assert [(room.epoch, room.sequence) for room in body.rooms] == [(5, 9)]
    connection.close()


@in_world
async def test_a_server_that_takes_the_vault_back_is_caught(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path)
    connection = await alice.connect(world)
    old = await connection.call(requests.GetVault(), replies.Vault)
    await save_vault(connection, alice.store, alice.environment)

    class Lying:
        """Answers with the old vault, under its old number or a newer one."""

        def __init__(self, version: int) -> None:
            self.version = version

        async def call(self, request: requests.Request, expected: Any) -> Any:
            return replies.Vault(old.vault, self.version)

    with pytest.raises(RejectedError) as caught:
        await load_vault(Lying(1), alice.store, alice.environment)
    assert caught.value.rule == "ID-VAULT-ROLLBACK"
    with alice.store.transaction() as tx:
        vault.put_version(tx, 1)  # a device that has not seen the newer one
    with pytest.raises(RejectedError) as caught:
        await load_vault(Lying(2), alice.store, alice.environment)
    assert caught.value.rule == "AUTH-VAULT-VERSION"
    connection.close()


@in_world
async def test_a_vault_that_keeps_changing_is_given_up_after_one_more_try(world: MemoryServer, tmp_path: Path) -> None:
    alice = await registered(world, tmp_path)
    connection = await alice.connect(world)

    class Racing:
        """Lets another device save in front of every save."""

        async def call(self, request: requests.Request, expected: Any) -> Any:
            if isinstance(request, requests.PutVault):
                raise StaleError(replies.Error(ErrorCode.STALE, "another version is stored", 9))
            return await connection.call(request, expected)

    with pytest.raises(StaleError):
        await save_vault(Racing(), alice.store, alice.environment)
    connection.close()
