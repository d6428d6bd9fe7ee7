"""The rows of the audit log: what operators have done. They are added to and never changed."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, insert, select

from entrenous.server.store.schema import audit
from entrenous.server.store.statements import Statement, Transaction


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One action, as it is stored."""

    number: int
    at_ms: int
    actor: str
    action: str
    target: str
    detail: str
    digest: bytes


_COLUMNS = (
    audit.c.number,
    audit.c.at_ms,
    audit.c.actor,
    audit.c.action,
    audit.c.target,
    audit.c.detail,
    audit.c.digest,
)
_INSERT = Statement(insert(audit))
_NEWEST = Statement(select(func.max(audit.c.number)))
_AFTER = Statement(
    select(*_COLUMNS).where(audit.c.number > bindparam("after")).order_by(audit.c.number).limit(bindparam("most"))
)


def add(tx: Transaction, row: AuditRow) -> None:
    """Store the next row; two that want the same number at once are not both stored."""
    tx.run(
        _INSERT,
        number=row.number,
        at_ms=row.at_ms,
        actor=row.actor,
        action=row.action,
        target=row.target,
        detail=row.detail,
        digest=row.digest,
    )


def newest_number(tx: Transaction) -> int:
    """The newest row's number; 0 where there is none."""
    row = tx.one(_NEWEST)
    return 0 if row is None or row[0] is None else int(row[0])


def after(tx: Transaction, number: int, *, limit: int) -> tuple[AuditRow, ...]:
    """The rows that follow ``number``, oldest first."""
    return tuple(AuditRow(*row) for row in tx.all(_AFTER, after=number, most=limit))


def newest(tx: Transaction) -> AuditRow | None:
    """The newest row."""
    found = after(tx, newest_number(tx) - 1, limit=1)
    return found[0] if found else None
