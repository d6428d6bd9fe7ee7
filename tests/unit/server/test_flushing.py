"""Connections are written to once a turn, all of them, whatever happens to one."""

import asyncio
from dataclasses import dataclass, field

from entrenous.server.network.flushing import Flushes


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
