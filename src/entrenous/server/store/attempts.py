"""The rows of attempts at passwords, which all nodes of a server count together.

A name stands here by a mark that only who has the key file can connect with it: also names that nobody has are
attempted, and some of them are passwords that were typed into the wrong field. A row holds one number: the time from
which all that may be attempted at once may be attempted again. Whoever calls ``take`` or ``forget`` has locked the mark
(``Storage.write``).
"""

from sqlalchemy import bindparam, delete, insert, select, update

from entrenous.server.configuration.limits import Rate
from entrenous.server.store.schema import attempts
from entrenous.server.store.statements import Statement, Transaction

#: Microseconds of the longest time that is reckoned with: 70,000 years.
_LONGEST = 1 << 61

_FIND = Statement(select(attempts.c.full_at).where(attempts.c.mark == bindparam("of")))
_UPDATE = Statement(update(attempts).where(attempts.c.mark == bindparam("of")).values(full_at=bindparam("until")))
_INSERT = Statement(insert(attempts))
_FORGET = Statement(delete(attempts).where(attempts.c.mark == bindparam("of")))
_PURGE = Statement(
    delete(attempts).where(
        attempts.c.mark.in_(
            # What a node is counting at this moment is left for the next time.
            select(attempts.c.mark)
            .where(attempts.c.full_at <= bindparam("now"))
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
    )
)


def take(tx: Transaction, mark: bytes, rate: Rate, now: float) -> float:
    """Count an attempt; returns 0, or the seconds after which it would be allowed (it then was not counted)."""
    now_us = _microseconds(now)
    window = min(_microseconds(rate.seconds), _LONGEST)
    each = max(window // rate.count, 1)
    row = tx.one(_FIND, of=mark)
    # Within the window in any case: a clock that was ahead, here or at another node, keeps nobody out for longer.
    full_at = now_us if row is None else min(max(row[0], now_us), now_us + window)
    until = full_at + each
    if until > now_us + window:
        return (until - now_us - window) / 1_000_000
    if tx.run(_UPDATE, of=mark, until=until) == 0:
        tx.put(_INSERT, mark=mark, full_at=until)
    return 0.0


def forget(tx: Transaction, mark: bytes) -> None:
    """Let what was attempted count no more."""
    tx.put(_FORGET, of=mark)


def purge(tx: Transaction, now: float, *, limit: int) -> int:
    """Delete rows that hold nobody back any more; returns how many."""
    return tx.run(_PURGE, now=_microseconds(now), most=limit)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
