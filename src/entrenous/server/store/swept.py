"""The rows that count what the server has deleted by itself, of which kind, since its first start."""

from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update

from entrenous.server.store.schema import swept
from entrenous.server.store.statements import Statement, Transaction


@dataclass(frozen=True, slots=True)
class SweptRow:
    """One kind of thing."""

    kind: str
    deleted: int
    #: When it was looked for last, in unix seconds.
    last_at: int


_UPDATE = Statement(
    update(swept)
    .where(swept.c.kind == bindparam("of_kind"))
    .values(deleted=swept.c.deleted + bindparam("more"), last_at=bindparam("now"))
)
_INSERT = Statement(insert(swept))
_ALL = Statement(select(swept.c.kind, swept.c.deleted, swept.c.last_at).order_by(swept.c.kind))


def count(tx: Transaction, kind: str, deleted: int, now: int) -> None:
    """Things of one kind were looked for, and so many deleted."""
    if tx.run(_UPDATE, of_kind=kind, more=deleted, now=now) == 0:
        tx.run(_INSERT, kind=kind, deleted=deleted, last_at=now)


def every(tx: Transaction) -> tuple[SweptRow, ...]:
    """All kinds, by name."""
    return tuple(SweptRow(*row) for row in tx.all(_ALL))
