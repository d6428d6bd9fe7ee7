"""The key file: made once, private, whole or not at all."""

import asyncio
import os
from pathlib import Path

import pytest

from entrenous.errors import MalformedError, RejectedError, UnavailableError
from entrenous.identity import MAX_ROTATIONS
from entrenous.server.operating import Action, Admin
from entrenous.server.people.keys import (
    decode_keys,
    encode_keys,
    generate_keys,
    load_keys,
    load_or_create_keys,
    rotate_identity,
)
from entrenous.server.renewal import AWAITED_LOOK_EVERY
from entrenous.testing import SeededEntropy, run_virtual
from full_disks import start_server
from server_people import World

ENTROPY = SeededEntropy("keys")
POSIX = pytest.mark.skipif(os.name != "posix", reason="there are no such modes elsewhere")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys" / "server.keys"


def test_the_first_start_makes_the_keys_and_every_later_one_finds_them(path: Path) -> None:
    made = load_or_create_keys(path, ENTROPY)
    found = load_or_create_keys(path, ENTROPY)
    assert found.server_id == made.server_id
    assert found.opaque.oprf_seed == made.opaque.oprf_seed
    assert found.opaque.key_pair.public == made.opaque.key_pair.public
    assert found.fake_account("nobody") == made.fake_account("nobody")
    assert [entry.name for entry in path.parent.iterdir()] == ["server.keys"]


def test_two_servers_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = (load_or_create_keys(tmp_path / name / "keys", ENTROPY) for name in ("a", "b"))
    assert one.server_id != other.server_id
    assert one.opaque.oprf_seed != other.opaque.oprf_seed
    assert one.fake_account("nobody") != other.fake_account("nobody")


@POSIX
def test_only_the_server_can_read_them(path: Path) -> None:
    load_or_create_keys(path, ENTROPY)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@POSIX
@pytest.mark.parametrize(
    ("which", "mode"), [("file", 0o640), ("file", 0o604), ("directory", 0o750), ("directory", 0o701)]
)
def test_keys_that_others_can_reach_are_refused_with_the_remedy(path: Path, which: str, mode: int) -> None:
    load_or_create_keys(path, ENTROPY)
    exposed = path if which == "file" else path.parent
    exposed.chmod(mode)
    with pytest.raises(RejectedError, match="chmod") as caught:
        load_or_create_keys(path, ENTROPY)
    assert caught.value.rule == "SRV-KEYS-MODE"


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: b"\x02" + data[1:], lambda data: data + b"\0"]
)
def test_a_damaged_key_file_is_said_to_be_one_and_is_not_replaced(path: Path, damage: object) -> None:
    load_or_create_keys(path, ENTROPY)
    assert callable(damage)
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    with pytest.raises(MalformedError):
        load_or_create_keys(path, ENTROPY)
    assert path.read_bytes() == broken


def test_a_private_key_that_is_no_scalar_is_damage_too(path: Path) -> None:
    load_or_create_keys(path, ENTROPY)
    data = path.read_bytes()
    path.write_bytes(data[:-64] + b"\xff" * 32 + data[-32:])
    with pytest.raises(MalformedError):
        load_or_create_keys(path, ENTROPY)


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnavailableError):
        load_or_create_keys(tmp_path / "file" / "keys" / "server.keys", ENTROPY)


def test_a_draft_left_by_a_crash_is_not_taken_for_the_keys(path: Path) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    path.with_name(path.name + ".new").write_bytes(b"half a fi")
    made = load_or_create_keys(path, ENTROPY)
    assert load_or_create_keys(path, ENTROPY).server_id == made.server_id


def test_keys_do_not_print() -> None:
    keys = generate_keys(ENTROPY)
    shown = repr(keys)
    for secret in (
        keys.identity.signing_key.seed,
        keys.opaque.oprf_seed,
        keys.opaque.key_pair.private,
        keys.fake_accounts,
    ):
        assert secret.reveal().hex() not in shown
        assert repr(secret.reveal()) not in shown


def test_a_rotation_changes_the_identity_key_alone_and_leads_from_the_old_one_to_the_new_one(path: Path) -> None:
    before = load_or_create_keys(path, ENTROPY)
    rotated = rotate_identity(path, ENTROPY)
    found = load_keys(path)
    assert found.server_id == rotated.server_id == before.server_id
    assert found.identity.signing_key.public == rotated.identity.signing_key.public
    assert found.identity.signing_key.public != before.identity.signing_key.public
    assert [step.old_key for step in found.identity.rotations] == [before.identity.signing_key.public]
    assert (found.opaque.oprf_seed, found.fake_accounts) == (before.opaque.oprf_seed, before.fake_accounts)
    # The old key is gone: who steals the file now does not get it.
    assert before.identity.signing_key.seed.reveal() not in path.read_bytes()


def test_an_identity_key_is_rotated_so_often_and_no_more(path: Path) -> None:
    load_or_create_keys(path, ENTROPY)
    for _ in range(MAX_ROTATIONS):
        rotate_identity(path, ENTROPY)
    last = path.read_bytes()
    with pytest.raises(RejectedError) as caught:
        rotate_identity(path, ENTROPY)
    assert caught.value.rule == "SRV-KEYS-ROTATIONS"
    assert path.read_bytes() == last


def test_a_node_whose_key_file_is_not_the_rotated_one_yet_takes_it_over_when_it_comes(tmp_path: Path) -> None:
    async def main() -> None:
        async with World(await start_server(tmp_path, "node")) as world:
            server = world.memory.server
            # The rotation was made at another node: here is its row, and not yet the file.
            await Admin(server.storage, world.memory.clock, "operator").record(
                Action.KEYS_ROTATE, server.server_id.hex()
            )
            assert await server.follow_operators() == 1
            assert await rotations_seen(world) == 0
            rotate_identity(tmp_path / "keys" / "server.keys", ENTROPY)
            await asyncio.sleep(AWAITED_LOOK_EVERY + 1)
            assert await rotations_seen(world) == 1

    run_virtual(main())


async def rotations_seen(world: World) -> int:
    """How often the identity key was rotated that a new connection is shown."""
    client = await world.connect()
    assert client.channel.peer is not None
    return client.channel.peer.rotations


def test_keys_that_are_not_there_are_unavailable_and_not_made(path: Path) -> None:
    with pytest.raises(UnavailableError):
        load_keys(path)
    assert not path.exists()


def test_a_key_file_is_its_bytes() -> None:
    data = encode_keys(generate_keys(ENTROPY))
    assert encode_keys(decode_keys(data)) == data
