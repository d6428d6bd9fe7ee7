"""Each kind of workload in miniature, against a real server: the counts add up. How fast it is is not judged here."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from entrenous.bench.server.measuring import measure
from entrenous.bench.server.report import Result
from entrenous.bench.server.workloads import Kind, Workload

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell what processes use"),
]


def measured(workload: Workload, samples: Path | None = None) -> dict[str, Result]:
    async def every() -> dict[str, Result]:
        phases = measure(workload, 0.3, samples=samples)
        return {result.phase: result async for result in phases}

    return asyncio.run(every())


def test_rooms_are_talked_in_and_everybody_hears_everything(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    found = measured(Workload("small", Kind.ROOMS, 6, rooms=2, senders=2, window=2, paced=(600,)), samples)
    assert list(found) == ["start", "login", "saturated", "600/s"]
    assert found["start"].figures["ready_s"] > 0
    assert found["login"].figures["connections"] == 6
    saturated, paced = found["saturated"].figures, found["600/s"].figures
    assert saturated["messages"] >= 2 * 2 * 2
    assert saturated["deliveries"] == 3 * saturated["messages"]
    # 600 deliveries a second for 0.3 seconds, three for each message.
    assert (paced["messages"], paced["deliveries"]) == (60, 180)
    assert 0 < paced["p50_ms"] <= paced["p99_ms"]
    # A line for each phase, and one for the end.
    profile = [json.loads(line) for line in samples.read_text().splitlines()]
    assert len(profile) == len(found) + 1
    assert sum(count for phase in profile for count in phase.values()) > 0


def test_a_backlog_is_stored_and_fetched() -> None:
    found = measured(Workload("small", Kind.BACKLOG, 2, window=4, messages=700))
    assert list(found) == ["start", "accepted", "drained"]
    assert found["accepted"].figures["messages"] == 700
    assert found["drained"].figures["messages"] == 700


def test_logins_are_counted() -> None:
    found = measured(Workload("small", Kind.LOGINS, 3))
    assert list(found) == ["start", "handshakes", "device logins", "password logins"]
    assert all(found[phase].figures["connections"] == 3 for phase in list(found)[1:])


def test_idle_connections_are_counted() -> None:
    found = measured(Workload("small", Kind.IDLE, 3))
    assert found["idle"].figures["connections"] == 3


def test_ctrl_c_ends_it_and_its_processes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "entrenous", "bench", "server", "idle-2000", "--folder", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    while b"ready s" not in process.stderr.readline():
        pass
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    # The server's directory went, which it does only after the server.
    assert list(tmp_path.iterdir()) == []
