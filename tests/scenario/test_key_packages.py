"""KeyPackages against a real server in memory: a pool that refills, a last resort that is replaced, keys that go."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from entrenous.client import key_packages as pool
from entrenous.client.accounts import Stretching, register
from entrenous.client.environment import Environment, in_place
from entrenous.client.keyfile import StoreKey
from entrenous.client.own_device import LAST_RESORT_EXTENSION, OwnDevice
from entrenous.client.session import Connection, RefusedError, log_in_device, open_connection
from entrenous.client.store import Store, key_packages
from entrenous.errors import UnavailableError
from entrenous.identity import LEAF_CERTIFICATE_EXTENSION, verify_leaf
from entrenous.mls.group import KeyPackageBundle, check_key_package, check_lifetime
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.tree import GroupRules
from entrenous.mls.types import BasicCredential, KeyPackage, find_extension
from entrenous.testing import FAST_KSF, MemoryServer, SeededEntropy, VirtualClock
from entrenous.wire import ErrorCode, replies, requests
from scripted_server import virtual

DAY = 86_400


class Profile:
    """A registered device and a connection logged in as it."""

    def __init__(self, store: Store, environment: Environment, connection: Connection, stored: int) -> None:
        self.store = store
        self.environment = environment
        self.connection = connection
        self.stored = stored
        self.device = OwnDevice.load(store, environment.entropy)

    @classmethod
    async def make(cls, world: MemoryServer, path: Path, name: str) -> "Profile":
        store = Store.open(path / f"{name}.db", StoreKey(bytes(32)))
        clock = VirtualClock(asyncio.get_running_loop())
        environment = Environment(clock, SeededEntropy(name), offload=in_place)
        link = await world.server.create_invite(uses=1, lifetime=3600)
        await register(
            link,
            world.connector(),
            store,
            environment,
            login_name=name,
            password="maple-orbit-velvet-canyon-thunder",
            stretching=Stretching(FAST_KSF, FAST_KSF),
        )
        connection = await open_connection(world.connector(), environment, pin=link.server_id)
        done = await log_in_device(connection, store)
        return cls(store, environment, connection, done.key_packages)

    async def refill(self, caller: Any = None) -> int:
        caller = caller or self.connection
        self.stored = await pool.refill(caller, self.store, self.environment, self.device, stored=self.stored)
        pool.forget_expired(self.store, self.environment)
        return self.stored

    async def claim(self, other: "Profile") -> replies.KeyPackages:
        request = requests.ClaimKeyPackages(other.device.account_id)
        return await self.connection.call(request, replies.KeyPackages)

    async def reconnect(self, world: MemoryServer) -> None:
        self.connection.close()
        self.connection = await open_connection(world.connector(), self.environment, pin=world.server.server_id)
        self.stored = (await log_in_device(self.connection, self.store)).key_packages


Scenario = Callable[[MemoryServer, Profile, Profile], Awaitable[None]]


def with_two_people(scenario: Scenario) -> Callable[[Path], None]:
    @virtual
    async def run(tmp_path: Path) -> None:
        async with await MemoryServer.start() as world:
            alice, bob = [await Profile.make(world, tmp_path, name) for name in ("alice", "bob")]
            await scenario(world, alice, bob)
            for person in (alice, bob):
                person.connection.close()
                person.store.close()

    def test(tmp_path: Path) -> None:
        run(tmp_path)

    test.__name__ = scenario.__name__
    return test


@with_two_people
async def test_what_is_handed_out_is_valid_certified_and_ours_to_open(
    world: MemoryServer, alice: Profile, bob: Profile
) -> None:
    assert await alice.refill() == 100
    claimed = (await bob.claim(alice)).packages
    assert [(one.device, one.last_resort) for one in claimed] == [(alice.device.device_id, False)]
    package = KeyPackage.decode(claimed[0].key_package)
    check_key_package(package, GroupRules.of(ROOM_SUITE, bytes(16), ()))
    check_lifetime(package, bob.environment.seconds())
    leaf = package.leaf_node
    certificate = find_extension(leaf.extensions, LEAF_CERTIFICATE_EXTENSION)
    assert certificate is not None
    assert isinstance(leaf.credential, BasicCredential)
    owner = verify_leaf(leaf.credential.identity, leaf.signature_key, certificate)
    assert (owner.account_id, owner.device_id) == (alice.device.account_id, alice.device.device_id)
    row = key_packages.get(alice.store, ROOM_SUITE.key_package_ref(package.encode()))
    assert row is not None
    assert KeyPackageBundle.decode(row.bundle).key_package == package


@with_two_people
async def test_the_pool_is_refilled_below_25_and_not_before(world: MemoryServer, alice: Profile, bob: Profile) -> None:
    await alice.refill()
    seen = set()
    for _ in range(75):
        await asyncio.sleep(60)  # claims are rate-limited
        seen.add((await bob.claim(alice)).packages[0].key_package)
    assert len(seen) == 75
    await alice.reconnect(world)
    assert alice.stored == 25
    assert await alice.refill() == 25
    await bob.claim(alice)
    assert await pool.refill(alice.connection, alice.store, alice.environment, alice.device) == 100  # it asks


@with_two_people
async def test_the_last_resort_is_flagged_and_replaced_once_used_or_old(
    world: MemoryServer, alice: Profile, bob: Profile
) -> None:
    await alice.refill()

    async def last_resort() -> KeyPackage:
        for _ in range(101):
            claimed = (await bob.claim(alice)).packages[0]
            if claimed.last_resort:
                return KeyPackage.decode(claimed.key_package)
            await asyncio.sleep(60)
        raise AssertionError("the pool has no end")

    first = await last_resort()
    assert find_extension(first.extensions, LAST_RESORT_EXTENSION) == b""
    reference = ROOM_SUITE.key_package_ref(first.encode())
    with alice.store.transaction() as tx:
        key_packages.use(tx, reference, alice.environment.seconds())
    await alice.reconnect(world)
    await alice.refill()
    assert key_packages.get(alice.store, reference) is not None  # another Welcome may be on its way
    second = await last_resort()
    assert second != first
    await asyncio.sleep(2 * DAY)
    await alice.reconnect(world)
    await bob.reconnect(world)
    await alice.refill()
    assert key_packages.get(alice.store, reference) is None
    assert await last_resort() == second  # neither used nor old
    await asyncio.sleep(7 * DAY)
    await alice.reconnect(world)
    await bob.reconnect(world)
    await alice.refill()
    assert await last_resort() != second


@with_two_people
async def test_a_device_that_was_away_for_long_makes_new_ones_and_forgets_the_old(
    world: MemoryServer, alice: Profile, bob: Profile
) -> None:
    await alice.refill()
    assert len(alice.store.all("SELECT 1 FROM key_packages")) == 101
    await asyncio.sleep(40 * DAY)
    await alice.reconnect(world)
    await alice.refill()
    rows = alice.store.all("SELECT expires_at FROM key_packages")
    assert len(rows) == 101
    assert min(row[0] for row in rows) > alice.environment.seconds()


@with_two_people
async def test_private_parts_are_on_disk_before_the_server_is_asked(
    world: MemoryServer, alice: Profile, bob: Profile
) -> None:
    class Dropping:
        """Loses the answer."""

        async def call(self, request: requests.Request, expected: Any) -> Any:
            assert len(alice.store.all("SELECT 1 FROM key_packages")) == 101
            await alice.connection.call(request, expected)
            raise UnavailableError("the line was cut")

    with pytest.raises(UnavailableError):
        await alice.refill(Dropping())
    claimed = KeyPackage.decode((await bob.claim(alice)).packages[0].key_package)
    assert key_packages.get(alice.store, ROOM_SUITE.key_package_ref(claimed.encode())) is not None


@with_two_people
async def test_what_the_server_refuses_is_not_kept(world: MemoryServer, alice: Profile, bob: Profile) -> None:
    class Refusing:
        """Takes nothing."""

        async def call(self, request: requests.Request, expected: Any) -> Any:
            raise RefusedError(replies.Error(ErrorCode.TOO_LARGE, "the pool is full"))

    with pytest.raises(RefusedError):
        await alice.refill(Refusing())
    assert alice.store.all("SELECT 1 FROM key_packages") == []
    assert await alice.refill() == 100
