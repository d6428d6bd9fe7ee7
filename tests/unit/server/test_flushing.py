"""Connections are written to once a turn, all of them, whatever happens to one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from entrenous.server.network.flushing import IN_ONE_TURN, Flushes


class At:
    """A clock that stands still."""

    def now(self) -> float:
        return 7.0


@dataclass
class Speaker:
    fails: bool = False
    said: list[float] = field(default_factory=list)
    aborted: bool = False

    def flush(self, now: float) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.said.append(now)

    def abort(self) -> None:
        self.aborted = True


async def test_all_are_flushed_in_the_next_turn_and_once() -> None:
    flushes, speakers = Flushes(At()), [Speaker(), Speaker()]
    for speaker in speakers:
        flushes.add(speaker)
    assert [speaker.said for speaker in speakers] == [[], []]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [speaker.said for speaker in speakers] == [[7.0], [7.0]]
    flushes.add(speakers[1])
    await asyncio.sleep(0)
    assert [speaker.said for speaker in speakers] == [[7.0], [7.0, 7.0]]


async def test_a_bug_met_with_one_connection_ends_that_one_alone() -> None:
    flushes, broken, fine = Flushes(At()), Speaker(fails=True), Speaker()
    for speaker in (broken, fine):
        flushes.add(speaker)
    await asyncio.sleep(0)
    assert (broken.aborted, fine.aborted, fine.said) == (True, False, [7.0])


@dataclass
class Counting:
    """A speaker that tells who speaks, in which order."""

    spoke: list["Counting"]
    and_then: Callable[[], None] = lambda: None

    def flush(self, now: float) -> None:
        del now
        self.spoke.append(self)
        self.and_then()

    def abort(self) -> None:
        raise AssertionError


async def test_many_are_flushed_in_their_order_some_in_each_turn_and_others_have_theirs_between() -> None:
    flushes, spoke, between = Flushes(At()), list[Counting](), list[int]()
    speakers = [Counting(spoke) for _ in range(3 * IN_ONE_TURN - 1)]
    for speaker in speakers:
        flushes.add(speaker)
    while len(spoke) < len(speakers):
        await asyncio.sleep(0)
        between.append(len(spoke))
    assert between == [IN_ONE_TURN, 2 * IN_ONE_TURN, len(speakers)]
    assert spoke == speakers


async def test_what_is_to_be_said_while_a_round_goes_on_is_said_together_after_it() -> None:
    flushes, spoke, told = Flushes(At()), list[Counting](), list[str]()
    crowd = [Counting(spoke) for _ in range(2 * IN_ONE_TURN)]

    def tell() -> None:
        told.append(f"after {len(spoke)}")
        flushes.add(crowd[-1])

    def meanwhile() -> None:
        flushes.add(crowd[0])
        flushes.before(tell)

    crowd[0].and_then = meanwhile
    for speaker in crowd:
        flushes.add(speaker)
    await asyncio.sleep(0)
    crowd[0].and_then = lambda: None
    for _ in range(2):
        await asyncio.sleep(0)
    assert told == [f"after {len(crowd)}"]
    assert spoke == [*crowd, crowd[0], crowd[-1]]


async def test_what_is_to_be_done_before_a_round_is_done_in_the_next_turn_and_in_time_for_it() -> None:
    flushes, speaker = Flushes(At()), Speaker()
    flushes.before(lambda: flushes.add(speaker))
    await asyncio.sleep(0)
    assert speaker.said == [7.0]


async def test_a_round_is_begun_though_what_was_to_be_done_before_it_has_failed() -> None:
    done, flushes, speaker = list[str](), Flushes(At()), Speaker()
    flushes.before(lambda: [][0])
    flushes.before(lambda: done.append("the rest"))
    flushes.add(speaker)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert speaker.said == [7.0]
    assert done == ["the rest"]
