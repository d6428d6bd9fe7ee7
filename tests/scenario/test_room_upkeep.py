"""What rooms do by themselves: renewing keys one at a time, keeping the vault, taking used keys off the disk."""

import asyncio
import itertools
from dataclasses import replace

from entrenous.client import KickMember, LogShortened, MessageKind, RemovedFromRoom
from entrenous.client.rooms.renewal import EVERY, MAX_SAID
from entrenous.client.store import entries, vault
from entrenous.mls.types import FromCommit
from entrenous.testing import Person, World
from entrenous.trace import Field
from worlds import at_server, epochs, garden, in_world


def is_renewed(person: Person, room: bytes) -> bool:
    return isinstance(person.running._hall.get(room).room.epoch.group.own_leaf_node.source, FromCommit)


def commits(person: Person, room: bytes) -> list[entries.EntryRow]:
    return [row for row in entries.after(person.store, room, 0, 500) if row.kind is MessageKind.CHANGE]


@in_world
async def test_everybody_who_joined_renews_himself_once_and_no_two_in_one_minute(world: World) -> None:
    people = await world.people("alice", "bob", "carol", "dave", "erin")
    room = await garden(*people)
    assert not any(is_renewed(person, room) for person in people[1:])
    await asyncio.sleep(3_600)
    assert all(is_renewed(person, room) for person in people)
    found = commits(people[0], room)
    assert len(found) == 4 + 4  # four invitations, four renewals
    times = [row.received_at / 1000 for row in found[3:]]
    assert all(later - earlier >= EVERY - 1 for earlier, later in itertools.pairwise(times))
    assert len(epochs(room, *people)) == 1
    await asyncio.sleep(3_600)
    assert len(commits(people[0], room)) == len(found)


@in_world
async def test_keys_are_renewed_weekly_and_after_a_thousand_messages(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await asyncio.sleep(1_800)
    before = len(commits(alice, room))
    opened = alice.running._hall.get(room).room
    opened.standing = replace(opened.standing, said=MAX_SAID - 1)
    await alice.says(room, "the thousandth")
    await bob.reads("the thousandth")
    await asyncio.sleep(3_600)
    assert len(commits(alice, room)) == before + 1
    assert opened.standing.said == 0
    opened.standing = replace(opened.standing, renewed_at=opened.standing.renewed_at - 8 * 86_400_000)
    await asyncio.sleep(3_600)
    assert len(commits(alice, room)) == before + 2
    assert opened.standing.renewed_at > 0


@in_world
async def test_the_vault_knows_the_rooms_and_forgets_those_left(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await asyncio.sleep(60)
    for person in (alice, bob):
        (kept,) = vault.rooms(person.store)
        access = person.running._hall.get(room).room.epoch.access
        assert (kept.room_id, kept.access_key, kept.generation) == (room, access.secret.reveal(), access.generation)
    stored = vault.get(bob.store)
    assert stored is not None
    assert stored.version > 1
    await alice.do(KickMember(room, "bob"))
    await bob.sees(RemovedFromRoom)
    await asyncio.sleep(60)
    assert vault.rooms(bob.store) == []
    after = vault.get(bob.store)
    assert after is not None
    assert after.version > stored.version


class Keys:
    """A Trace that keeps every message key."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        if name == "message_key":
            self.keys.append(secret)

    def step(self, name: str, **fields: Field) -> None:
        """Not of interest."""


def secrets_of(person: Person) -> set[bytes]:
    """Every secret of a room's keys that is in the store."""
    nodes = {bytes(secret) for (secret,) in person.store.all("SELECT secret FROM secret_nodes")}
    return nodes | {bytes(row) for (row,) in person.store.all("SELECT ratchet FROM ratchets")}


@in_world
async def test_what_a_message_consumed_is_gone_from_the_store_at_once(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    keys = Keys()
    bob.environment = replace(bob.environment, trace=keys)
    await bob.restart()
    seen: list[set[bytes]] = []
    for number in range(4):
        await alice.says(room, f"message {number}")
        await bob.reads(f"message {number}")
        seen.append(secrets_of(bob))
    assert len(keys.keys) == 4
    stored = b"".join(bytes(value) for row in bob.store.all("SELECT ratchet FROM ratchets") for value in row)
    assert not any(key in stored for key in keys.keys)
    # Every message leaves another state behind, and none comes back.
    assert all(not (earlier & later) - (seen[0] & seen[-1]) for earlier, later in itertools.pairwise(seen))
    assert len({frozenset(state) for state in seen}) == 4


@in_world
async def test_a_server_set_back_to_an_older_log_is_told(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    for number in range(3):
        await alice.says(room, f"message {number}")
    await bob.reads("message 2")
    await bob.stop()
    await at_server(world, "DELETE FROM entries WHERE room = ? AND sequence > 2", room)
    await at_server(world, "UPDATE rooms SET newest = 2 WHERE id = ?", room)
    await bob.come_back()
    told = await bob.sees(LogShortened)
    assert (told.newest, told.seen) == (2, 4)
    assert "lost 2 entries" in told.sentence
