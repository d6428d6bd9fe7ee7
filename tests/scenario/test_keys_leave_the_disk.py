"""Keys leave the disk after use: no page of a client's files, decrypted with the store's key, contains one.

Five seconds after its use, or when the client has ended, a used key is on no page of the database, in use or free, and
in no frame of the log beside it; and there is no other file that could hold one (docs/spec/delivery.md). The same
search finds keys that are not used yet, and, before those five seconds are over, used ones.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

from client_pages import pages_in_clear
from crashes.players import STORE_KEY
from entrenous.client import KickMember, RefreshKeys, RemovedFromRoom
from entrenous.client.store import Store, rooms, vault
from entrenous.errors import UnavailableError
from entrenous.mls.group import Group, KeyPackageBundle
from entrenous.mls.schedule import Ratchet
from entrenous.testing import MemoryConnector
from entrenous.testing.members import Person, World
from entrenous.trace import Field
from worlds import garden, in_world

#: Virtual seconds in which a used key leaves the disk.
SOON = 5.0
#: Traced secrets that an epoch keeps as long as it lasts.
OF_AN_EPOCH = {
    "sender_data_secret",
    "exporter_secret",
    "external_secret",
    "confirmation_key",
    "membership_key",
    "resumption_psk",
    "epoch_authenticator",
    "init_secret",
}
#: Traced secrets that others are derived from at once.
NEVER_KEPT = {"joiner_secret", "member_secret", "welcome_secret", "epoch_secret", "commit_secret", "encryption_secret"}


@dataclass
class Derived:
    """A Trace that keeps every secret of the groups, by name."""

    secrets: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        del inputs
        self.secrets[name.partition("[")[0]].add(secret)

    def step(self, name: str, **fields: Field) -> None:
        """Not of interest."""

    def of(self, names: Iterable[str]) -> set[bytes]:
        """All secrets of some names."""
        return set().union(*(self.secrets[name] for name in names))


class Disk:
    """What one person's client has on the disk at one moment."""

    def __init__(self, person: Person) -> None:
        files = sorted(path for path in person.path.parent.iterdir() if path.name.startswith(person.path.stem))
        known = {f"{person.path.name}{suffix}" for suffix in ("", "-wal", "-shm")}
        assert {path.name for path in files} <= known, "a file that nobody knows"
        self._clear = pages_in_clear(person.path, STORE_KEY.reveal()) + b"".join(path.read_bytes() for path in files)

    def find(self, secrets: Iterable[bytes]) -> set[bytes]:
        """Those of some secrets that are there. One that two pages share has a whole half on one of them."""
        return {one for one in secrets if one[: len(one) // 2] in self._clear or one[len(one) // 2 :] in self._clear}


def groups_of(person: Person) -> list[Group]:
    """The state of every room that a person's store holds."""
    found = [rooms.epoch(person.store, room) for room in rooms.all_rooms(person.store)]
    return [Group.decode(row.group_state) for row in found if row is not None and row.group_state is not None]


def epoch_secrets(person: Person) -> set[bytes]:
    """What the present epochs keep: their named secrets, and the private keys of the tree."""
    found: set[bytes] = set()
    for group in groups_of(person):
        secrets = group.secrets
        found |= {getattr(secrets, name).reveal() for name in OF_AN_EPOCH}
        found |= {key.reveal() for key in group.private_keys.values()}
    return found


def message_secrets(person: Person) -> set[bytes]:
    """What messages to come are derived from: secrets of the secret tree, and of the ratchets."""
    nodes = {bytes(secret) for (secret,) in person.store.all("SELECT secret FROM secret_nodes")}
    return nodes | {Ratchet.decode(row).secret for (row,) in person.store.all("SELECT ratchet FROM ratchets")}


def package_keys(person: Person) -> set[bytes]:
    """The private keys of the KeyPackages that may still be used: init keys, and the leaf keys with them."""
    bundles = [KeyPackageBundle.decode(row) for (row,) in person.store.all("SELECT bundle FROM key_packages")]
    return {key.reveal() for bundle in bundles for key in (bundle.init_private, bundle.encryption_private)}


def access_keys(person: Person) -> set[bytes]:
    """The room access keys in force."""
    return {row.access_key for row in vault.rooms(person.store)}


def everything(person: Person) -> set[bytes]:
    """Every secret that a person's store holds of rooms and for joining some."""
    return epoch_secrets(person) | message_secrets(person) | package_keys(person) | access_keys(person)


def line_of(person: Person) -> MemoryConnector:
    """How a person reaches the server."""
    assert isinstance(person.connector, MemoryConnector)
    return person.connector


async def traced(world: World, *names: str) -> tuple[Derived, tuple[Person, ...]]:
    """People whose clients' derivations are kept."""
    trace = Derived()
    world.trace = trace
    return trace, await world.people(*names)


def assert_gone(person: Person, used: set[bytes]) -> None:
    """Nothing that was used is on the disk; what is not used yet is, and the search finds it."""
    assert used, "nothing was used"
    disk = Disk(person)
    kept = everything(person) if person.client is not None else set()
    assert disk.find(kept) == kept, "the search misses keys that are on the disk"
    assert not disk.find(used - kept), f"{len(disk.find(used - kept))} used keys are on {person.name}'s disk"


@in_world
async def test_what_messages_have_used_is_gone_from_senders_and_receivers_disks(world: World) -> None:
    trace, people = await traced(world, "alice", "bob")
    alice, bob = people
    room = await garden(alice, bob)
    await asyncio.sleep(SOON)
    before = {person.name: message_secrets(person) for person in people}
    for number in range(3):
        await alice.says(room, f"alice {number}")
        await bob.reads(f"alice {number}")
        await bob.says(room, f"bob {number}")
        await alice.reads(f"bob {number}")
    at_once = {person.name: before[person.name] - message_secrets(person) for person in people}
    # The control: the log beside the database still has what was used a moment ago.
    assert all(Disk(person).find(at_once[person.name]) for person in people)
    await asyncio.sleep(SOON)
    for person in people:
        assert_gone(person, at_once[person.name] | trace.of({"message_key"}))
        await person.stop()
        assert_gone(person, at_once[person.name] | trace.of({"message_key"}))


@in_world
async def test_what_past_epochs_had_is_gone_from_every_members_disk(world: World) -> None:
    trace, people = await traced(world, "alice", "bob", "carol")
    alice, bob, carol = people
    room = await garden(alice, bob, carol)
    past: dict[str, set[bytes]] = defaultdict(set)

    def remember() -> None:
        for person in people:
            past[person.name] |= epoch_secrets(person) | message_secrets(person) | access_keys(person)

    await asyncio.sleep(SOON)
    remember()
    await bob.do(RefreshKeys(room))
    await alice.says(room, "in bob's epoch")
    await carol.reads("in bob's epoch")
    remember()
    await alice.do(RefreshKeys(room))
    await bob.says(room, "in alice's epoch")
    await carol.reads("in alice's epoch")
    remember()
    await alice.do(KickMember(room, "carol"))
    await carol.sees(RemovedFromRoom)
    await bob.says(room, "without carol")
    await alice.reads("without carol")
    await asyncio.sleep(SOON)
    traced_secrets = trace.of(NEVER_KEPT | OF_AN_EPOCH | {"message_key", "path_secret"})
    for person in people:
        used = past[person.name] | traced_secrets
        assert_gone(person, used)
    # Who was removed keeps nothing of the room, not even of the epoch he was in.
    assert not Disk(carol).find(past["carol"] | traced_secrets)
    for person in people:
        current = everything(person)
        await person.stop()
        assert_gone(person, (past[person.name] | traced_secrets) - current)


@in_world
async def test_the_private_keys_of_a_key_package_are_gone_once_a_welcome_has_used_it(world: World) -> None:
    _, people = await traced(world, "alice", "bob")
    alice, bob = people
    before = package_keys(bob)
    room = await garden(alice, bob)
    await asyncio.sleep(SOON)
    used = before - package_keys(bob)
    assert len(used) == 2
    (init_key,) = used - epoch_secrets(bob)  # the leaf key is the member's until his first Commit
    assert_gone(bob, {init_key})
    await bob.do(RefreshKeys(room))
    await asyncio.sleep(SOON)
    assert_gone(bob, used)
    await bob.stop()
    assert_gone(bob, used)


@in_world
async def test_a_commit_that_came_too_late_leaves_nothing_of_the_epoch_that_it_would_have_begun(world: World) -> None:
    trace, people = await traced(world, "alice", "bob")
    alice, bob = people
    room = await garden(alice, bob)
    await asyncio.sleep(SOON)
    own = Derived()
    bob.environment = replace(bob.environment, trace=own)
    await bob.restart()
    renewing = [asyncio.ensure_future(person.do(RefreshKeys(room))) for person in people]
    await asyncio.gather(*renewing)
    await asyncio.sleep(SOON)
    assert len(own.secrets["epoch_secret"]) > len(trace.secrets["epoch_secret"] & own.secrets["epoch_secret"])
    assert_gone(bob, own.of(NEVER_KEPT | OF_AN_EPOCH | {"path_secret"}))


@in_world
async def test_the_key_of_a_commit_that_cannot_be_sent_yet_is_gone(world: World) -> None:
    _, (alice, bob) = await traced(world, "alice", "bob")
    room = await garden(alice, bob)
    await asyncio.sleep(SOON)
    before = message_secrets(alice)
    line = line_of(alice)
    line.server = None
    line.wires[-1].cut()
    renewing = asyncio.ensure_future(alice.running.do(RefreshKeys(room)))
    await asyncio.sleep(SOON)
    assert not renewing.done()
    assert_gone(alice, before - message_secrets(alice))
    await alice.stop()
    with pytest.raises(UnavailableError):
        await renewing


@in_world
async def test_what_a_process_used_just_before_it_died_is_gone_soon_after_the_next_start(world: World) -> None:
    _, people = await traced(world, "alice", "bob")
    alice, bob = people
    room = await garden(alice, bob)
    await asyncio.sleep(SOON)
    before = message_secrets(bob)
    await alice.says(room, "the last thing that bob reads")
    await bob.reads("the last thing that bob reads")
    used = before - message_secrets(bob)
    copied = [(path, path.read_bytes()) for path in bob.path.parent.iterdir() if path.name.startswith(bob.path.name)]
    await bob.stop()
    for path, data in copied:  # as a process leaves them that ends at once
        path.write_bytes(data)
    assert Disk(bob).find(used) == used
    line_of(bob).server = None  # the next one finds no server, and has nothing to write
    bob.store = Store.open(bob.path, STORE_KEY)
    bob.begin()
    await asyncio.sleep(SOON)
    assert_gone(bob, used)


@in_world
async def test_a_file_that_nobody_knows_beside_the_store_is_noticed(world: World) -> None:
    (alice,) = await world.people("alice")
    alice.path.with_name("alice.db-journal").write_bytes(b"")
    with pytest.raises(AssertionError, match="nobody knows"):
        Disk(alice)
