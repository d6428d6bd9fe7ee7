"""KeyPackages whose lifetime is over are neither handed out nor counted, and do not stay on the disk."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from entrenous.errors import MalformedError
from entrenous.mls.types import BasicCredential, Capabilities, KeyPackage, LeafNode, Lifetime, ProtocolVersion
from entrenous.mls.types.leaf_node import FromUpdate, Source
from entrenous.server.configuration.settings import DAY
from entrenous.server.people.key_packages import LONGEST
from entrenous.testing import VirtualClock, run_virtual
from entrenous.wire import ErrorCode, replies, requests
from server_people import Person, World

Scenario = Callable[[World, Person, Person], Coroutine[Any, Any, None]]


def play(scenario: Scenario) -> None:
    async def main() -> None:
        async with await World.start() as world:
            await scenario(world, await world.person("alice"), await world.person("bob"))

    run_virtual(main())


def package(name: bytes, source: Source) -> bytes:
    """A KeyPackage, as far as a server can tell."""
    leaf = LeafNode(
        encryption_key=b"key",
        signature_key=b"key",
        credential=BasicCredential(name),
        capabilities=Capabilities((1,), (1,), (), (), (1,)),
        source=source,
        extensions=(),
        signature=b"signature",
    )
    return KeyPackage(ProtocolVersion.MLS10, 1, b"init key", leaf, (), b"signature").encode()


def until(world: World, days: float) -> Lifetime:
    return Lifetime(0, int(world.memory.clock.now() + days * DAY))


async def put(person: Person, packages: list[bytes], last_resort: bytes | None = None) -> int:
    reply = await person.client.call(requests.PutKeyPackages(tuple(packages), last_resort))
    assert isinstance(reply, replies.KeyPackageCount), reply
    return reply.count


async def claim(person: Person, other: Person) -> list[bytes]:
    reply = await person.client.call(requests.ClaimKeyPackages(other.account))
    if isinstance(reply, replies.Error):
        assert reply.code is ErrorCode.NO_KEY_PACKAGE
        return []
    return [each.key_package for each in reply.packages]


def rows(world: World) -> int:
    connection = world.memory.server.storage._engine.raw_connection()
    (found,) = connection.cursor().execute("SELECT count(*) FROM key_packages").fetchone()
    return int(found)


def later(world: World, days: float) -> None:
    """Time passes; nobody's connection minds."""
    clock = world.memory.clock
    assert isinstance(clock, VirtualClock)
    clock.shift(days * DAY)


async def again(person: Person) -> replies.DeviceLoginDone:
    reply = await person.reconnect()
    assert isinstance(reply, replies.DeviceLoginDone)
    return reply


def test_a_package_whose_lifetime_is_over_is_skipped_and_the_next_one_handed_out() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        old, new = package(b"old", until(world, 1)), package(b"new", until(world, 30))
        last = package(b"last", until(world, 2))
        assert await put(bob, [old, old, new], last) == 3
        later(world, 1.5)
        await again(alice)
        assert await claim(alice, bob) == [new]
        assert await claim(alice, bob) == [last]
        later(world, 1)
        await again(alice)
        assert await claim(alice, bob) == []

    play(scenario)


def test_a_device_is_told_how_many_packages_are_good() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        del alice
        ends = [1.0, 1.0, 3.0]
        assert await put(bob, [package(b"%d" % number, until(world, days)) for number, days in enumerate(ends)]) == 3
        later(world, 2)
        assert (await again(bob)).key_packages == 1
        assert await put(bob, []) == 1
        assert rows(world) == 1

    play(scenario)


def test_the_packages_of_a_device_that_does_not_come_back_are_swept_away() -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        del alice
        await put(bob, [package(b"one", until(world, 1)), package(b"two", until(world, 3))])
        later(world, 2)
        await world.memory.server.sweep()
        assert rows(world) == 1

    play(scenario)


@pytest.mark.parametrize("kind", ["unreadable", "no lifetime", "for ever"])
def test_what_has_no_end_of_its_own_is_kept_for_so_long_and_no_longer(kind: str) -> None:
    async def scenario(world: World, alice: Person, bob: Person) -> None:
        del alice
        bodies = {
            "unreadable": b"no KeyPackage",
            "no lifetime": package(b"bob", FromUpdate()),
            "for ever": package(b"bob", Lifetime(0, 2**64 - 1)),
        }
        await put(bob, [bodies[kind]])
        later(world, LONGEST / DAY - 1)
        await world.memory.server.sweep()
        assert rows(world) == 1
        later(world, 2)
        await world.memory.server.sweep()
        assert rows(world) == 0

    play(scenario)


def test_nothing_is_read_of_a_key_package_beyond_its_lifetime() -> None:
    """Thousands of extensions in each of two hundred packages would keep everybody waiting while they are read."""

    async def scenario(world: World, alice: Person, bob: Person) -> None:
        lifetime = until(world, 1)
        whole = package(b"bob", lifetime)
        cut = whole[: whole.index(lifetime.encode()) + len(lifetime.encode())]
        with pytest.raises(MalformedError):
            KeyPackage.decode(cut)
        await put(bob, [cut])
        later(world, 2)
        await again(alice)
        assert await claim(alice, bob) == []

    play(scenario)
