"""The soak's scenes, shortened: what was acknowledged is delivered once and in order, whatever happens to servers."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from entrenous.client.rooms import renewal
from soak import scenes
from soak.misfortunes import Pace

#: How many talk as fast as they can.
TALKERS = 4
#: For twenty seconds, and as long as it takes until everything has happened once.
LONG, SHORT = Pace(20.0), Pace(0.0, every=0.5, gone=0.5)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGKILL nor SIGSTOP")


@pytest.fixture(autouse=True)
def _keys_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    # Who talks so much would renew his keys at the end of the log, which is to end with a message.
    monkeypatch.setattr(renewal, "EVERY", 1e9)


async def test_a_server_that_is_killed_every_few_seconds_delivers_everything_once_and_in_order(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    await scenes.killed(tmp_path, LONG, TALKERS, counts)
    assert counts["killed in a commit"] > 0
    assert counts["killed at any moment"] > 0
    assert counts["messages"] > 0


async def test_a_member_that_is_suspended_costs_bounded_memory_and_catches_up(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    await scenes.suspended(tmp_path, SHORT, 2, counts)
    assert counts["bytes held for who was suspended"] > 0


async def test_nodes_databases_and_buses_that_come_and_go_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    await scenes.shaken(tmp_path, SHORT, TALKERS, counts)
    assert dict(counts) == {
        "PostgreSQL stopped": 1,
        "NATS stopped": 1,
        "node killed": 2,
        "messages": counts["messages"],
    }


async def test_a_server_whose_disk_is_full_now_and_then_delivers_everything_once_and_in_order(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    await scenes.full(tmp_path, SHORT, TALKERS, counts)
    assert counts["disk full"] == 1
