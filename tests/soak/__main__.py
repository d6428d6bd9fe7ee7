"""The soak: everything goes wrong while people talk; prints what it counted, and ends with 1 if anything is wrong.

crowd      two hundred clients in ten processes, who lose connections, are restarted, suspended and killed
killed     ten people talk as fast as they can; the server is killed (SIGKILL) every few seconds
suspended  a member's process is stopped (SIGSTOP) for 30 seconds: what the server holds for it is bounded
full       the server's disk is full every few seconds
shaken     two nodes are killed by turns, PostgreSQL and NATS are stopped and started

In the end everybody must hold the same log, every message that was ever said must stand in it once, where its sender
was told and in the order in which he said it, everybody must have been shown it once, and nobody may have been alarmed.

    PYTHONPATH=tests python -m soak [SCENE ...] [--seconds 120] [--talkers 10] [--clients 200] [--processes 10]
"""

import argparse
import asyncio
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from entrenous.client.rooms import renewal
from soak import scenes
from soak.crowd import crowd
from soak.misfortunes import Pace

SCENES: "dict[str, Callable[[Path, Pace, int, Counter[str]], Awaitable[None]]]" = {
    "killed": scenes.killed,
    "suspended": scenes.suspended,
    "full": scenes.full,
    "shaken": scenes.shaken,
}
#: Seconds that scenes last at the most, where that is less than was asked for.
SHORTER = {"suspended": 30.0, "full": 60.0}


async def hold(name: str, seconds: float, talkers: int) -> bool:
    """One scene; returns whether all was well."""
    tell(f"-- {name}")
    counts: Counter[str] = Counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            await SCENES[name](Path(folder) / "server", Pace(min(seconds, SHORTER.get(name, seconds))), talkers, counts)
    except Exception:  # noqa: BLE001 whatever it is, it is told, and the other scenes are held
        traceback.print_exc()
        counts["FAILED"] += 1
    for what, count in sorted(counts.items()):
        tell(f"{count:8} {what}")
    return not counts["FAILED"]


async def hold_crowd(seconds: float, clients: int, processes: int) -> bool:
    """The scene with many; returns whether all was well."""
    tell("-- crowd")
    soak = await crowd(seconds, clients, processes)
    for what, count in sorted(soak.counts.items()):
        tell(f"{count:8} {what}")
    for complaint in soak.complaints:
        tell(f"WRONG: {complaint}")
    return not soak.has_failed


async def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="all of them unless some are named")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--talkers", type=int, default=10)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--processes", type=int, default=10)
    chosen = parser.parse_args()
    wanted = chosen.scenes or ["crowd", *SCENES]
    if not set(wanted) <= {"crowd", *SCENES}:
        parser.error(f"the scenes are crowd, {', '.join(SCENES)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    # Who talks so much would renew his keys at the end of the log, which is to end with a message.
    renewal.EVERY = 1e9
    passed = [
        await hold_crowd(chosen.seconds, chosen.clients, chosen.processes)
        if name == "crowd"
        else await hold(name, chosen.seconds, chosen.talkers)
        for name in wanted
    ]
    tell("passed" if all(passed) else "FAILED")
    return int(not all(passed))


def tell(line: str) -> None:
    """One line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
