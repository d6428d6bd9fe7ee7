"""Where the time of a call goes: its shares by part of our stack, where the primitives are ``crypto``'s.

Samples are taken by the processor's clock, so that short calls look no dearer than they are, as under a profiler.

PYTHONPATH=tests python -m bench_mls.shares [--members 100] [--suite 0x0001] [--filled] [--seconds 5]
"""

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from bench_mls.course import MESSAGE, MS
from bench_mls.drivers import Ours
from bench_mls.world import World
from entrenous.mls.group import NewEpoch

#: How many messages and Commits are prepared; they are taken again and again from one stored state.
PREPARED = 20
#: Seconds of processor time between two samples, at best: the kernel's clock may be slower.
INTERVAL = 0.001

#: Does a call once or some times; returns how often.
Round = Callable[[], int]


class Sampler:
    """Counts in which part of our stack a process is, while it is running."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.took = 0.0
        self.calls = 0
        self._counts = False

    def run(self, prepare: Callable[[], None], once: Round, seconds: float) -> None:
        """Call for so many seconds of processor time; what ``prepare`` takes before each round is not counted."""
        before = signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        try:
            while self.took < seconds:
                prepare()
                begin, self._counts = time.process_time(), True
                self.calls += once()
                self._counts = False
                self.took += time.process_time() - begin
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        if self._counts:
            self.found[next(_parts(frame), "this program")] += 1

    def told(self) -> str:
        """The mean time of a call, and the shares from the greatest down."""
        parts = self.found.most_common()
        shown = (
            f"{part} {count / self.found.total():.0%}" for part, count in parts if count * 100 > self.found.total()
        )
        return f"{self.took / self.calls * MS:.3f} ms: {', '.join(shown)}"


def _parts(frame: FrameType | None) -> Iterator[str]:
    """The parts of our stack that a frame is called by, the innermost first."""
    while frame is not None:
        parts = Path(frame.f_code.co_filename).parts
        if "entrenous" in parts:
            package, *below = parts[parts.index("entrenous") + 1 :]
            yield f"mls.{below[0].removesuffix('.py')}" if package == "mls" else package.removesuffix(".py")
        frame = frame.f_back


def rounds(suite: int, members: int, *, filled: bool) -> dict[str, tuple[Callable[[], None], Round]]:
    """What to do before a round of each kind, and the round."""
    world, sender, receiver = World(suite, members - 2), Ours("sender", suite), Ours("receiver", suite)
    if filled:
        welcome = world.welcome(sender.key_package(), receiver.key_package())
        sender.join(welcome)
    else:
        sender.create(b"blank")
        welcome = sender.commit([*world.key_packages[:-1], receiver.key_package()], [])[1][0]
    receiver.join(welcome)
    receiver.follow(sender.commit([], [])[0])
    stored = NewEpoch(receiver.group, {receiver.group.tree.root: receiver.keys.node(receiver.group.tree.root) or b""})
    said = [sender.protect(MESSAGE) for _ in range(PREPARED)]
    commits = [sender.commit([], [])[0] for _ in range(PREPARED)]
    state = stored.encode()

    def restore() -> None:
        receiver._enter(NewEpoch.decode(state))
        assert receiver.group.tree.census.members == members

    def each(take: Callable[[bytes], object], messages: list[bytes]) -> Round:
        def once() -> int:
            for message in messages:
                take(message)
            return len(messages)

        return once

    def join() -> int:
        receiver.join(welcome)
        return 1

    return {
        "join": (restore, join),
        "process": (restore, each(receiver.follow, commits)),
        "protect": (restore, each(receiver.protect, [MESSAGE] * PREPARED)),
        "unprotect": (restore, each(receiver.read, said)),
    }


def main() -> None:
    """Sample and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=100)
    parser.add_argument("--suite", type=lambda text: int(text, 0), default=1)
    parser.add_argument("--filled", action="store_true", help="every parent of the tree has a key")
    parser.add_argument("--seconds", type=float, default=5, help="of processor time for each kind of call")
    chosen = parser.parse_args()
    for call, (prepare, once) in rounds(chosen.suite, chosen.members, filled=chosen.filled).items():
        sampler = Sampler()
        sampler.run(prepare, once, chosen.seconds)
        sys.stdout.write(f"{call}, {sampler.told()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
