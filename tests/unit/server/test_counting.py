"""What nodes count together: sums go from one to the other, each once, sealed; and nothing else is counted."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.server import Rate
from entrenous.server.nodes import counting, sums
from entrenous.server.nodes.counting import PARTS, TELL_SECONDS, Counting
from entrenous.server.nodes.sums import MAX_AGE_MS, MAX_SUMS, Opening, Sealing, Sum
from entrenous.server.people.keys import generate_keys
from entrenous.server.rates import RateLimiter
from entrenous.server.watching.counters import Count, uncounted
from entrenous.testing import SeededEntropy, run_virtual
from entrenous.testing.clock import VirtualClock

KEYS = generate_keys(SeededEntropy("keys"))
ALICE, BOB = bytes([1]) * 16, bytes([2]) * 16
#: So much within a second that time does not matter here.
RATE = Rate(320, 320_000.0)


@dataclass
class Line:
    """A bus whose messages a test hands on, or does not."""

    waiting: list[bytes] = field(default_factory=list)

    def tell(self, nudge: object) -> None:
        raise AssertionError(nudge)

    def carry(self, sums: bytes) -> None:
        self.waiting.append(sums)

    def taken(self) -> list[bytes]:
        waiting, self.waiting = self.waiting, []
        return waiting


class Node:
    """One that counts publishes and lookups."""

    def __init__(self, name: str, rate: Rate = RATE, keys: Any = KEYS) -> None:
        self.line = Line()
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.counting = Counting(keys, self.line, self.clock, SeededEntropy(name))
        self.publishes = self.counting.limiter(Count.PUBLISHES, rate, uncounted)
        self.lookups = self.counting.limiter(Count.LOOKUPS, rate, uncounted)

    def take(self, who: bytes, times: int) -> int:
        """How many of so many are allowed."""
        return sum(self.publishes.take(who, self.clock.now()) == 0 for _ in range(times))

    async def told(self) -> list[bytes]:
        """What the node tells in the next moment."""
        await asyncio.sleep(TELL_SECONDS)
        return self.line.taken()


def left(limiter: RateLimiter, who: bytes) -> float:
    level, _ = limiter._buckets.get(who, (float(RATE.count), 0.0))
    return round(level)


def play(scenario: Coroutine[Any, Any, None]) -> None:
    run_virtual(scenario)


def test_what_one_node_allows_the_others_count() -> None:
    async def scenario() -> None:
        one, two = Node("one"), Node("two")
        assert one.take(ALICE, 160) == 160
        messages = await one.told()
        assert len(messages) == 1
        assert ALICE not in messages[0]
        two.counting.hear(messages[0])
        assert two.take(ALICE, 320) == 160
        assert left(two.lookups, ALICE) == RATE.count
        assert left(two.publishes, BOB) == RATE.count
        assert (one.counting.told, two.counting.heard, two.counting.refused) == (1, 1, 0)

    play(scenario())


def test_who_goes_from_node_to_node_gets_hardly_more_than_at_one() -> None:
    async def scenario() -> None:
        nodes = [Node(f"node {number}", Rate(640, 64.0)) for number in range(4)]
        allowed = 0
        for turn in range(64 * 4):
            allowed += nodes[turn % 4].take(ALICE, 40)
            for node in nodes:
                for message in node.line.taken():
                    for other in nodes:
                        other.counting.hear(message)
            await asyncio.sleep(TELL_SECONDS)
        # A full bucket, the refill of 64 seconds, and what each of the four may keep to itself or tell late.
        assert 2 * 640 <= allowed <= 2 * 640 * (1 + 4 / PARTS) + 4 * 40

    play(scenario())


def test_who_did_more_at_two_nodes_at_once_than_is_allowed_waits_for_it() -> None:
    async def scenario() -> None:
        one, two = Node("one"), Node("two")
        assert one.take(ALICE, 320) == two.take(ALICE, 320) == 320
        two.counting.hear((await one.told())[0])
        assert left(two.publishes, ALICE) == -320
        assert two.publishes.take(ALICE, two.clock.now()) == pytest.approx(321_000, abs=2)

    play(scenario())


def test_who_uses_little_is_never_told_of() -> None:
    async def scenario() -> None:
        one = Node("one", Rate(320, 10.0))
        for _ in range(100):
            assert one.take(ALICE, 320 // PARTS // 2) == 5
            assert await one.told() == []
            await asyncio.sleep(11)
        assert one.counting.told == 0

    play(scenario())


def test_a_message_that_comes_twice_or_too_late_is_counted_once() -> None:
    async def scenario() -> None:
        one, two = Node("one"), Node("two")
        messages = []
        for _ in range(3):
            one.take(ALICE, 10)
            messages += await one.told()
        for message in (messages[0], messages[2], messages[0], messages[1], messages[2]):
            two.counting.hear(message)
        # The second was overtaken: what is lost is counted by one node alone.
        assert left(two.publishes, ALICE) == 320 - 20
        assert two.counting.refused == 0

    play(scenario())


def test_a_recording_of_a_life_that_nobody_remembers_is_not_counted() -> None:
    async def scenario() -> None:
        one = Node("one")
        one.take(ALICE, 10)
        recorded = (await one.told())[0]
        await asyncio.sleep(MAX_AGE_MS / 1000 - TELL_SECONDS)
        fresh = Node("fresh")
        fresh.counting.hear(recorded)
        assert left(fresh.publishes, ALICE) == 310
        await asyncio.sleep(1)
        fresh = Node("fresh again")
        fresh.counting.hear(recorded)
        assert left(fresh.publishes, ALICE) == 320

    play(scenario())


def test_a_node_does_not_count_what_it_told_itself() -> None:
    async def scenario() -> None:
        one = Node("one")
        one.take(ALICE, 10)
        one.counting.hear((await one.told())[0])
        assert left(one.publishes, ALICE) == 310

    play(scenario())


def test_who_does_not_have_the_key_file_counts_for_nobody() -> None:
    async def scenario() -> None:
        one, stranger = Node("one"), Node("stranger", keys=generate_keys(SeededEntropy("other keys")))
        stranger.take(ALICE, 320)
        message = (await stranger.told())[0]
        one.counting.hear(message)
        assert left(one.publishes, ALICE) == 320
        assert one.counting.refused == 1

    play(scenario())


@given(st.data())
def test_no_byte_of_a_message_can_be_changed(data: st.DataObject) -> None:
    node, now = bytes(16), 1_000_000
    message = Sealing(KEYS, node).seal([Sum(sums.Limit.PUBLISHES, ALICE, 7)], now)
    place = data.draw(st.integers(0, len(message) - 1))
    changed = message[:place] + bytes([message[place] ^ data.draw(st.integers(1, 255))]) + message[place + 1 :]

    async def scenario() -> None:
        one = Node("one")
        one.counting.hear(changed)
        one.counting.hear(message[:place])
        assert left(one.publishes, ALICE) == 320
        assert Opening(KEYS, bytes([9]) * 16).open(message, now) == (Sum(sums.Limit.PUBLISHES, ALICE, 7),)

    play(scenario())


@given(st.one_of(st.binary(), st.binary(min_size=24).map(lambda rest: b"\x02" + rest)))
def test_hostile_bytes_are_counted_for_nobody(message: bytes) -> None:
    async def scenario() -> None:
        one = Node("one")
        one.counting.hear(message)
        assert one.counting.heard == 0
        assert not one.publishes._buckets

    play(scenario())


def test_what_a_later_version_counts_besides_is_left_alone() -> None:
    async def scenario() -> None:
        one = Node("one")
        more = [Sum(255, ALICE, 5), Sum(sums.Limit.PUBLISHES, ALICE, 5), Sum(sums.Limit.LOOKUPS, ALICE, (1 << 64) - 1)]
        one.counting.hear(Sealing(KEYS, bytes(16)).seal(more, int(one.clock.now() * 1000)))
        assert (left(one.publishes, ALICE), left(one.lookups, ALICE)) == (315, 320)

    play(scenario())


def test_sums_of_any_number_of_people_take_bounded_memory_and_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MAX_BUCKETS", 100)

    async def scenario() -> None:
        one = Node("one")
        for number in range(2 * counting.MAX_GATHERED):
            one.publishes.take(number.to_bytes(16, "big"), one.clock.now(), 10)
            one.lookups.take(number.to_bytes(16, "big"), one.clock.now())
        assert isinstance(one.lookups, counting.SharedLimiter)
        assert len(one.lookups._untold) == 100
        messages = await one.told()
        assert one.counting.told == counting.MAX_GATHERED
        assert len(messages) == counting.MAX_GATHERED // MAX_SUMS
        assert max(map(len, messages)) < 64 << 10

    play(scenario())


def test_a_node_remembers_a_bounded_number_of_others_and_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "MAX_NODES", 4)
    own = bytes([9]) * 16
    opening = Opening(KEYS, own)
    for number in range(20):
        opening.open(Sealing(KEYS, number.to_bytes(16, "big")).seal([], 0), 0)
    assert len(opening._last) == 4
    assert opening.open(Sealing(KEYS, own).seal([Sum(1, ALICE, 1)], 0), 0) == ()


def test_a_node_that_ends_tells_what_it_has_gathered() -> None:
    async def scenario() -> None:
        one, two = Node("one"), Node("two")
        one.take(ALICE, 10)
        one.counting.close()
        two.counting.hear(one.line.taken()[0])
        assert left(two.publishes, ALICE) == 310

    play(scenario())
