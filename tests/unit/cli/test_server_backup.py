"""``entrenous server backup``, ``restore`` and ``keys`` as an operator uses them."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from entrenous.server.people.keys import load_keys
from server_directory import Directory, entrenous, populate, server_command

PASSPHRASE = "quarry velvet mango thimble orbit"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """A server's directory."""
    return populate(tmp_path_factory.mktemp("server"))


@pytest.fixture
def directory(made: Directory, tmp_path: Path) -> Path:
    """One to change."""
    return Path(shutil.copytree(made.path, tmp_path / "data"))


def test_a_lost_server_comes_back_from_two_copies(directory: Path, tmp_path: Path) -> None:
    (backup,) = server_command(directory, "backup", tmp_path / "copy", "--json").lines
    assert (backup["rows"]["accounts"], backup["rows"]["entries"]) == (2, 3)
    sealed = tmp_path / "keys"
    server_command(directory, "keys", "backup", sealed, "--password-stdin", typed=PASSPHRASE + "\n")
    before = server_command(directory, "keys", "show").out
    shutil.rmtree(directory)
    told = server_command(directory, "restore", tmp_path / "copy").err
    assert "What people will see" in told
    assert "have these people open a new room" in told
    assert "keys restore" in told
    wrong = server_command(directory, "keys", "restore", sealed, "--password-stdin", typed="wrong\n", expect=4)
    assert "passphrase is wrong" in wrong.err
    server_command(directory, "keys", "restore", sealed, "--password-stdin", typed=PASSPHRASE + "\n")
    assert server_command(directory, "keys", "show").out == before
    assert len(server_command(directory, "admin", "users", "list").out.splitlines()) == 2
    (restored,) = server_command(directory, "restore", tmp_path / "copy", "--force", "--json").lines
    assert restored["has_keys"]
    assert Path(restored["former"]).exists()
    actions = [row["action"] for row in server_command(directory, "admin", "audit", "--json").lines]
    assert actions == ["restore"]


def test_what_is_done_with_backups_and_keys_is_in_the_audit_log(directory: Path, tmp_path: Path) -> None:
    assert "2 accounts, 1 rooms" in server_command(directory, "backup", tmp_path / "copy").out
    server_command(directory, "keys", "backup", tmp_path / "plain", "--plain")
    server_command(directory, "keys", "rotate", "--yes")
    log = server_command(directory, "admin", "audit", "--json").lines
    assert [(row["action"], row["detail"]) for row in log] == [
        ("backup", str(tmp_path / "copy")),
        ("keys.backup", "plain"),
        ("keys.rotate", "rotation 1"),
    ]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files to somebody else")
def test_what_root_writes_in_a_servers_directory_belongs_to_the_server(directory: Path, tmp_path: Path) -> None:
    somebody = 54_321

    def strangers() -> list[Path]:
        return [path for path in directory.rglob("*") if path.stat().st_uid != somebody]

    def check() -> str:
        (found, *_) = [
            each for each in server_command(directory, "doctor", "--json").lines if each["check"] == "directory"
        ]
        return str(found["status"])

    (directory / "server.toml").write_text("port = 0")
    for path in (directory, *directory.rglob("*")):
        os.chown(path, somebody, somebody)
    copy, sealed = tmp_path / "copy", tmp_path / "keys"
    server_command(directory, "backup", copy)
    server_command(directory, "keys", "backup", sealed, "--plain")
    server_command(directory, "keys", "rotate", "--yes")
    server_command(directory, "invite", "--public", "chat.example.org:7443")
    server_command(directory, "admin", "users", "disable", "bob")
    assert strangers() == []
    assert check() == "ok"
    # What is not the server's stays with who made it.
    assert {path.stat().st_uid for path in (copy, *copy.iterdir(), sealed)} == {0}
    shutil.rmtree(directory / "keys")
    for path in directory.glob("server*"):
        path.unlink()
    server_command(directory, "restore", copy)
    server_command(directory, "keys", "restore", sealed)
    assert strangers() == []
    os.chown(directory / "keys/server.keys", 0, 0)
    assert server_command(directory, "doctor", expect=1).out.count("chown") == 1


def test_a_backup_makes_no_directory_above_it(directory: Path, tmp_path: Path) -> None:
    refused = server_command(directory, "backup", tmp_path / "stick" / "copy", expect=3)
    assert "install -d" in refused.err
    assert not (tmp_path / "stick").exists()


def test_a_weak_passphrase_makes_no_copy_of_the_keys(directory: Path, tmp_path: Path) -> None:
    server_command(directory, "keys", "backup", tmp_path / "keys", "--password-stdin", typed="hunter2\n", expect=1)
    assert not (tmp_path / "keys").exists()


def test_a_rotation_is_asked_about_and_keeps_the_server_id(directory: Path) -> None:
    path = directory / "keys" / "server.keys"
    before = load_keys(path)
    assert "--yes" in server_command(directory, "keys", "rotate", typed="", expect=2).err
    assert load_keys(path).identity.signing_key.public == before.identity.signing_key.public
    server_command(directory, "keys", "rotate", "--yes")
    (shown,) = server_command(directory, "keys", "show", "--json").lines
    assert (shown["server_id"], shown["rotations"]) == (before.server_id.hex(), 1)


def test_refusals_are_sentences(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert "[SRV-BACKUP-EXISTS]" in server_command(directory, "backup", tmp_path / "there", expect=1).err
    assert "is no backup" in server_command(directory, "restore", tmp_path / "there", expect=4).err
    server_command(directory, "backup", tmp_path / "copy")
    assert "[SRV-RESTORE-DATA]" in server_command(directory, "restore", tmp_path / "copy", expect=1).err
    server_command(directory, "keys", "backup", tmp_path / "plain", "--plain")
    assert "[SRV-KEYS-EXIST]" in server_command(directory, "keys", "restore", tmp_path / "plain", expect=1).err


def test_every_command_shows_examples() -> None:
    for words in (["backup"], ["restore"], *(["keys", each] for each in ("show", "backup", "restore", "rotate"))):
        assert "Examples:" in entrenous("server", *words, "--help").out
