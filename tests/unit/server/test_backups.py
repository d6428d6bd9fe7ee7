"""Backups of a server's data and, apart from them, of its keys: whole or not there, verified, and put back."""

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.crypto import Argon2Parameters
from entrenous.errors import CryptoError, MalformedError, RejectedError, UnavailableError
from entrenous.server import Settings
from entrenous.server.operating import back_up, back_up_keys, needs_passphrase, open_keys, read_manifest, restore
from entrenous.server.operating import restore_keys as put_keys_back
from entrenous.server.operating.backup import last_backup
from entrenous.server.operating.key_backup import MAGIC
from entrenous.server.people.keys import generate_keys, load_keys
from entrenous.server.serving_lock import ServingLock
from entrenous.server.store import Transaction, key_packages
from entrenous.server.store.key_packages import Package
from entrenous.testing import FAST_KSF, SeededEntropy, run_virtual
from entrenous.wire import replies, requests
from entrenous.wire.types import RoomHead
from server_directory import Directory, populate, world_in
from server_people import Person

ENTROPY = SeededEntropy("backups")
NOW = 1_700_000_000.5


def unwatched(_left: int, _total: int) -> None:
    """Nobody looks at the progress."""


def settings_of(path: Path) -> Settings:
    return Settings(data_dir=path)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """A directory that no test changes, with a backup beside it."""
    made = populate(tmp_path_factory.mktemp("server") / "data")
    back_up(settings_of(made.path), made.path.parent / "backup", now=NOW, progress=unwatched)
    return made


@pytest.fixture
def backup(stopped: Directory, tmp_path: Path) -> Path:
    """A copy of the backup, to spoil."""
    return shutil.copytree(stopped.path.parent / "backup", tmp_path / "backup")


def rows(database: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        (count,) = opened.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 a test's own name
    return int(count)


def test_a_backup_is_private_and_says_what_is_in_it(stopped: Directory) -> None:
    folder = stopped.path.parent / "backup"
    manifest = read_manifest(folder)
    assert (manifest.made_at, manifest.server_id) == (
        int(NOW),
        load_keys(stopped.path / "keys/server.keys").server_id.hex(),
    )
    assert (manifest.rows["accounts"], manifest.rows["entries"]) == (2, 3)
    assert sorted(each.name for each in folder.iterdir()) == ["manifest.json", "server.db"]
    assert last_backup(stopped.path) == int(NOW)
    assert last_backup(folder) is None
    if os.name == "posix":
        assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
        assert folder.stat().st_mode & 0o777 == 0o700


def test_no_backup_of_the_data_holds_the_keys(stopped: Directory) -> None:
    keys = load_keys(stopped.path / "keys/server.keys")
    for file in (stopped.path.parent / "backup").iterdir():
        data = file.read_bytes()
        for secret in (
            keys.identity.signing_key.seed,
            keys.opaque.oprf_seed,
            keys.opaque.key_pair.private,
            keys.fake_accounts,
        ):
            assert secret.reveal() not in data


def test_a_backup_is_one_moment_of_a_server_that_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with await world_in(tmp_path / "data") as world:
            alice = await world.person("alice")
            room = await alice.create_room()
            for _ in range(20):
                await alice.publish(room, bytes(30_000))
            published: list[int] = []

            def meanwhile(left: int, _total: int) -> None:
                # Another connection of the same process writes between two pieces of the copy.
                with contextlib.closing(sqlite3.connect(tmp_path / "data/server.db")) as other:
                    other.execute("DELETE FROM entries WHERE sequence = ?", (len(published) + 1,))
                    other.commit()
                published.append(left)

            manifest = back_up(settings_of(tmp_path / "data"), tmp_path / "backup", now=NOW, progress=meanwhile)
            assert manifest.rows["entries"] == 20
            assert published
            assert rows(tmp_path / "backup/server.db", "entries") == 20

    run_virtual(main())


def test_nothing_is_written_over(stopped: Directory, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(RejectedError) as caught:
        back_up(settings_of(stopped.path), tmp_path / "there", now=NOW, progress=unwatched)
    assert caught.value.rule == "SRV-BACKUP-EXISTS"
    (tmp_path / "keys").touch()
    with pytest.raises(RejectedError) as caught:
        back_up_keys(generate_keys(ENTROPY), tmp_path / "keys", passphrase=None, entropy=ENTROPY)
    assert caught.value.rule == "SRV-BACKUP-EXISTS"


def test_a_backup_that_is_interrupted_leaves_nothing(stopped: Directory, tmp_path: Path) -> None:
    def stop(_left: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(settings_of(stopped.path), tmp_path / "backup", now=NOW, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_without_space_or_permission_leaves_nothing(
    stopped: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnavailableError, match="there is no directory"):
        back_up(settings_of(stopped.path), tmp_path / "no such folder" / "backup", now=NOW, progress=unwatched)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match="No space left"):
        back_up(settings_of(stopped.path), tmp_path / "backup", now=NOW, progress=unwatched)
    with pytest.raises(UnavailableError, match="No space left"):
        back_up_keys(generate_keys(ENTROPY), tmp_path / "keys", passphrase=None, entropy=ENTROPY)
    assert list(tmp_path.iterdir()) == []


def test_what_was_cut_off_is_no_backup_and_is_replaced_by_the_next(stopped: Directory, tmp_path: Path) -> None:
    half = tmp_path / ".backup.partial"
    half.mkdir()
    shutil.copy(stopped.path.parent / "backup" / "server.db", half)
    with pytest.raises(MalformedError, match="not a whole one"):
        read_manifest(half)
    back_up(settings_of(stopped.path), tmp_path / "backup", now=NOW, progress=unwatched)
    assert [each.name for each in tmp_path.iterdir()] == ["backup"]


def test_a_store_elsewhere_is_backed_up_with_its_own_tools(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, store="postgresql+psycopg://db.example.org/entrenous")
    with pytest.raises(UnavailableError) as caught:
        back_up(settings, tmp_path / "backup", now=NOW, progress=unwatched)
    assert "pg_dump" in caught.value.remedy
    with pytest.raises(UnavailableError):
        back_up(settings_of(tmp_path), tmp_path / "backup", now=NOW, progress=unwatched)


def test_a_damaged_database_is_not_passed_on_as_a_backup(stopped: Directory, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    damaged = bytearray((stopped.path.parent / "backup" / "server.db").read_bytes())
    for place in range(4096, len(damaged), 4096):
        damaged[place : place + 40] = b"\xff" * 40
    (data / "server.db").write_bytes(damaged)
    with pytest.raises((MalformedError, UnavailableError)):
        back_up(settings_of(data), tmp_path / "backup", now=NOW, progress=unwatched)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data"]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def manifest_with(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: flip(folder / "server.db"),
        lambda folder: (folder / "server.db").unlink(),
        lambda folder: (folder / "server.db").write_bytes(b""),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[" * 100_000),
        lambda folder: (folder / "manifest.json").write_bytes(b"\xff\x00"),
        manifest_with(format=2),
        manifest_with(files=[]),
        manifest_with(files=[{"name": "../../etc/passwd", "size": 1, "sha256": ""}]),
        manifest_with(rows={"accounts": 3}),
        manifest_with(unknown=1),
    ],
)
def test_a_backup_that_is_not_what_was_made_is_refused_and_changes_nothing(
    backup: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(backup)
    with pytest.raises(MalformedError):
        restore(settings_of(tmp_path / "data"), backup, force=True, now=NOW)
    assert not (tmp_path / "data" / "server.db").exists()


def test_a_backup_of_a_newer_version_is_refused(backup: Path, tmp_path: Path) -> None:
    manifest_with(schema="9999")(backup)
    with pytest.raises(UnavailableError, match="9999"):
        restore(settings_of(tmp_path / "data"), backup, force=True, now=NOW)


def test_a_restored_server_serves_its_people_again(stopped: Directory, backup: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = restore(settings_of(data), backup, force=False, now=NOW)
    assert (done.has_keys, done.former) == (False, None)
    shutil.copytree(stopped.path / "keys", data / "keys")

    async def main() -> None:
        async with await world_in(data) as world:
            assert world.memory.server.server_id.hex() == done.manifest.server_id
            world.entropy = SeededEntropy("later")
            assert (await world.person("carol")).account not in (stopped.alice, stopped.bob)

    run_virtual(main())
    assert rows(data / "server.db", "entries") == 3


def test_one_time_key_packages_are_not_put_back_and_devices_hear_that_theirs_are_gone(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backup"
    people: list[Person] = []

    async def before() -> RoomHead:
        async with await world_in(data) as world:
            alice = await world.person("alice")
            people.append(alice)
            await alice.create_room()

            def add(tx: Transaction) -> None:
                key_packages.add(tx, alice.device, [Package(b"once", 1 << 40)])
                key_packages.set_last_resort(tx, alice.device, Package(b"last", 1 << 40))

            await world.memory.server.storage.write(add)
            back_up(settings_of(data), folder, now=NOW, progress=unwatched)
            # What comes after the backup will never have been.
            await alice.publish((1).to_bytes(16, "big"))
            head: RoomHead = (await alice.client.call(requests.ListRooms())).rooms[0]
            return head

    async def after() -> tuple[replies.DeviceLoginDone, RoomHead]:
        async with await world_in(data) as world:
            alice = people[0]
            alice.world = world
            login = await alice.reconnect()
            (head,) = (await alice.client.call(requests.ListRooms())).rooms
            return login, head

    assert run_virtual(before()).newest == 1
    done = restore(settings_of(data), folder, force=True, now=NOW)
    assert done.has_keys
    login, head = run_virtual(after())
    # The log is behind what she has seen: her client tells her (docs/spec/delivery.md, "Set back").
    assert (login.key_packages, head.newest) == (0, 0)
    assert rows(data / "server.db", "key_packages") == 1


def test_data_that_are_there_are_replaced_only_by_force_and_kept_beside(
    stopped: Directory, backup: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(stopped.path, tmp_path / "data")
    with contextlib.closing(sqlite3.connect(data / "server.db")) as database:
        database.execute("DELETE FROM entries")
        database.commit()
    with pytest.raises(RejectedError) as caught:
        restore(settings_of(data), backup, force=False, now=NOW)
    assert caught.value.rule == "SRV-RESTORE-DATA"
    done = restore(settings_of(data), backup, force=True, now=NOW)
    assert done.has_keys
    assert done.former is not None
    assert (rows(data / "server.db", "entries"), rows(done.former, "entries")) == (3, 0)


def test_another_servers_data_do_not_come_to_these_keys(backup: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    put_keys_back(data / "keys/server.keys", generate_keys(ENTROPY), force=False)
    with pytest.raises(RejectedError) as caught:
        restore(settings_of(data), backup, force=False, now=NOW)
    assert caught.value.rule == "SRV-RESTORE-SERVER"
    assert not (data / "server.db").exists()
    assert restore(settings_of(data), backup, force=True, now=NOW).has_keys


def test_nothing_is_restored_below_a_server_that_runs(backup: Path, tmp_path: Path) -> None:
    lock = ServingLock(settings_of(tmp_path).lock_path or tmp_path)
    lock.take()
    try:
        with pytest.raises(UnavailableError, match="serves"):
            restore(settings_of(tmp_path), backup, force=True, now=NOW)
    finally:
        lock.release()
    assert not (tmp_path / "server.db").exists()


def test_a_restore_that_is_cut_off_leaves_what_was_there(
    stopped: Directory, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(stopped.path, tmp_path / "data")
    before = rows(data / "server.db", "entries")
    for call in ("fsync", "link", "replace"):
        with monkeypatch.context() as patch:

            def fail(*_arguments: object, **_options: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(os, call, fail)
            if call == "replace":
                patch.setattr(Path, "replace", fail)
            with pytest.raises(KeyboardInterrupt):
                restore(settings_of(data), backup, force=True, now=NOW)
        assert rows(data / "server.db", "entries") == before


def test_keys_come_back_from_a_sealed_copy_with_the_passphrase_alone(tmp_path: Path) -> None:
    keys, copy = generate_keys(ENTROPY), tmp_path / "copy"
    back_up_keys(keys, copy, passphrase=b"right", entropy=ENTROPY, cost=FAST_KSF)
    assert needs_passphrase(copy)
    assert open_keys(copy, passphrase=b"right").server_id == keys.server_id
    for wrong in (b"wrong", b"", None):
        with pytest.raises(CryptoError):
            open_keys(copy, passphrase=wrong)
    assert keys.identity.signing_key.seed.reveal() not in copy.read_bytes()
    if os.name == "posix":
        assert copy.stat().st_mode & 0o777 == 0o600


def test_a_plain_copy_of_keys_is_as_private_as_a_file_can_be(tmp_path: Path) -> None:
    keys, copy = generate_keys(ENTROPY), tmp_path / "copy"
    back_up_keys(keys, copy, passphrase=None, entropy=ENTROPY)
    assert not needs_passphrase(copy)
    assert open_keys(copy, passphrase=None).opaque.oprf_seed == keys.opaque.oprf_seed
    if os.name == "posix":
        assert copy.stat().st_mode & 0o777 == 0o600


def test_no_byte_of_a_sealed_copy_can_be_changed(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    back_up_keys(generate_keys(ENTROPY), copy, passphrase=b"right", entropy=ENTROPY, cost=Argon2Parameters(8, 1, 1))
    whole = copy.read_bytes()
    for place in range(len(whole)):
        # The cost's high bytes would only ask for more memory than is allowed, or more time than a test has.
        if 9 <= place < 21:
            continue
        copy.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((CryptoError, MalformedError)):
            open_keys(copy, passphrase=b"right")
    for end in range(len(whole)):
        copy.write_bytes(whole[:end])
        with pytest.raises((CryptoError, MalformedError)):
            open_keys(copy, passphrase=b"right")
    copy.write_bytes(whole[:9] + (1 << 31).to_bytes(4, "big") + whole[13:])
    with pytest.raises(RejectedError) as caught:
        open_keys(copy, passphrase=b"right")
    assert caught.value.rule == "AUTH-KSF-CEILING"
    copy.write_bytes(bytes(20_000))
    with pytest.raises(MalformedError):
        open_keys(copy, passphrase=b"right")
    with pytest.raises(UnavailableError):
        open_keys(tmp_path / "nothing", passphrase=None)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_keys_or_malformed(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, as_sealed: bool
) -> None:
    copy = tmp_path_factory.getbasetemp() / "any bytes"
    # The least cost, so that what happens to be whole is tried with the passphrase.
    head = MAGIC + b"\x01" + (8).to_bytes(4, "big") + 2 * (1).to_bytes(4, "big")
    copy.write_bytes(head + data if as_sealed else data)
    with pytest.raises((CryptoError, MalformedError)):
        open_keys(copy, passphrase=b"right")


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_a_manifest_or_malformed(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any manifest"
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_bytes(data)
    with pytest.raises(MalformedError):
        read_manifest(folder)


def test_keys_that_are_there_are_replaced_only_by_force(tmp_path: Path) -> None:
    first, second, path = generate_keys(ENTROPY), generate_keys(ENTROPY), tmp_path / "keys" / "server.keys"
    put_keys_back(path, first, force=False)
    with pytest.raises(RejectedError) as caught:
        put_keys_back(path, second, force=False)
    assert caught.value.rule == "SRV-KEYS-EXIST"
    assert load_keys(path).server_id == first.server_id
    put_keys_back(path, second, force=True)
    assert load_keys(path).server_id == second.server_id
