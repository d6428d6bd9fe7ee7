"""What an operator sets: a file, options of a command, and what is shown of both."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from entrenous.errors import UnavailableError, UsageError
from entrenous.server import Limits, Rate, Settings, limit_meanings, read_limits
from entrenous.server.counters import Count
from entrenous.server.limits import parse_limit
from entrenous.server.reporting import LINES, Reports
from entrenous.testing import VirtualClock, run_virtual
from entrenous.wire import requests
from server_people import World


def test_without_a_word_from_the_operator_the_defaults_hold(tmp_path: Path) -> None:
    assert read_limits(tmp_path) == read_limits(None) == Limits() == Settings(data_dir=None).limits


def test_the_file_changes_the_defaults_and_an_option_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text(
        'connections = 500\nidle_seconds = 60\nclaims = "5/600"\nuploads = "9000000/1"\n'
    )
    found = read_limits(tmp_path, ["connections=7", " claims = 6/600.5 "])
    assert found == Limits(connections=7, idle_seconds=60.0, claims=Rate(6, 600.5), uploads=Rate(9_000_000, 1.0))


@pytest.mark.parametrize("name", [each.name for each in fields(Limits)])
def test_every_limit_can_be_set_as_it_is_shown(name: str) -> None:
    assert read_limits(None, [f"{name}={getattr(Limits(), name)}"]) == Limits()
    assert limit_meanings()[name]


@pytest.mark.parametrize(
    "option",
    [
        *("", "=", "connections", "connections=", "connections=many", "connections=0", "connections=-1"),
        *("connections=1.5", "__init__=1", "claims=5", "claims=5/", "claims=/5", "claims=0/5", "claims=5/nan"),
        *("claims=5/0", "idle_seconds=nan", "idle_seconds=inf", "claims=5/inf", "claims=5/1e-320", "claims=5/1e300"),
        *(f"claims={'9' * 400}/5", f"connections={'9' * 400}", f"connections={'9' * 5_000}"),
    ],
)
def test_what_is_no_limit_is_refused_with_a_sentence(option: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"[a-z]+ .* "):
        read_limits(None, [option])
    name, _, value = option.partition("=")
    (tmp_path / "limits.toml").write_text(f'"{name}" = "{value}"')
    with pytest.raises(UsageError):
        read_limits(tmp_path)


#: What the reader of TOML has other errors for.
TOO_MUCH = (b"connections = " + b"[" * 100_000, b"connections = " + b"9" * 5_000, b"connections = 0x" + b"f" * 5_000)


@pytest.mark.parametrize(
    "body", [b"connections", b"\xff", b"connections = [1]", b"[limits]\nconnections = 1", b"= 1", *TOO_MUCH]
)
def test_a_file_that_is_none_is_refused(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_bytes(body)
    with pytest.raises(UsageError, match=r"limits\.toml"):
        read_limits(tmp_path)


def test_a_file_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").mkdir()
    with pytest.raises(UnavailableError, match=r"limits\.toml"):
        read_limits(tmp_path)


@given(st.text(), st.text())
def test_any_text_is_a_value_or_refused(name: str, text: str) -> None:
    for each in (name, "connections", "claims", "idle_seconds"):
        try:
            parse_limit(each, text)
        except UsageError:
            continue


def entrenous(*command: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "entrenous", *command]
    return subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)


def test_a_person_sees_every_limit_and_what_was_set(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text("connections = 500")
    command = ("server", "limits", "--data", str(tmp_path), "--limit", "claims=5/600")
    shown = entrenous(*command)
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(limit_meanings())
    assert [line.split()[0] for line in lines if " * " in line] == ["connections", "claims"]
    told = [json.loads(line) for line in entrenous(*command, "--json").stdout.splitlines()]
    assert {each["name"]: each["value"] for each in told}["claims"] == "5/600"


def test_a_person_who_sets_what_is_no_limit_is_told(tmp_path: Path) -> None:
    for command in (["server", "limits"], ["server", "run", "--port", "0"]):
        refused = entrenous(*command, "--data", str(tmp_path), "--limit", "connectionz=5")
        assert refused.returncode == 1
        assert "there is no limit called 'connectionz'" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_log_tells_which_limits_were_reached_once() -> None:
    async def main() -> None:
        async with await World.start(limits=Limits(lookups=Rate(1, 1e6))) as world:
            alice = await world.person("alice")
            for _ in range(4):
                await alice.client.call(requests.FindAccount("alice"))
            with capture_logs() as logs:
                await world.memory.server.sweep()
                await world.memory.server.sweep()
            told = [line for line in logs if line["event"] == "server.limits_reached"]
            assert told == [{"event": "server.limits_reached", "log_level": "info", Count.LOOKUPS.value: 3}]

    run_virtual(main())


def test_a_flood_does_not_fill_the_log() -> None:
    clock = VirtualClock(start=0.0)
    reports = Reports(clock)
    with capture_logs() as logs:
        for _ in range(1_000):
            reports.tell("flood")
        reports.warn("other")
        clock.shift(LINES.seconds)
        reports.tell("flood")
    assert [line["event"] for line in logs] == ["flood"] * LINES.count + ["other", "flood"]
    assert logs[-1]["left_out"] == 1_000 - LINES.count
    assert logs[-2]["log_level"] == "warning"


def test_a_server_that_listens_leaves_the_collector_nothing_to_look_through(tmp_path: Path) -> None:
    script = (
        "import asyncio, gc, pathlib, sys\n"
        "from entrenous.cli.server import run\n"
        "from entrenous.server import Settings\n"
        "async def at_once(): print('few are left:', len(gc.get_objects()) < gc.get_freeze_count())\n"
        "run.until_stopped = at_once\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "asyncio.run(run.serve(Settings(path, '127.0.0.1', 0), path, as_json=True))\n"
    )
    program = [sys.executable, "-c", script, str(tmp_path)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    assert "few are left: True" in ended.stdout.splitlines()
