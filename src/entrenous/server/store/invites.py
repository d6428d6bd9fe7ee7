"""The rows of invites. A token is looked up by its hash; who reads the database finds none to use."""

from sqlalchemy import bindparam, delete, func, insert, select, update

from entrenous.server.store.schema import invites
from entrenous.server.store.statements import Statement, Transaction

_INSERT = Statement(insert(invites))
_valid = (
    invites.c.token_hash == bindparam("hash"),
    invites.c.uses_left > 0,
    invites.c.expires_at > bindparam("now"),
)
_FIND = Statement(select(invites.c.uses_left).where(*_valid))
_USE = Statement(update(invites).where(*_valid).values(uses_left=invites.c.uses_left - 1))
_COUNT = Statement(
    select(func.count()).where(invites.c.created_by == bindparam("account"), invites.c.expires_at > bindparam("now"))
)
_PURGE = Statement(delete(invites).where((invites.c.expires_at <= bindparam("now")) | (invites.c.uses_left == 0)))


def add(
    tx: Transaction, token_hash: bytes, *, uses: int, expires_at: int, created_by: bytes | None, created_at: int
) -> None:
    """Store an invite."""
    tx.put(
        _INSERT,
        token_hash=token_hash,
        uses_left=uses,
        expires_at=expires_at,
        created_by=created_by,
        created_at=created_at,
    )


def is_valid(tx: Transaction, token_hash: bytes, now: int) -> bool:
    """Whether the invite could be used now."""
    return tx.one(_FIND, hash=token_hash, now=now) is not None


def use(tx: Transaction, token_hash: bytes, now: int) -> bool:
    """Count one use; False if the invite is unknown, used up or expired."""
    return tx.run(_USE, hash=token_hash, now=now) == 1


def count_by(tx: Transaction, account: bytes, now: int) -> int:
    """How many of an account's invites have not expired."""
    row = tx.one(_COUNT, account=account, now=now)
    return 0 if row is None else int(row[0])


def purge(tx: Transaction, now: int) -> int:
    """Delete the invites that nobody can use any more; returns how many."""
    return tx.run(_PURGE, now=now)
