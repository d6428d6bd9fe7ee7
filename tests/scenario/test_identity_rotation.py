"""A server's identity key is rotated while people are connected: they follow the proof, and no other, and are told."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from entrenous.client import ConnectionChanged, ServerChanged
from entrenous.crypto import SigningKey
from entrenous.identity import RotationStatement, ServerIdentityKey
from entrenous.server.operating import Action, Admin
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.people.keys import load_keys, rotate_identity, write_keys
from entrenous.testing import SeededEntropy, run_virtual
from entrenous.testing.members import Person, World
from full_disks import start_server
from worlds import cut, garden, line

ENTROPY = SeededEntropy("rotation")


def reconnect(person: Person) -> None:
    """Break the connection, as a network does; the client comes back by itself."""
    cut(person)


async def rotate(world: World, keys: Path) -> str:
    """What ``entrenous server keys rotate`` does beside the running server; returns the new key."""
    rotated = rotate_identity(keys, ENTROPY)
    server = world.server.server
    await Admin(server.storage, world.server.clock, "operator").record(Action.KEYS_ROTATE, rotated.server_id.hex())
    assert await server.follow_operators() == 1
    return rotated.identity.signing_key.public.hex()


async def refusal(person: Person) -> ConnectionChanged:
    """How the next attempt to connect ends, after the loss of the connection."""
    await person.sees(ConnectionChanged, lambda event: not event.is_connected)
    return await person.sees(ConnectionChanged)


def test_people_follow_a_rotation_and_are_told_once_and_links_of_before_still_hold(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "people").mkdir()
        world = await World.open(tmp_path / "people", server=await start_server(tmp_path / "data", "server"))
        async with world:
            alice, bob = await world.people("alice", "bob")
            room = await garden(alice, bob)
            server_id = world.server.server.server_id
            key = ""
            for _ in range(2):
                key = await rotate(world, tmp_path / "data/keys/server.keys")
                reconnect(alice)
                assert (await alice.sees(ServerChanged)).fingerprint == key
                # Who is connected stays, and hears of it when he comes back.
                await alice.says(room, f"the key is {key}")
                await bob.reads(f"the key is {key}")
            reconnect(alice)
            await alice.sees(ConnectionChanged, lambda event: event.is_connected)
            assert len(alice.saw(ServerChanged)) == 2
            # He has missed the first: the certificate proves both.
            reconnect(bob)
            assert (await bob.sees(ServerChanged)).fingerprint == key
            assert len(bob.saw(ServerChanged)) == 1
            # A link carries the server id, which stays.
            assert world.server.server.server_id == server_id
            carol = await world.person("carol")
            assert carol.saw(ServerChanged) == []

    run_virtual(main())


@pytest.mark.parametrize("forgery", ["former key", "unsigned succession"])
def test_nobody_follows_a_key_that_was_rotated_out_or_that_the_former_one_has_not_signed(
    tmp_path: Path, forgery: str
) -> None:
    async def main() -> None:
        data, keys = tmp_path / "data", tmp_path / "data/keys/server.keys"
        (tmp_path / "people").mkdir()
        async with await World.open(tmp_path / "people", server=await start_server(data, "server")) as world:
            (alice,) = await world.people("alice")
            shutil.copytree(data / "keys", tmp_path / "thief/keys")
            stolen = tmp_path / "thief/keys/server.keys"
            if forgery == "former key":
                await rotate(world, keys)
                reconnect(alice)
                await alice.sees(ServerChanged)
            else:
                write_keys(stolen, _with_unsigned_succession(stolen))
            thief = await start_server(tmp_path / "thief", "thief")
            line(alice).server = thief.server.protocol_factory()
            reconnect(alice)
            refused = await refusal(alice)
            assert not refused.is_connected
            # A signature that is wrong may be the network's doing, so she tries again; who shows an old key is another.
            final = forgery == "former key"
            assert (refused.retry_in is None, "has replaced" in refused.reason) == (final, final)
            assert len(alice.saw(ServerChanged)) == (forgery == "former key")
            await thief.close()

    run_virtual(main())


def _with_unsigned_succession(path: Path) -> ServerKeys:
    keys, own = load_keys(path), SigningKey.generate(ENTROPY)
    statement = RotationStatement(keys.identity.signing_key.public, own.public, bytes(64))
    return dataclasses.replace(keys, identity=ServerIdentityKey(own, (statement,)))
