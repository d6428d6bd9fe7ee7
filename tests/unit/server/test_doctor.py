"""What ``doctor`` finds out about a server and its machine, in good health and with each thing wrong."""

import asyncio
import contextlib
import dataclasses
import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from entrenous.crypto import ristretto
from entrenous.crypto.ristretto_pynacl import PynaclRistretto
from entrenous.errors import UnavailableError
from entrenous.server import Limits, Settings
from entrenous.server.operating import (
    DATA_CHECKS,
    MACHINE_CHECKS,
    Finding,
    Patient,
    back_up,
    examine,
    machine_checks,
)
from entrenous.server.operating.listeners import listener_on
from entrenous.server.people.keys import rotate_identity
from entrenous.server.serving_lock import ServingLock
from entrenous.testing import SeededEntropy
from server_directory import Directory, populate, server_command

CHECKS = dict((*DATA_CHECKS, *MACHINE_CHECKS))
#: Behind all times that the populated store holds.
NOW = 2_000_000_000.0


class Usage(NamedTuple):
    """What the system says of a disk."""

    total: int
    used: int
    free: int


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """A directory that no test changes."""
    return populate(tmp_path_factory.mktemp("server"))


@pytest.fixture
def directory(made: Directory, tmp_path: Path) -> Path:
    """One to spoil."""
    copied = Path(shutil.copytree(made.path, tmp_path / "data"))
    copied.chmod(0o700)
    return copied


async def found(check: str, patient: Patient) -> list[tuple[str, str]]:
    """What one check finds: names and how they stand."""
    return [(each.check, str(each.status)) async for each in examine(patient, [(check, CHECKS[check])])]


def of(directory: Path, now: float = NOW, **changes: Any) -> Patient:
    return Patient(Settings(data_dir=directory, **changes), now)


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """A port on which somebody listens."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@contextlib.contextmanager
def unheard() -> Iterator[int]:
    """A port that is ours, so that nobody can listen on it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def test_a_sound_directory_is_found_sound(directory: Path) -> None:
    back_up(Settings(data_dir=directory), directory.parent / "backup", now=NOW - 60, progress=lambda _left, _all: None)
    for thorough in (False, True):
        patient = dataclasses.replace(of(directory), is_thorough=thorough)
        findings: list[Finding] = [each async for each in examine(patient, DATA_CHECKS)]
        kept = [each for each in findings if each.check != "disk"]  # the disk's is the machine's affair
        assert [(each.check, each.status, each.advice) for each in kept] == [
            ("directory", "ok", ""),
            ("keys", "ok", ""),
            ("schema", "ok", ""),
            ("store", "ok", ""),
            ("audit", "ok", ""),
            ("backup", "ok", ""),
        ]


async def test_a_directory_that_is_not_there_fails_and_one_that_others_see_warns(directory: Path) -> None:
    assert await found("directory", of(directory / "nowhere")) == [("directory", "fail")]
    assert await found("keys", of(directory / "nowhere")) == [("keys", "fail")]
    assert await found("store", of(directory / "nowhere")) == [("store", "fail")]
    os.chmod(directory, 0o755)  # noqa: S103 others may look in
    assert await found("directory", of(directory)) == [("directory", "warn")]


async def test_keys_that_others_can_read_or_that_are_damaged_fail(directory: Path) -> None:
    keys = directory / "keys/server.keys"
    keys.chmod(0o644)
    assert await found("keys", of(directory)) == [("keys", "fail")]
    keys.chmod(0o600)
    entropy = SeededEntropy("doctor")
    for _ in range(13):
        rotate_identity(keys, entropy)
    assert await found("keys", of(directory)) == [("keys", "warn")]
    keys.write_bytes(b"half")
    assert await found("keys", of(directory)) == [("keys", "fail")]


async def test_a_store_that_is_damaged_or_of_another_version_fails(directory: Path) -> None:
    database = directory / "server.db"
    with contextlib.closing(sqlite3.connect(database)) as opened:
        opened.execute("UPDATE alembic_version SET version_num = '0001'")
        opened.commit()
    assert await found("store", of(directory)) == [("store", "fail")]
    database.write_bytes(b"this is no database" * 1000)
    assert await found("store", of(directory)) == [("store", "fail")]


def test_an_audit_log_that_was_edited_fails_and_a_clock_that_went_back_warns(directory: Path) -> None:
    server_command(directory, "admin", "users", "disable", "bob")
    with contextlib.closing(sqlite3.connect(directory / "server.db")) as opened:
        opened.execute("UPDATE audit SET actor = 'nobody'")
        opened.commit()

    async def main() -> None:
        assert ("audit", "fail") in await found("store", of(directory))
        assert ("clock", "warn") not in await found("store", of(directory))
        assert ("clock", "warn") in await found("store", of(directory, now=1_000_000_000.0))

    asyncio.run(main())


@pytest.mark.parametrize(("free", "status"), [(10 << 30, "ok"), (1 << 30, "warn"), (1 << 20, "fail")])
async def test_space_that_runs_out_is_told_in_time(
    directory: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(100 << 30, 0, free))
    assert await found("disk", of(directory)) == [("disk", status)]


async def test_a_backup_that_is_missing_or_old_warns(directory: Path) -> None:
    assert await found("backup", of(directory)) == [("backup", "warn")]
    back_up(Settings(data_dir=directory), directory.parent / "backup", now=NOW, progress=lambda _left, _all: None)
    assert await found("backup", of(directory, now=NOW + 8 * 86_400)) == [("backup", "warn")]
    assert await found("backup", of(directory, now=NOW + 86_400)) == [("backup", "ok")]
    elsewhere = of(directory, store="postgresql+psycopg://db.example.org/entrenous")
    assert await found("backup", elsewhere) == [("backup", "ok")]


async def test_a_port_is_free_or_served_or_taken_by_somebody(directory: Path) -> None:
    async with listening() as port:
        taken = [each async for each in examine(of(directory, host="127.0.0.1", port=port), [("port", CHECKS["port"])])]
        assert [each.status for each in taken] == ["fail"]
        named = listener_on(port)
        if sys.platform == "linux":
            assert named is not None
            assert named in taken[0].detail
        lock = ServingLock(directory / "server.lock")
        lock.take()
        try:
            assert await found("port", of(directory, port=port)) == [("port", "ok")]
            # Its port was an option: it tells where it listens, whatever the settings say.
            lock.tell("0.0.0.0", port)  # noqa: S104 nothing is bound
            with unheard() as other:
                assert await found("port", of(directory, port=other)) == [("port", "ok")]
                lock.tell("127.0.0.1", other)
                assert await found("port", of(directory, port=port)) == [("port", "fail")]
        finally:
            lock.release()
    with unheard() as port:
        assert await found("port", of(directory, port=port)) == [("port", "warn")]
        assert listener_on(port) is None
    assert await found("port", of(directory, port=0)) == [("port", "ok")]


async def test_the_port_of_the_figures_is_looked_at_where_there_is_one(directory: Path) -> None:
    assert await found("metrics", of(directory)) == []
    lock = ServingLock(directory / "server.lock")
    async with listening() as port:
        assert await found("metrics", of(directory, metrics_port=port)) == [("metrics", "fail")]
        lock.take()
        assert await found("metrics", of(directory, metrics_port=port)) == [("metrics", "ok")]
    with unheard() as port:
        assert await found("metrics", of(directory, metrics_port=port)) == [("metrics", "warn")]
        lock.release()
        assert await found("metrics", of(directory, metrics_port=port)) == [("metrics", "ok")]


async def test_an_address_that_leads_nowhere_warns(directory: Path) -> None:
    async with listening() as port:
        assert await found("public", of(directory, public_address=f"127.0.0.1:{port}")) == [("public", "ok")]
    with unheard() as port:
        assert await found("public", of(directory, public_address=f"127.0.0.1:{port}")) == [("public", "warn")]
    assert await found("public", of(directory)) == [("public", "warn")]


async def test_a_clock_in_another_century_fails_and_one_that_jumps_warns(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await found("clock", of(directory, now=86_400.0)) == [("clock", "fail")]
    assert await found("clock", of(directory, now=5e9)) == [("clock", "fail")]
    times = iter([1000.0, 1005.0])
    monkeypatch.setattr(machine_checks, "WATCH_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(machine_checks, "time", _Clock(times))
        assert await found("clock", of(directory)) == [("clock", "warn")]


class _Clock:
    """A wall clock that is set while it is looked at, beside the true steady one."""

    gmtime = staticmethod(time.gmtime)
    monotonic = staticmethod(time.monotonic)

    def __init__(self, times: Any) -> None:
        self._times = times

    def time(self) -> float:
        return float(next(self._times))


async def test_too_few_open_files_and_a_missing_library_warn(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await found("files", of(directory, limits=Limits(connections=10))) == [("files", "ok")]
    monkeypatch.setattr(machine_checks, "room_for", lambda wanted: wanted - 1)
    assert await found("files", of(directory)) == [("files", "warn")]
    monkeypatch.setattr(ristretto, "backend", PynaclRistretto)
    assert ("libsodium", "warn") in await found("libsodium", of(directory))


async def test_a_check_that_cannot_be_carried_out_is_a_finding(directory: Path) -> None:
    async def broken(_patient: Patient) -> list[Finding]:
        raise UnavailableError("it does not answer", remedy="Wait.")

    findings = [each async for each in examine(of(directory), [("broken", broken)])]
    assert [(each.check, each.status, each.detail, each.advice) for each in findings] == [
        ("broken", "fail", "it does not answer", "Wait.")
    ]


def test_the_command_ends_with_one_where_something_fails_and_gives_advice(directory: Path) -> None:
    # Who listens on this machine's ports is not the test's affair.
    (directory / "server.toml").write_text("port = 0")
    lines = server_command(directory, "doctor", "--json").lines
    assert {line["type"] for line in lines} == {"finding"}
    assert {"settings", "directory", "keys", "store", "disk", "port", "clock"} <= {line["check"] for line in lines}
    assert "→" in server_command(directory, "doctor").out
    (directory / "keys/server.keys").unlink()
    assert "keys restore" in server_command(directory, "doctor", expect=1).out
    (directory / "server.toml").write_text("prot = 1")
    (only,) = server_command(directory, "doctor", "--json", expect=1).lines
    assert (only["check"], only["status"]) == ("settings", "fail")
