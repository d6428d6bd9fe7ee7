"""What the server tells its operator by itself: which limits were reached, and no flood of lines."""

import subprocess
import sys
from pathlib import Path

from structlog.testing import capture_logs

from entrenous.server import Limits, Rate
from entrenous.server.watching.counters import Count
from entrenous.server.watching.reporting import LINES, Reports
from entrenous.testing import VirtualClock, run_virtual
from entrenous.wire import requests
from server_people import World


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
