"""MLS, measured: our stack beside ts-mls and two wheels of mls-rs, in one run.

Each stack runs in a process of its own and in groups of its own making; the rounds of all are interleaved. Times are
processor time of the call alone, the least of all rounds; beside ours stands the floor, what its primitives cost.

    PYTHONPATH=tests python -m bench_mls [--members 2 100] [--rounds 5]
"""

import argparse
import contextlib
import itertools
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from bench_mls.course import Course, Figures
from bench_mls.floors import Prices
from bench_mls.stacks import CLASSIC, OURS, POST_QUANTUM, STACKS, TS_MLS, Running, Stack
from bench_mls.table import Table
from bench_mls.world import World
from entrenous.mls.suite import SUITES
from ts_mls_parties import install

#: Up to so many members a group is small, and is given so many times the rounds: what is short is disturbed the most.
SMALL, MORE = 10, 4


def measure(
    label: str,
    members: int,
    rounds: int,
    node_program: list[str],
    chosen: Collection[Stack] = STACKS,
    *,
    filled: bool = True,
) -> Table:
    """One table: a suite and a size of the group."""
    stacks = [stack for stack in chosen if label in stack.suites]
    worlds = {
        stack.suites[label]: World(stack.suites[label], members - 2) for stack in stacks if label not in stack.lonely
    }
    figures = {stack: Figures() for stack in stacks}
    rounds = rounds * MORE if members <= SMALL else rounds
    prices = Prices(SUITES[OURS.suites[label]])
    with contextlib.ExitStack() as exits:
        running = {stack: Running(stack, node_program) for stack in stacks}
        for process in running.values():
            exits.callback(process.close)
        for number in range(rounds):
            prices.sample()
            courses = [
                _course(running[stack], label, members, number, worlds, figures[stack], filled=filled)
                for stack in stacks
            ]
            for _ in itertools.zip_longest(*(course.steps() for course in courses)):
                pass
    found = {stack: figures[stack].found for stack in stacks}
    return Table(label, members, rounds, found, prices.floors(members))


def _course(
    running: Running,
    label: str,
    members: int,
    number: int,
    worlds: dict[int, World],
    figures: Figures,
    *,
    filled: bool,
) -> Course:
    suite = running.stack.suites[label]
    return Course(running, suite, members, f"round {number}", worlds.get(suite), figures, filled)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[2, 100], help="of the group; at least 2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--suites", nargs="+", choices=[CLASSIC, POST_QUANTUM], default=[CLASSIC, POST_QUANTUM])
    names = {stack.name: stack for stack in STACKS}
    parser.add_argument("--stacks", nargs="+", choices=names, default=list(names), help="all by default")
    parser.add_argument("--blank", action="store_true", help="only blank trees")
    chosen = parser.parse_args()
    stacks = [names[name] for name in chosen.stacks]
    with tempfile.TemporaryDirectory() as folder:
        node_program = install(Path(folder)) if TS_MLS in stacks else []
        for label, members in itertools.product(chosen.suites, chosen.members):
            _say(measure(label, members, chosen.rounds, node_program, stacks, filled=not chosen.blank).text())
    _say(Table.notes())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
