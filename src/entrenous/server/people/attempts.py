"""How often anybody tries passwords of one name: a guesser who goes from node to node must not get more of them.

A server with a store of its own counts in memory. Where a store is shared, the nodes count in it, within the operation
that a login needs anyway: exactly, with or without a bus.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from entrenous.server.configuration.limits import Rate
from entrenous.server.rates import RateLimiter, check_rate, too_much
from entrenous.server.store import Operation, Storage, Transaction, attempts

T = TypeVar("T")


class Attempts(Protocol):
    """What counts them. A mark stands for a name, whether it exists or not."""

    async def read(self, mark: bytes, now: float, operation: Operation[T]) -> T:
        """Count an attempt, and read what it needs.

        Raises:
            RefusedError: there were too many.
        """
        ...

    async def forget(self, mark: bytes) -> None:
        """Let the attempts count no more."""
        ...


@dataclass(frozen=True, slots=True)
class AttemptsHere:
    """Counts them in memory."""

    storage: Storage
    limiter: RateLimiter

    async def read(self, mark: bytes, now: float, operation: Operation[T]) -> T:
        """See ``Attempts``."""
        check_rate(self.limiter, mark, now)
        return await self.storage.read(operation)

    async def forget(self, mark: bytes) -> None:
        """See ``Attempts``."""
        self.limiter.forget(mark)


@dataclass(frozen=True, slots=True)
class _Refused:
    """There were too many; seconds until the next one is allowed."""

    wait: float


@dataclass(frozen=True, slots=True)
class AttemptsEverywhere:
    """Counts them in the store.

    Attributes:
        storage: the store.
        rate: says what is allowed.
        refused: called whenever it was too much.
    """

    storage: Storage
    rate: Callable[[], Rate]
    refused: Callable[[], None]

    async def read(self, mark: bytes, now: float, operation: Operation[T]) -> T:
        """See ``Attempts``."""

        def counted(tx: Transaction) -> T | _Refused:
            wait = attempts.take(tx, mark, self.rate(), now)
            return _Refused(wait) if wait else operation(tx)

        found = await self.storage.write(counted, marks=(mark,))
        if isinstance(found, _Refused):
            self.refused()
            raise too_much(found.wait)
        return found

    async def forget(self, mark: bytes) -> None:
        """See ``Attempts``."""
        await self.storage.write(lambda tx: attempts.forget(tx, mark), marks=(mark,))
