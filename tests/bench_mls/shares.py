"""Where the time of a call goes: its shares by part of our stack. Under the profiler, calls look dearer than they are.

PYTHONPATH=tests python -m bench_mls.shares [--members 100] [--suite 0x0001] [--filled]
"""

import argparse
import cProfile
import pstats
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bench_mls.course import MESSAGE
from bench_mls.drivers import Ours
from bench_mls.world import World

#: How often each call is profiled, each time in a new epoch or with a new message.
TIMES = 20
#: How the profiler shows a function that has no file because it is written in C.
_IN_C = "~"
#: Of those, the ones that compute a primitive; the rest are Python's own.
_PRIMITIVES = re.compile(r"hmac_digest|sodium|openssl|x25519|mlkem|hpke|AESGCM|HASH|x448|shake|sha3")

Profiles = dict[str, cProfile.Profile]


def profiles(suite: int, members: int, *, filled: bool) -> Profiles:
    """Profile a join, the processing of Commits, and messages."""
    world, sender, receiver = World(suite, members - 2), Ours("sender", suite), Ours("receiver", suite)
    found = {name: cProfile.Profile(time.process_time) for name in ("join", "process", "protect", "unprotect")}
    if filled:
        welcome = world.welcome(sender.key_package(), receiver.key_package())
        sender.join(welcome)
    else:
        sender.create(b"blank")
        welcome = sender.commit([*world.key_packages[:-1], receiver.key_package()], [])[1][0]
    found["join"].runcall(receiver.join, welcome)
    receiver.follow(sender.commit([], [])[0])
    for _ in range(TIMES):
        found["process"].runcall(receiver.follow, sender.commit([], [])[0])
        sent: list[bytes] = []
        found["protect"].runcall(_call_into(sent, sender.protect), MESSAGE)
        found["unprotect"].runcall(receiver.read, sent[0])
    return found


def _call_into(results: list[bytes], call: Callable[[bytes], bytes]) -> Callable[[bytes], None]:
    return lambda data: results.append(call(data))


def shares(profile: cProfile.Profile) -> Counter[str]:
    """Seconds spent in each part, not counting what it calls."""
    found: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]  # typeshed leaves it out
        found[_part(file, name)] += own
    return found


def _part(file: str, name: str) -> str:
    if file == _IN_C:
        return "primitives" if _PRIMITIVES.search(name) else "Python's own functions"
    parts = Path(file).parts
    if "entrenous" not in parts:
        return "the libraries' Python, and this program"
    package, *below = parts[parts.index("entrenous") + 1 :]
    return f"mls.{below[0].removesuffix('.py')}" if package == "mls" else package.removesuffix(".py")


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=100)
    parser.add_argument("--suite", type=lambda text: int(text, 0), default=1)
    parser.add_argument("--filled", action="store_true", help="every parent of the tree has a key")
    chosen = parser.parse_args()
    for call, profile in profiles(chosen.suite, chosen.members, filled=chosen.filled).items():
        spent = shares(profile)
        told = (f"{part} {own / spent.total():.0%}" for part, own in spent.most_common() if own / spent.total() > 0.01)
        sys.stdout.write(f"{call}: {', '.join(told)}\n")


if __name__ == "__main__":
    main()
