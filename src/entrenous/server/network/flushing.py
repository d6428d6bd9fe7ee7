"""Writing to the connections that have something to say: each once in a turn of the loop, however much that is."""

import asyncio
from typing import Protocol

import structlog

from entrenous.server.clock import Clock

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
    """Those connections. One callback of the loop serves them all, as one for each would cost as much as its writing.

    Args:
        clock: the time of day.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Speaker] = []

    def add(self, speaker: Speaker) -> None:
        """A connection has something to say. It is asked for it once, and then has to be added again."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(speaker)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        now = self._clock.now()
        for speaker in waiting:
            try:
                speaker.flush(now)
            except Exception as error:  # noqa: BLE001 a bug of ours: one connection ends, the others are served
                _log.exception("connection.flush_failed", error=repr(error))
                speaker.abort()
