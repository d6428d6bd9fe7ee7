"""What waits for the storage thread: operations, each alone or several together, and what came of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Generic, TypeVar

from entrenous.errors import UnavailableError
from entrenous.server.store.statements import Transaction

T = TypeVar("T")
Item = TypeVar("Item")

#: Something that is done to the open transaction. What it raises undoes it, and nothing else.
Operation = Callable[[Transaction], T]
#: The same thing for several at once: an outcome for each, in their order. Whose outcome is an error has changed
#: nothing. What it raises undoes all of them; then each is done by itself.
Together = Callable[[Transaction, Sequence[Item]], Sequence[T | Exception]]
#: Who is told of the outcome. It never raises.
Done = Callable[[T | Exception], None]


@dataclass(slots=True)
class Job(Generic[T]):
    """What waits for its turn, and what came of it.

    Attributes:
        work: what to do; jobs next to each other that have the same are carried out together.
        item: what to do it with.
        done: is told the outcome.
        rooms: the rooms whose logs it appends to, as far as it is known; no other node appends to them meanwhile.
        devices: the devices whose rows or inboxes it changes, likewise.
        marks: the names at whose passwords it counts attempts, likewise.
        outcome: its result, or why there is none.
        writes: whether it changes anything.
    """

    work: Together[Any, T]
    item: Any
    done: Done[T]
    rooms: Sequence[bytes] = ()
    devices: Sequence[bytes] = ()
    marks: Sequence[bytes] = ()
    outcome: T | Exception | None = None
    writes: bool = field(kw_only=True)

    def fail(self, detail: str) -> None:
        """Nothing of it is stored, or nobody knows: whoever asked may ask again."""
        self.outcome = UnavailableError(detail)


def alone(operation: Operation[T]) -> Together[None, T]:
    """An operation that is carried out together with no other."""
    return lambda tx, _: (operation(tx),)


def neighbours(jobs: Sequence[Job[Any]]) -> list[list[Job[Any]]]:
    """The jobs in their order, those together that are to be carried out together."""
    return [list(same) for _, same in groupby(jobs, attrgetter("work"))]


def carry_out(jobs: Sequence[Job[Any]], transaction: Transaction) -> None:
    """Do the work of jobs that have the same."""
    outcomes = jobs[0].work(transaction, [job.item for job in jobs])
    for job, outcome in zip(jobs, outcomes, strict=True):
        job.outcome = outcome
