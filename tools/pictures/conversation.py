"""A conversation that is captured as it crosses the loopback interface, with the key log of one who takes part."""

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pictures.errors import PictureError
from pictures.ports import free_port

#: Seconds in which what is waited for must have happened.
_PATIENCE = 60
_PASSWORDS = {"alice": "quarry velvet mango thimble orbit", "bob": "lantern drizzle cobalt anvil pigeon"}
_ROOM, _TEXT = "garden", "The key is under the pot."


@dataclass(frozen=True, slots=True)
class Recording:
    """What is left of a conversation.

    Attributes:
        folder: where the files are.
        capture: the name of the capture.
        key_log: the name of alice's key log, with the keys of her room's epochs.
    """

    folder: Path
    capture: str = "chat.pcap"
    key_log: str = "keys"


def record(folder: Path) -> Recording:
    """Two people join a server, one by the classic suite, and one says something to the other.

    Raises:
        PictureError: dumpcap is missing or may not capture, or something failed.
    """
    recording = Recording(folder)
    port = free_port()
    with _capture(folder / recording.capture, port), _server(folder, port) as link:
        _join(folder, "alice", link, "hybrid")
        _join(folder, "bob", run(folder, "--profile", "./alice", "invite").strip(), "classic")
        keys = ("--profile", "./alice", "--keylog", recording.key_log, "--keylog-epochs")
        run(folder, *keys, "create", _ROOM)
        run(folder, *keys, "invite", _ROOM, "bob")
        run(folder, *keys, "send", _ROOM, _TEXT)
    return recording


def run(folder: Path, *arguments: str, typed: str = "") -> str:
    """Run one command of the program to its end; returns what it printed.

    Raises:
        PictureError: it failed.
    """
    try:
        ended = subprocess.run(
            _command(*arguments), cwd=folder, input=typed, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except subprocess.SubprocessError as error:
        raise PictureError(f"entrenous {' '.join(arguments)} failed: {getattr(error, 'stderr', '')}") from error
    return ended.stdout


def _join(folder: Path, name: str, link: str, suite: str) -> None:
    arguments = ("--profile", f"./{name}", "join", link, "--name", name, "--password-stdin", "--suite", suite)
    run(folder, *arguments, typed=_PASSWORDS[name] + "\n")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "entrenous", *arguments]


@contextlib.contextmanager
def _server(folder: Path, port: int) -> Iterator[str]:
    options = ("--data", "data", "--host", "127.0.0.1", "--port", str(port), "--public", f"localhost:{port}", "--json")
    command = _command("--log-level", "error", "server", "run", *options)
    with ended(subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)) as process:
        told = [process.stdout.readline() if process.stdout else "" for _ in range(2)]
        if not all(told):
            raise PictureError("the server did not start")
        yield str(json.loads(told[1])["link"])


@contextlib.contextmanager
def _capture(file: Path, port: int) -> Iterator[None]:
    """Capture one port while this lasts, and a moment longer; all of it is in the file then."""
    command = [need("dumpcap"), "-q", "-P", "-i", "lo", "-f", f"tcp port {port}", "-w", str(file)]
    with ended(subprocess.Popen(command, stderr=subprocess.DEVNULL)) as process:
        until = time.monotonic() + _PATIENCE
        while not (file.exists() and file.stat().st_size):
            if process.poll() is not None or time.monotonic() > until:
                raise PictureError("dumpcap captures nothing: it needs the right to, for instance root's")
            time.sleep(0.1)
        yield
        size = -1
        while size != file.stat().st_size:  # it writes what it has once a moment
            size = file.stat().st_size
            time.sleep(2)


@contextlib.contextmanager
def ended(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> "Iterator[subprocess.Popen[Any]]":
    """A process that ends with the block."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def need(program: str) -> str:
    """Where a program is.

    Raises:
        PictureError: it is not installed.
    """
    found = shutil.which(program)
    if found is None:
        raise PictureError(f"{program} is missing; Debian has it in: tshark wireshark xvfb xdotool imagemagick")
    return found
