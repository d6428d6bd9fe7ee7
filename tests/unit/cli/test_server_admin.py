"""``entrenous server admin`` as an operator or a script uses it, on the directory of a real server."""

import dataclasses
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from entrenous.testing import run_virtual
from server_directory import Directory, entrenous, kinds, populate, server_command, world_in


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """A directory that no test changes."""
    return populate(tmp_path_factory.mktemp("server"))


@pytest.fixture
def directory(stopped: Directory, tmp_path: Path) -> Directory:
    """One to change."""
    return dataclasses.replace(stopped, path=Path(shutil.copytree(stopped.path, tmp_path / "data")))


def test_everything_is_listed_for_people_and_for_scripts(stopped: Directory) -> None:
    for words, kind, count in (
        (("users", "list"), "user", 2),
        (("devices", "list"), "device", 2),
        (("devices", "list", "--user", "bob"), "device", 1),
        (("rooms", "list"), "room", 1),
        (("rooms", "show", stopped.room.hex()), "room", 1),
    ):
        assert kinds(server_command(stopped.path, "admin", *words, "--json").lines) == [kind] * count
        shown = server_command(stopped.path, "admin", *words).out.splitlines()
        assert len(shown) == count
        assert all(len(line) > 40 for line in shown)


def test_a_room_is_shown_by_its_sizes_and_has_no_name(stopped: Directory) -> None:
    (room,) = server_command(stopped.path, "admin", "rooms", "list", "--json").lines
    assert (room["room"], room["members"], room["managers"], room["entries"]) == (stopped.room.hex(), 2, 1, 3)
    assert "name" not in room
    assert room["bytes"] > 100


def test_a_user_is_shown_with_devices_and_what_he_keeps(stopped: Directory) -> None:
    user, usage, device = server_command(stopped.path, "admin", "users", "show", "BOB", "--json").lines
    assert (user["account"], user["login_name"], user["is_disabled"]) == (stopped.bob.hex(), "bob", False)
    assert (usage["type"], usage["rooms"], usage["kept_bytes"]) == ("usage", 1, len(b"the vault"))
    assert device["device"] == stopped.device.hex()
    assert "no quota" in server_command(stopped.path, "admin", "users", "show", stopped.bob.hex()).out


def test_counts_and_rules_of_deletion(stopped: Directory) -> None:
    (stats,) = server_command(stopped.path, "admin", "stats", "--json").lines
    assert (stats["accounts"], stats["rooms"], stats["entries"], stats["devices"]) == (2, 1, 3, 2)
    assert "entry bytes" in server_command(stopped.path, "admin", "stats").out
    (rules,) = server_command(stopped.path, "admin", "retention", "show", "--json").lines
    assert rules["room_retention_most_seconds"] == 30 * 86_400
    assert "30 days" in server_command(stopped.path, "admin", "retention", "show").out


def test_what_is_not_there_is_said_in_a_sentence(stopped: Directory, tmp_path: Path) -> None:
    for words in (
        ("users", "show", "nobody"),
        ("rooms", "delete", "00" * 16, "--yes"),
        ("devices", "revoke", "x"),
        ("invites", "revoke", "ffff"),
    ):
        assert "[SRV-ADMIN-TARGET]" in server_command(stopped.path, "admin", *words, expect=1).err
    assert "there is no server in" in server_command(tmp_path / "empty", "admin", "stats", expect=3).err


def test_what_is_lost_for_good_is_asked_about_and_without_a_terminal_refused(directory: Directory) -> None:
    refused = server_command(directory.path, "admin", "users", "delete", "bob", typed="", expect=2)
    assert "--yes" in refused.err
    assert len(server_command(directory.path, "admin", "users", "list", "--json").lines) == 2
    told = server_command(directory.path, "admin", "users", "delete", "bob", "--yes").err
    assert "It is in 1 rooms" in told
    gone, alice = server_command(directory.path, "admin", "users", "list", "--json").lines
    assert (gone["login_name"], gone["account"], alice["login_name"]) == (
        "deleted account",
        directory.bob.hex(),
        "alice",
    )
    server_command(directory.path, "admin", "rooms", "delete", directory.room.hex(), "--yes")
    assert server_command(directory.path, "admin", "rooms", "list").out == ""


def test_what_is_done_stands_in_the_audit_log_and_an_edit_shows(directory: Directory) -> None:
    server_command(directory.path, "admin", "users", "disable", "bob")
    server_command(directory.path, "admin", "users", "enable", "bob")
    server_command(directory.path, "admin", "devices", "revoke", directory.device.hex())
    server_command(directory.path, "admin", "devices", "allow", directory.device.hex())
    server_command(directory.path, "admin", "users", "reset", "bob")
    server_command(directory.path, "admin", "quotas", "set", "bob", "--rooms", "5", "--mebibytes", "2")
    link = server_command(directory.path, "admin", "invites", "create", "--uses", "3", "--json").lines[0]
    (invite,) = [
        each
        for each in server_command(directory.path, "admin", "invites", "list", "--json").lines
        if each["uses_left"] == 3
    ]
    server_command(directory.path, "admin", "invites", "revoke", invite["token_hash"][:16])
    server_command(directory.path, "admin", "retention", "sweep")
    log = server_command(directory.path, "admin", "audit", "--json").lines
    assert link["uses"] == 3
    assert [row["action"] for row in log] == [
        "users.disable",
        "users.enable",
        "devices.revoke",
        "devices.allow",
        "users.reset",
        "quotas.set",
        "invites.create",
        "invites.revoke",
        "retention.sweep",
    ]
    assert {bool(row["actor"]) for row in log} == {True}
    assert log[5]["detail"] == "rooms=5 bytes=2097152"
    assert [
        row["number"] for row in server_command(directory.path, "admin", "audit", "--after", 8, "--json").lines
    ] == [9]
    (verdict,) = server_command(directory.path, "admin", "audit", "--verify", "--json").lines
    assert (verdict["good"], verdict["rows"]) == (True, 9)
    assert verdict["head"] in server_command(directory.path, "admin", "audit", "--verify").out
    noted = server_command(directory.path, "admin", "audit", "--noted", "00" * 31 + "01", expect=4)
    assert "cut off" in noted.err
    with sqlite3.connect(directory.path / "server.db") as database:
        database.execute("UPDATE audit SET actor = 'somebody else' WHERE number = 4")
    database.close()
    assert "action 4" in server_command(directory.path, "admin", "audit", "--verify", expect=4).err


def test_quotas_are_set_one_by_one_and_taken_away_together(directory: Directory) -> None:
    server_command(directory.path, "admin", "quotas", "set", "bob", "--rooms", "5")
    server_command(directory.path, "admin", "quotas", "set", "bob", "--mebibytes", "1")
    (usage,) = server_command(directory.path, "admin", "quotas", "show", "bob", "--json").lines
    assert usage["quota"] == {"rooms": 5, "kept_bytes": 1 << 20}
    shown = server_command(directory.path, "admin", "quotas", "set", "bob", "--default").out
    assert "as the server's limit" in shown
    server_command(directory.path, "admin", "quotas", "set", "bob", expect=2)
    server_command(directory.path, "admin", "quotas", "set", "bob", "--rooms", "1", "--default", expect=2)


def test_a_running_server_hears_of_what_another_process_did(tmp_path: Path) -> None:
    async def main() -> None:
        async with await world_in(tmp_path) as world:
            alice = await world.person("alice")
            await world.person("bob")
            command = [sys.executable, "-m", "entrenous", "server", "admin", "users", "disable", "alice"]
            done = subprocess.run(  # noqa: ASYNC221 the server has nothing to do meanwhile
                [*command, "--data", str(tmp_path)], capture_output=True, check=False, timeout=60
            )
            assert done.returncode == 0, done.stderr
            assert not alice.client.ended.is_set()
            # The server's own look, every two seconds of its clock.
            await alice.client.ended.wait()
            assert world.memory.server.connections == 1

    run_virtual(main())


def test_every_command_shows_examples() -> None:
    for group, commands in {
        "users": ("list", "show", "disable", "enable", "delete", "reset"),
        "devices": ("list", "revoke", "allow"),
        "rooms": ("list", "show", "delete"),
        "invites": ("list", "create", "revoke"),
        "quotas": ("show", "set"),
        "retention": ("show", "sweep"),
    }.items():
        for command in commands:
            assert "Examples:" in entrenous("server", "admin", group, command, "--help").out
    for command in ("stats", "audit"):
        assert "Examples:" in entrenous("server", "admin", command, "--help").out
