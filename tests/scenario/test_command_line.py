"""The command line as a person or a script uses it: real processes, a real server on loopback, TCP."""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "quarry velvet mango thimble orbit"
ENTRENOUS = [sys.executable, "-m", "entrenous"]


@dataclass(frozen=True)
class Machine:
    """A folder with a server in it and everybody's profiles."""

    folder: Path
    first_link: str
    server: "subprocess.Popen[str] | None"

    def run(self, who: str, *arguments: str, typed: str = "", expect: int = 0) -> str:
        done = subprocess.run(
            [*ENTRENOUS, "--profile", str(self.folder / who), *arguments],
            input=typed, capture_output=True, encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == expect, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if expect == 0 else done.stderr

    def join(self, who: str, link: str, *options: str) -> None:
        out = self.run(who, "join", link, "--name", who, "--password-stdin", *options, typed=PASSWORD + "\n")
        assert "recovery code" in out


def start_server(folder: Path, port: int = 0) -> "tuple[subprocess.Popen[str], int, str | None]":
    server = subprocess.Popen(
        [*ENTRENOUS, "server", "run", "--data", str(folder), "--host", "127.0.0.1", "--port", str(port), "--json"]
        + ([] if port else ["--public", "127.0.0.1:1"]),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    listening = json.loads(server.stdout.readline())
    link = json.loads(server.stdout.readline())["link"] if not port else None
    return server, int(listening["port"]), link


def stop(server: "subprocess.Popen[str]") -> None:
    server.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(20)
    assert server.poll() == 0
    assert server.stdout is not None
    server.stdout.close()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    server, port, link = start_server(folder / "server")
    assert link is not None
    yield Machine(folder, link.replace("127.0.0.1:1/", f"127.0.0.1:{port}/"), server)
    stop(server)


@pytest.fixture(scope="module")
def people(machine: Machine) -> Machine:
    machine.join("alice", machine.first_link)
    port = machine.first_link.split(":")[2].split("/")[0]
    link = machine.run("alice", "invite").strip().replace("127.0.0.1:1/", f"127.0.0.1:{port}/")
    machine.join("bob", link, "--suite", "classic")
    return machine


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_room_from_a_script_and_back(people: Machine) -> None:
    people.run("alice", "create", "ops", "--topic", "what runs")
    assert "bob is in ops" in people.run("alice", "invite", "ops", "bob")
    people.run("alice", "send", "ops", "build ok")
    people.run("bob", "send", "ops", "-", typed="thanks\nall of you\n")
    lines = json_lines(people.run("alice", "tail", "ops", "--json"))
    said = [(line["sender_name"], line["text"]) for line in lines if line["kind"] == "text"]
    assert said == [("alice", "build ok"), ("bob", "thanks\nall of you")]
    assert [room["name"] for room in json_lines(people.run("bob", "rooms", "--json"))] == ["ops"]
    members = json_lines(people.run("bob", "members", "ops", "--json"))
    assert [(member["login_name"], member["role"]) for member in members] == [("alice", "admin"), ("bob", "member")]
    people.run("alice", "kick", "ops", "bob")
    people.run("alice", "send", "ops", "without bob")
    assert "without bob" not in people.run("bob", "tail", "ops")
    assert "not in the room any more" in people.run("bob", "send", "ops", "hello?", expect=1)


def test_chat_on_pipes_prints_events_and_leaves_at_the_end(people: Machine) -> None:
    out = people.run("alice", "chat", "--json", typed="/create Piped\nhello from a pipe\n")
    kinds = [line["type"] for line in json_lines(out)]
    assert {"connection-changed", "room", "message-state-changed"} <= set(kinds)
    assert "alice: hello from a pipe" in people.run("alice", "tail", "Piped")


@pytest.mark.parametrize(
    ("arguments", "typed", "code", "sentence"),
    [
        (("rooms",), "", 1, "begin with: entrenous join LINK"),
        (
            ("join", "https://example.org", "--name", "xenia", "--password-stdin"),
            PASSWORD,
            4,
            "begins with entrenous://",
        ),
        (("join", "USED", "--name", "xenia", "--password-stdin"), PASSWORD, 1, "unknown, used up or expired"),
        (("join", "USED", "--name", "xenia", "--password-stdin"), "short", 1, "guesses would find it"),
        (("join", "OTHER", "--name", "xenia", "--password-stdin"), PASSWORD, 1, "CHAN-PIN"),
        (("join", "NOBODY", "--name", "xenia", "--password-stdin"), PASSWORD, 3, "cannot be reached"),
        (("join", "USED", "--name", "xenia"), "", 2, "use --password-stdin"),
        (("join", "USED", "--name", "xenia", "--password-stdin"), "", 2, "no password on standard input"),
        (("join", "USED", "--name", "two words", "--password-stdin"), PASSWORD, 1, "letters, digits, dots"),
        (("nonsense",), "", 2, "No such command"),
    ],
)
def test_what_goes_wrong_ends_in_a_sentence_and_an_exit_code(
    people: Machine, arguments: tuple[str, ...], typed: str, code: int, sentence: str
) -> None:
    head, tail = people.first_link.split("/#")
    # Character 1 of the fragment is the version's; a changed one in the middle is another server id.
    other = f"{head}/#{tail[:10]}{'A' if tail[10] != 'A' else 'B'}{tail[11:]}"
    nobody = f"entrenous://127.0.0.1:9/#{tail}"
    links = {"USED": people.first_link, "OTHER": other, "NOBODY": nobody}
    told = people.run("nobody", *(links.get(word, word) for word in arguments), typed=typed + "\n", expect=code)
    assert sentence in " ".join(told.split())


def test_a_room_that_is_not_there_and_a_profile_in_use(people: Machine) -> None:
    assert "there is no room" in people.run("alice", "tail", "nowhere", expect=1)
    with subprocess.Popen(
        [*ENTRENOUS, "--profile", str(people.folder / "alice"), "chat", "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as chat:  # fmt: skip
        assert chat.stdout is not None
        assert chat.stdin is not None
        chat.stdout.readline()
        assert f"in use by process {chat.pid}" in people.run("alice", "rooms", expect=3)
        chat.stdin.close()
        assert chat.wait(30) == 0
        chat.stdout.close()


def test_another_device_takes_over_with_the_password_alone(people: Machine) -> None:
    told = people.run("alice2", "login", "alice", people.first_link, "--yes", "--password-stdin", typed=PASSWORD + "\n")
    assert "Devices revoked: 1" in told
    assert people.run("alice", "rooms", expect=1)


def test_a_wrong_password_and_an_unknown_name_are_told_in_the_same_words(people: Machine) -> None:
    sentences = {
        people.run("nobody", "login", name, people.first_link, "--yes", "--password-stdin", typed="wrong\n", expect=1)
        for name in ("bob", "stranger")
    }
    assert len(sentences) == 1


def test_the_launchers_start_the_same_programs(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "NO_COLOR": "1"}
    for launcher, words in (("server.py", "Run a server until Ctrl+C"), ("client.py", "entrenous join LINK")):
        done = subprocess.run(
            [sys.executable, str(root / launcher), "--help"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert words in " ".join(done.stdout.split())


def test_any_text_comes_out_as_json_and_stands_on_its_own_lines(people: Machine) -> None:
    text = "\x1b[31mred \x9b1m \u202egnp.exe \U000e0041\n14:05  carol: I never said this"
    people.run("bob", "create", "Odd things")
    people.run("bob", "send", "Odd things", "-", typed=text)
    (line,) = json_lines(people.run("bob", "tail", "Odd things", "--json"))
    assert line["text"] == text
    shown = people.run("bob", "tail", "Odd things").splitlines()
    assert [line.startswith("       | 14:05") for line in shown] == [False, True]
    assert all(character.isprintable() for line in shown for character in line)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (b"", "there is nothing to send"),
        (b"\n \n", "there is nothing to send"),
        (b"caf\xe9", "not UTF-8 text; nothing was sent"),
        (b"x" * 1_000_000, "this is longer; nothing was sent"),
    ],
)
def test_what_cannot_be_a_message_is_refused_before_anything_is_asked(
    tmp_path: Path, typed: bytes, sentence: str
) -> None:
    done = subprocess.run(
        [*ENTRENOUS, "--profile", str(tmp_path), "send", "ops", "-"], input=typed, capture_output=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert sentence in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_rooms_of_one_name_are_told_apart_in_the_error(people: Machine) -> None:
    for _ in range(2):
        people.run("bob", "create", "twin")
    told = people.run("bob", "tail", "twin", expect=1)
    ids = [room["room"][:8] for room in json_lines(people.run("bob", "rooms", "--json")) if room["name"] == "twin"]
    assert all(f"twin [{begun}]" in told for begun in ids)
    people.run("bob", "send", ids[1], "by its id")
    assert "by its id" in people.run("bob", "tail", ids[1])


def test_a_locked_profile_and_a_link_that_a_mail_program_broke(people: Machine) -> None:
    link = people.run("bob", "invite").strip().replace("127.0.0.1:1/", people.first_link.split("/")[2] + "/")
    people.join("lena", f"<{link[:50]}\n {link[50:]}>.", "--lock")
    assert "locked with a password" in people.run("lena", "rooms", expect=1)
    assert "belongs to bob" in people.run("bob", "join", link, "--name", "ben", "--password-stdin", expect=1)


def test_a_profile_that_lost_its_key_or_is_a_file_says_so(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "", None)
    (tmp_path / "lost").mkdir(mode=0o700)
    (tmp_path / "lost" / "store.db").write_bytes(b"x")
    (tmp_path / "file").write_text("")
    assert "has lost its key file" in machine.run("lost", "rooms", expect=3)
    assert "is not a directory" in machine.run("file", "rooms", expect=3)


def test_a_first_start_that_fails_still_owes_its_link_and_links_carry_the_real_port(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["server", "run", "--data", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        failed = subprocess.run([*ENTRENOUS, *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert failed.returncode == 3
        assert f"cannot listen on 127.0.0.1, port {port}: {os.strerror(errno.EADDRINUSE)}." in failed.stderr
    server = subprocess.Popen(
        [*ENTRENOUS, *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    assert json.loads(server.stdout.readline())["port"] == port
    assert json.loads(server.stdout.readline())["link"].startswith(f"entrenous://127.0.0.1:{port}/#")
    machine = Machine(tmp_path, "", server)
    assert machine.run("x", "server", "invite", "--data", str(folder)).startswith(f"entrenous://127.0.0.1:{port}/#")
    stop(server)
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*")) or os.name == "nt"


def test_a_server_makes_more_links_while_it_runs(machine: Machine) -> None:
    link = machine.run("x", "server", "invite", "--data", str(machine.folder / "server"), "--uses", "3").strip()
    assert link.startswith("entrenous://127.0.0.1:1/#")
    assert "there is no server" in machine.run("x", "server", "invite", "--data", str(machine.folder / "no"), expect=3)
    assert not (machine.folder / "no").exists()
