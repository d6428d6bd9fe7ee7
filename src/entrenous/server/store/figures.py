"""What the storage thread does, in figures: how large its batches are, how long they take, and whether they fail."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import literal_column, select

from entrenous.errors import UnavailableError
from entrenous.server.store.statements import Statement, Transaction
from entrenous.server.watching.histogram import Histogram

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_ANYTHING = Statement(select(literal_column("1")))


class Done(Protocol):
    """An operation that was carried out."""

    writes: bool
    outcome: object


class StoreFigures:
    """Written by the thread that carries out batches, read by any."""

    def __init__(self) -> None:
        #: Operations in a batch.
        self.batch_sizes = Histogram(_SIZES)
        #: Seconds of a batch that writes, with its commit.
        self.commit_seconds = Histogram(_SECONDS)
        #: Batches of which nothing was stored, and whether the last one that writes was such.
        self.failed_commits = 0
        self.is_failing = False

    def note(self, batch: Sequence[Done], seconds: float) -> None:
        """A batch was carried out."""
        self.batch_sizes.note(len(batch))
        if not any(job.writes for job in batch):
            return
        self.commit_seconds.note(seconds)
        self.is_failing = all(isinstance(job.outcome, UnavailableError) for job in batch)
        self.failed_commits += self.is_failing


def ask(tx: Transaction) -> None:
    """Ask for the least that there is: whether anybody answers."""
    tx.one(_ANYTHING)
