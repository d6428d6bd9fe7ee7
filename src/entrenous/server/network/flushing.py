"""Writing to the connections that have something to say: each once in a round, however much that is.

A round takes turns of the loop, in each of which some of the connections are written to: those are still in the
processor's caches when the loop hands over to the network what they wrote, and others need not wait for all of them.
What is to be said meanwhile is for the next round, together.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from entrenous.server.clock import Clock

#: Connections that are written to in one turn of the loop: half a millisecond's work.
IN_ONE_TURN = 64

_log = structlog.get_logger(__name__)


class Speaker(Protocol):
    """A connection that has something to say."""

    def flush(self, now: float) -> None:
        """Say it."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Flushes:
    """Those connections. One callback of the loop serves many, as one for each would cost as much as its writing.

    Args:
        clock: the time of day.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._is_due = False
        self._before: list[Callable[[], None]] = []
        self._waiting: list[Speaker] = []
        #: Those of the round, the next one last.
        self._round: list[Speaker] = []

    def add(self, speaker: Speaker) -> None:
        """A connection has something to say. It is asked for it once, and then has to be added again."""
        self._waiting.append(speaker)
        if not self._is_due:
            self._soon()

    def before(self, work: Callable[[], None]) -> None:
        """Do something before the next round, which those whom it gives something to say are in."""
        self._before.append(work)
        if not self._is_due:
            self._soon()

    def _soon(self) -> None:
        self._is_due = True
        self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        try:
            if not self._round:
                self._begin()
            self._write()
        finally:
            self._is_due = False
            if self._round or self._waiting or self._before:
                self._soon()

    def _begin(self) -> None:
        before, self._before = self._before, []
        for work in before:
            try:
                work()
            except Exception as error:  # noqa: BLE001 a bug of ours: the rest is done all the same
                _log.exception("flushing.work_failed", error=repr(error))
        self._round, self._waiting = self._waiting, []
        self._round.reverse()

    def _write(self) -> None:
        now = self._clock.now()
        for _ in range(min(IN_ONE_TURN, len(self._round))):
            speaker = self._round.pop()
            try:
                speaker.flush(now)
            except Exception as error:  # noqa: BLE001 a bug of ours: one connection ends, the others are served
                _log.exception("connection.flush_failed", error=repr(error))
                speaker.abort()
