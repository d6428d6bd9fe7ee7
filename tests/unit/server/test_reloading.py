"""Settings that change under a running server, and its news for who started it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from entrenous.channel import CLASSIC
from entrenous.cli.server.data import former_settings_file
from entrenous.errors import UnavailableError, UsageError
from entrenous.server import Limits, Rate, Settings, Supervisor, serving
from entrenous.server.configuration.limits import check_limit, meanings
from entrenous.server.configuration.reloading import own_settings, take_over
from entrenous.server.configuration.settings import about_settings
from entrenous.server.serving_lock import Serving, ServingLock
from entrenous.testing import run_virtual
from entrenous.wire import ErrorCode, replies, requests
from server_people import World, is_refusal

#: Seconds that a test waits for a process, on a machine that has much else to do.
PATIENCE = 300
#: For every setting another value than its default.
OTHERS: dict[str, Any] = {
    "data_dir": Path("/elsewhere"),
    "host": "192.0.2.1",
    "port": 1,
    "public_address": "chat.example.org",
    "suites": (CLASSIC.number,),
    "members_may_invite": False,
    "sweep_seconds": 1.0,
    "store": "sqlite://other",
    "bus": "nats://other",
    "poll_seconds": 7.0,
    "proxy_from": (ip_network("10.0.0.0/8"),),
    "metrics_host": "::1",
    "metrics_port": 1,
    "log_level": "debug",
    "log_format": "json",
}


def other_limit(name: str) -> Any:
    value = getattr(Limits(), name)
    other = Rate(value.count - 1 or 2, value.seconds) if isinstance(value, Rate) else value - 1
    check_limit(name, other)
    return other


@pytest.mark.parametrize("name", about_settings())
def test_a_setting_is_taken_over_or_waits_for_a_restart_as_it_is_told(name: str) -> None:
    settings = Settings(data_dir=None)
    running = own_settings(settings)
    result = take_over(running, replace(settings, **{name: OTHERS[name]}))
    if about_settings()[name].reloads:
        assert (result.changed, result.waiting) == ((name,), ())
        assert getattr(running, name) == OTHERS[name]
    else:
        assert (result.changed, result.waiting) == ((), (name,))
        assert running == settings
    assert settings == Settings(data_dir=None)


@pytest.mark.parametrize("name", meanings())
def test_every_limit_is_taken_over(name: str) -> None:
    settings = Settings(data_dir=None)
    running = own_settings(settings)
    result = take_over(running, replace(settings, limits=replace(Limits(), **{name: other_limit(name)})))
    assert (result.changed, result.waiting) == ((f"limits.{name}",), ())
    assert getattr(running.limits, name) == other_limit(name)
    assert settings.limits == Limits()


def test_the_parts_of_a_running_server_go_by_what_was_taken_over() -> None:
    async def main() -> None:
        async with await World.start(limits=Limits(lookups=Rate(1, 1e6), connections_per_address=2)) as world:
            server = world.memory.server
            alice = await world.person("alice")
            await alice.client.call(requests.FindAccount("alice"))
            assert is_refusal(await alice.client.call(requests.FindAccount("alice")), ErrorCode.LIMIT)
            assert isinstance(await alice.client.call(requests.CreateInvite(1, 3600)), replies.InviteCreated)
            await world.connect()
            refused = await world.connect()
            assert refused.handshake is None
            wanted = replace(
                server.settings,
                members_may_invite=False,
                port=1,
                limits=replace(server.settings.limits, lookups=Rate(1, 1.0), connections_per_address=3),
            )
            with capture_logs() as logs:
                result = server.reload(wanted)
            (line,) = logs
            assert (line["event"], line["changed"], line["needs_restart"]) == (
                "server.reloaded", result.changed, result.waiting,
            )  # fmt: skip
            assert result.changed == ("members_may_invite", "limits.connections_per_address", "limits.lookups")
            assert result.waiting == ("port",)
            await asyncio.sleep(2)
            assert not is_refusal(await alice.client.call(requests.FindAccount("alice")), ErrorCode.LIMIT)
            assert is_refusal(await alice.client.call(requests.CreateInvite(1, 3600)), ErrorCode.DENIED)
            assert (await world.connect()).handshake is not None

    run_virtual(main())


def test_another_time_between_sweeps_holds_from_the_reload_on() -> None:
    async def main() -> None:
        async with await World.start(limits=Limits(lookups=Rate(1, 1e6))) as world:
            server = world.memory.server
            alice = await world.person("alice")
            for _ in range(2):
                await alice.client.call(requests.FindAccount("alice"))
            with capture_logs() as logs:
                server.reload(replace(server.settings, sweep_seconds=5.0))
                await asyncio.sleep(6)
            assert "server.limits_reached" in [line["event"] for line in logs]

    run_virtual(main())


def test_who_serves_a_directory_is_known_as_long_as_he_does(tmp_path: Path) -> None:
    path = tmp_path / "server.lock"
    assert serving(path) is None
    lock = ServingLock(path)
    with pytest.raises(UsageError):
        lock.tell("127.0.0.1", 7443)
    path.write_text("4000000000\nanother.example.org 12345\n")  # of one who was killed
    lock.take()
    assert serving(path) == Serving(os.getpid(), None)
    for host, port in (("2001:db8::1", 65_535), ("::", 1)):
        lock.tell(host, port)
        assert serving(path) == Serving(os.getpid(), (host, port))
    for spoilt in (b"", b"1\n:: x\n", b"\xff\n"):
        path.write_bytes(spoilt)
        with pytest.raises(UnavailableError, match="does not tell yet"):
            serving(path)
    lock.release()
    assert serving(path) is None
    with pytest.raises(UnavailableError, match="cannot be read"):
        serving(tmp_path)


def hears(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(path) if path.is_absolute() else f"\0{path}")
    listener.settimeout(PATIENCE)
    return listener


@pytest.mark.parametrize("name", ["file", "@abstract"])
def test_a_supervisor_hears_how_far_the_server_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / "notify" if name == "file" else Path(f"entrenous-test-{os.getpid()}")
    with hears(path) as listener:
        supervisor = Supervisor({"NOTIFY_SOCKET": str(path) if name == "file" else f"@{path}"})
        supervisor.ready("as\never")
        supervisor.reloading()
        supervisor.stopping()
        heard = [listener.recv(200).decode() for _ in range(3)]
    assert heard[0] == "READY=1\nSTATUS=as ever"
    assert heard[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert heard[2] == "STOPPING=1"
    supervisor.ready("to nobody")


def test_a_supervisor_that_wants_to_hear_a_heart_beat_hears_it_twice_in_its_time(tmp_path: Path) -> None:
    async def main() -> None:
        with hears(tmp_path / "notify") as listener:
            environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"}
            supervisor = Supervisor(environment | {"WATCHDOG_PID": str(os.getpid())})
            assert supervisor.beat_seconds == 15.0
            beats = asyncio.get_running_loop().create_task(supervisor.keep_telling())
            await asyncio.sleep(31)
            beats.cancel()
            assert [listener.recv(200) for _ in range(3)] == [b"WATCHDOG=1"] * 3

    run_virtual(main())


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "30000000"},
        {"NOTIFY_SOCKET": "/nowhere"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "-5"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "9" * 5000},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
    ],
)
async def test_where_no_heart_beat_is_wanted_there_is_none(environment: dict[str, str]) -> None:
    supervisor = Supervisor(environment)
    supervisor.ready("to nobody")
    assert supervisor.beat_seconds is None
    await supervisor.keep_telling()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP on Windows")
def test_a_server_reloads_when_it_is_asked_and_keeps_what_it_has_when_the_file_is_wrong(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    data.mkdir()
    # Only the server is told of the file; the command beside it finds out.
    file = tmp_path / "settings.toml"
    file.write_text('sweep_seconds = 60\nlog_format = "json"')
    entrenous = [sys.executable, "-m", "entrenous"]
    with hears(tmp_path / "notify") as supervisor, log.open("wb") as lines:
        server = subprocess.Popen(
            [*entrenous, "server", "run", "--data", data, "--config", file, "--host", "127.0.0.1", "--port", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=lines,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        )  # fmt: skip
        # Nothing here waits for ever: a server that hangs ends by itself.
        doom = threading.Timer(PATIENCE, server.kill)
        doom.start()

        def hear() -> str:
            first, _, second = supervisor.recv(1000).decode().partition("\n")
            return first if first == "RELOADING=1" else f"{first} {second}".strip()

        try:
            heard = [hear()]
            assert former_settings_file(data) == file
            found = serving(data / "server.lock")
            assert found is not None
            assert found.address is not None
            with socket.create_connection(found.address, PATIENCE):
                pass
            file.write_text('sweep_seconds = 30\nlog_format = "json"\nlog_level = "warning"\nport = 5\n')
            asked = subprocess.run(
                [*entrenous, "server", "reload", "--data", str(data), "--json"],
                capture_output=True, text=True, timeout=PATIENCE, check=True,
            )  # fmt: skip
            assert json.loads(asked.stdout) == {"type": "reload", "process": server.pid}
            heard += [hear(), hear()]
            file.write_text("sweep_seconds = never")
            server.send_signal(signal.SIGHUP)
            heard += [hear(), hear()]
            server.send_signal(signal.SIGTERM)
            heard += [hear()]
            assert server.wait(PATIENCE) == 0
        finally:
            doom.cancel()
            server.kill()
            server.wait()
    well, again = "READY=1 STATUS=Serving", "RELOADING=1"
    assert heard[:4] + heard[5:] == [well, again, well, again, "STOPPING=1"]
    assert heard[4].startswith("READY=1 STATUS=Serving, with the settings from before: ")
    told = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    news = [(line["event"], line["level"]) for line in told if "reload" in line["event"] or "closed" in line["event"]]
    # Warnings alone are shown from the first reload on: not that it has closed.
    assert news == [("server.reloaded", "info"), ("server.reload_refused", "error")]
    reloaded, refused = (line for line in told if "reload" in line["event"])
    assert (reloaded["changed"], reloaded["needs_restart"]) == (["sweep_seconds", "log_level"], [])
    assert "settings.toml" in refused["error"]
