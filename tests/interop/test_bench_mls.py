"""The benchmark of MLS still measures: every row of the stacks that run in Python, in a group of six."""

import signal
import sys

import pytest

from bench_mls.course import Course, Figures
from bench_mls.drivers import Ours
from bench_mls.floors import Prices, counts
from bench_mls.rows import Row, Unit
from bench_mls.shares import Sampler, rounds
from bench_mls.stacks import CLASSIC, OURS, POST_QUANTUM, RINE, STACKS, TS_MLS, RefusedError, Running, Stack
from bench_mls.table import NONE, Table
from bench_mls.world import World, far_ones_first
from entrenous.mls.suite import SUITES

MEMBERS = 6
IN_PYTHON = [
    (stack, label) for label in (CLASSIC, POST_QUANTUM) for stack in STACKS if stack.worker and label in stack.suites
]


def measured(stack: Stack, label: str, members: int = MEMBERS) -> Figures:
    if stack is not OURS:
        pytest.importorskip("rine_mls" if stack is RINE else "mls_rs_uniffi")
    suite, figures = stack.suites[label], Figures()
    running = Running(stack, [])
    world = None if label in stack.lonely else World(suite, members - 2)
    for _ in Course(running, suite, members, "round", world, figures).steps():
        pass
    running.close()
    return figures


@pytest.mark.parametrize(("stack", "label"), IN_PYTHON, ids=lambda each: getattr(each, "name", each))
def test_every_row_has_a_figure(stack: Stack, label: str) -> None:
    missing = set[Row]() if sys.platform == "linux" else {Row.IDLE_MEMORY, Row.MEMORY}
    if label in stack.lonely:
        missing |= {Row.JOIN_FILLED, Row.COMMIT_FILLED, Row.PROCESS_FILLED, Row.COMMIT_FILLED_SIZE}
    if not stack.in_clear:
        missing |= {Row.PROCESS_PUBLIC}
    found = measured(stack, label).found
    assert set(found) == set(Row) - missing
    assert all(value > 0 for value in found.values())


def test_two_members_have_no_tree_to_fill_and_nobody_to_remove() -> None:
    found = measured(RINE, CLASSIC, members=2).found
    assert Row.JOIN in found
    assert not {Row.COMMIT_BLANK, Row.COMMIT_FILLED} & set(found)


def test_the_table_shows_ours_beside_the_floor_and_the_faster_wheel() -> None:
    theirs = [stack for stack in STACKS if stack is not OURS]
    figures = {stack: {Row.JOIN: 10.0 * number} for number, stack in enumerate(theirs, 1)}
    table = Table(CLASSIC, 9, 1, {OURS: {Row.JOIN: 30.0}, **figures}, {Row.JOIN: 7.5})
    assert table.ratio(Row.JOIN) == 1.5
    assert table.ratio(Row.PROTECT) is None
    line = next(line for line in table.text().splitlines() if line.startswith(Row.JOIN.title))
    assert line.split()[-6:] == ["30.00", "7.50", "10.00", "20.00", "30.00", "1.50"]
    alone = Table(CLASSIC, 9, 1, {TS_MLS: {Row.JOIN: 1.0}}, {})
    assert alone.text().splitlines()[-1].split()[-6:] == [NONE, NONE, "1.00", NONE, NONE, NONE]


def test_every_time_has_a_floor() -> None:
    assert set(counts(9, 0.0)) == {row for row in Row if row.unit is Unit.MILLISECONDS}
    prices = Prices(SUITES[1])
    prices.sample()
    assert all(price > 0 for price in prices.found.values())
    assert set(prices.floors(9)) == set(counts(9, 0.0))
    assert Row.JOIN_FILLED not in prices.floors(2)


@pytest.mark.skipif(not hasattr(signal, "SIGPROF"), reason="the system has no clock that counts a process' time so")
@pytest.mark.parametrize("filled", [False, True])
def test_the_shares_of_each_call_add_up(filled: bool) -> None:
    for prepare, once in rounds(1, MEMBERS, filled=filled).values():
        sampler = Sampler()
        sampler.run(prepare, once, 0.1)
        assert sampler.calls
        assert sampler.found.total() >= 1
        assert " ms: " in sampler.told()


def test_a_filled_tree_is_filled() -> None:
    world = World(1, 7)
    world.welcome(Ours("newcomer", 1).key_package())
    tree = world.people[far_ones_first(7)[-1]].group.tree
    assert [index for index, node in enumerate(tree.array) if node is None] == [13, 14]


def test_what_a_stack_refuses_is_told_in_its_words() -> None:
    running = Running(OURS, [])
    with pytest.raises(RefusedError, match="nobody"):
        running.ask("nobody", "dance")
    running.close()
