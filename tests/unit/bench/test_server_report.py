"""What a measurement of the server tells: tables, profiles, percentiles, and how it is asked for."""

import os
from collections import Counter
from pathlib import Path

import pytest

from entrenous.bench.server.__main__ import parse
from entrenous.bench.server.clients import percentile
from entrenous.bench.server.meter import processor_time, resident_kib
from entrenous.bench.server.profile import folded, read_profile, shares
from entrenous.bench.server.report import Result, table
from entrenous.bench.server.workloads import WORKLOADS


def test_phases_with_the_same_figures_stand_under_one_heading() -> None:
    results = [
        Result("room", "saturated", {"deliveries": 1000.0, "p50_ms": 1.25}),
        Result("room", "10,000/s", {"deliveries": 20.0, "p50_ms": 0.5}),
        Result("idle", "idle", {"kib_per_connection": 12.9}),
    ]
    first, one, two, empty, second, three = table(results)
    assert first.split() == ["deliveries", "p50", "ms"]
    assert one.split() == ["room", "saturated", "1,000", "1.2"]
    assert two.split() == ["room", "10,000/s", "20", "0.5"]
    assert empty == ""
    assert second.split() == ["KiB/connection"]
    assert three.split() == ["idle", "idle", "12.9"]


def test_a_percentile_is_what_so_many_stay_below() -> None:
    assert percentile(range(100), 50) == 50
    assert percentile(range(100), 99) == 99
    assert percentile([3.0], 99) == 3.0


def test_a_profile_is_read_by_phase_and_tells_shares(tmp_path: Path) -> None:
    file = tmp_path / "samples"
    assert read_profile(file, ["a"]) == []
    file.write_text('{"loop;f;g": 3, "loop;f": 1}\n{}\n')
    (first, stacks), (second, empty) = read_profile(file, ["come", "talk"])
    assert (first, second) == ("come", "talk")
    assert shares(stacks)[0].split() == ["75.0%", "75.0%", "g", "(loop)"]
    assert shares(stacks)[1].split() == ["25.0%", "100.0%", "f", "(loop)"]
    assert folded("room", first, stacks) == "room;come;loop;f 1\nroom;come;loop;f;g 3\n"
    assert empty == Counter()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell")
def test_a_process_is_measured_by_what_the_system_tells() -> None:
    before = processor_time(os.getpid())
    assert before > 0
    assert resident_kib(os.getpid()) > 1_000


def test_only_workloads_that_there_are_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["room-500", "--seconds", "2"]).workloads == ["room-500"]
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
    with pytest.raises(SystemExit):
        parse(["room-501"])
    assert "room-500" in capsys.readouterr().err
