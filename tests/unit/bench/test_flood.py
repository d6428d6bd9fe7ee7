"""The measurement runs and prints what it measured; what it finds depends on the machine and is not judged here."""

import asyncio
import re

import pytest

from entrenous.bench import flood
from entrenous.bench.floods import Flood


def test_a_percentile_is_what_so_many_stay_below() -> None:
    assert flood.percentile(list(range(101)), 99) == 99
    measured = flood.Measured(calm=[1.0] * 200, flooded=[3.0] * 200)
    assert measured.ratio == pytest.approx(3)


@pytest.mark.slow
def test_a_flood_is_measured_against_a_real_server(capfd: pytest.CaptureFixture[str]) -> None:
    asyncio.run(flood.main([Flood.PINGS], rounds=1, seconds=0.3))
    heading, line = capfd.readouterr().out.splitlines()
    assert heading.split()[-1] == "server"
    found = re.fullmatch(r"pings +(\d+) +[\d.]+ ms +[\d.]+ ms +[\d.]+ +\d+ MB", line)
    assert found is not None, line
    assert int(found[1]) > 0
