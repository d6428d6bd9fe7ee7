"""Two processes under one virtual time, so that a conversation between them is the same in every run.

The house decides: when nothing is left to do in it, it gives the guest a turn, with everything that was sent to it, or
lets time go on to whichever timer comes first. The guest works until nothing is left to do in it either. What it sends
leaves its process at once: a guest that dies has sent what it sent.
"""

import asyncio
import math
import os
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import Any

#: Virtual seconds after which a run is told that what it waits for does not come.
LATEST = 3_600.0
#: Real seconds that a turn of the guest may take.
HANG = 60.0
#: A timer's own rounding may leave it a hair in the future; the loop would then spin.
_HAIR = 1e-6

#: One thing that one process tells the other: what it is about, and its arguments.
News = tuple[Any, ...]


class _IdleSelector(selectors.DefaultSelector):
    """Never waits: calls ``idle`` with the seconds up to the next timer, if there is one, when nothing is ready."""

    def __init__(self, idle: Callable[[float | None], None]) -> None:
        super().__init__()
        self._idle = idle

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now."""
        ready = super().select(0)
        if not ready and timeout != 0:
            self._idle(timeout)
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time somebody else sets."""

    def __init__(self, start: float) -> None:
        self.now = start
        super().__init__(_IdleSelector(self.idle))

    def time(self) -> float:
        """Virtual seconds."""
        return self.now

    def idle(self, timeout: float | None) -> None:
        """Nothing is left to do up to the next timer."""
        raise NotImplementedError  # the two loops below have one each

    def wakes_at(self, timeout: float | None) -> float:
        """When the next timer is due."""
        return math.inf if timeout is None else self.now + max(timeout, _HAIR)


class GuestLoop(_VirtualLoop):
    """The guest's: when nothing is left to do, it gives the turn back."""

    def __init__(self, start: float, line: Connection, on_news: Callable[[News], None]) -> None:
        super().__init__(start)
        self._line = line
        self._on_news = on_news

    def idle(self, timeout: float | None) -> None:
        """Give the turn back, and wait for the next."""
        self._line.send(("idle", self.wakes_at(timeout)))
        self.now, news = self._line.recv()
        for one in news:
            self.call_soon(self._on_news, one)


class HouseLoop(_VirtualLoop):
    """The house's: when nothing is left to do, it is the guest's turn, or time goes on."""

    def __init__(self, start: float) -> None:
        super().__init__(start)
        self._latest = start + LATEST
        self.guest: GuestProcess | None = None

    def idle(self, timeout: float | None) -> None:
        """Decide who is next."""
        own = self.wakes_at(timeout)
        guest = self.guest
        if guest is not None and (guest.has_news or guest.wakes_at <= own):
            if not guest.has_news:
                self.now = max(self.now, guest.wakes_at)
            guest.turn(self)
        else:
            self.now = own
        if self.now > self._latest:
            raise RuntimeError("what the conversation waits for does not come")


@dataclass
class GuestProcess:
    """A guest, as the house sees it. Forked before there is a loop; it waits for its first turn.

    Attributes:
        on_news: told what the guest sends.
        on_death: told when its process has ended, after everything that it sent before.
    """

    pid: int
    line: Connection
    on_news: Callable[[News], None] = lambda _: None
    on_death: Callable[[], None] = lambda: None
    wakes_at: float = math.inf
    is_alive: bool = True

    def __post_init__(self) -> None:
        self._news: list[News] = []

    @property
    def has_news(self) -> bool:
        """Whether something is to be told to it."""
        return bool(self._news)

    def tell(self, *news: Any) -> None:
        """Send it something, with its next turn; to the dead, nothing is sent."""
        if self.is_alive:
            self._news.append(news)

    def turn(self, loop: HouseLoop) -> None:
        """Let it work until it has nothing to do; what it sends meanwhile arrives in the house's loop, in order."""
        news, self._news = self._news, []
        try:
            self.line.send((loop.now, news))
            while (message := self._receive())[0] != "idle":
                loop.call_soon(self.on_news, message)
            self.wakes_at = message[1]
        except (EOFError, ConnectionError):
            self.is_alive = False
            loop.guest = None
            loop.call_soon(self.on_death)

    def end(self) -> int:
        """Its exit code; a process that has not ended is killed."""
        if self.is_alive:
            os.kill(self.pid, signal.SIGKILL)
        self.line.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _receive(self) -> News:
        if not self.line.poll(HANG):
            raise RuntimeError("the guest hangs")
        message: News = self.line.recv()
        return message


def fork(lives: Iterable[Callable[[Connection], None]]) -> list[GuestProcess]:
    """Fork one process for each life of a guest. Each ends when its function returns, which begins with a turn."""
    guests: list[GuestProcess] = []
    for live in lives:
        near, far = Pipe()
        pid = os.fork()
        if not pid:
            # An end that another process holds open would hide that this one has died.
            near.close()
            for guest in guests:
                guest.line.close()
            _live(live, far)
        far.close()
        guests.append(GuestProcess(pid, near))
    return guests


def _live(live: Callable[[Connection], None], line: Connection) -> None:
    """Be the guest, and end without a trace of the process that forked it."""
    code = 1
    try:
        live(line)
        code = 0
    except BaseException:  # noqa: BLE001 nobody is above this to show it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
