"""The measurement runs, prints what it measured, and what it measured is within what the limits allow."""

import asyncio
import re
from pathlib import Path

import pytest

from entrenous.bench import slow_readers
from entrenous.bench.slow_readers import Way, allowed
from entrenous.server import Limits

#: Bytes that a connection costs beside what it holds, and what the allocator keeps of what was freed.
SLACK = 2 << 20

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell memory")


def test_what_is_allowed_follows_from_the_limits() -> None:
    assert allowed(Way.ANSWERS) == Limits().reply_backlog + Limits().message_bytes
    assert [allowed(way) <= 12 << 20 for way in Way] == [True] * len(Way)


@pytest.mark.slow
def test_a_slow_readers_cost_is_measured_and_bounded(capfd: pytest.CaptureFixture[str]) -> None:
    asyncio.run(slow_readers.main([Way.PUSHES], readers=3))
    heading, line = capfd.readouterr().out.splitlines()
    assert heading.startswith("slow at")
    found = re.fullmatch(r"pushes +([\d,]+) KiB +1,024 KiB", line)
    assert found is not None, line
    # Ten megabytes went through the room.
    assert int(found[1].replace(",", "")) << 10 <= allowed(Way.PUSHES) + SLACK
