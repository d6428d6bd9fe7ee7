"""What the client takes from outside: time, randomness, a place for long work, and who watches derivations."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from entrenous.crypto import Entropy
from entrenous.trace import SILENT, Trace

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time of day. Waiting is the event loop's, which a test replaces along with this."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        ...


class Offload(Protocol):
    """Runs work that takes longer than a person's eye forgives, such as Argon2id."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Its result, or its exception."""
        ...


async def in_thread(work: Callable[[], T]) -> T:
    """Off the event loop, in the loop's thread pool."""
    return await asyncio.to_thread(work)


async def in_place(work: Callable[[], T]) -> T:
    """On the event loop: for virtual time, which would run on while a thread works."""
    return work()


@dataclass(frozen=True, slots=True)
class Environment:
    """The composition root makes one; everything in the client that needs the outside takes it as an argument."""

    clock: Clock
    entropy: Entropy
    trace: Trace = SILENT
    offload: Offload = in_thread

    def seconds(self) -> int:
        """The clock in whole seconds, as certificates and lifetimes count."""
        return int(self.clock.now())
