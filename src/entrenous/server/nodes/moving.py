"""Moving a server from SQLite to PostgreSQL: a copy of what it holds, verified, while it runs or not.

While the server runs, what is stored after the copy began is not in it: so a copy counts as whole only if the server
was stopped during all of it. Until then no node serves the target. The keys are not copied: they are files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from entrenous.errors import UnavailableError
from entrenous.server.opening import check_owner, described
from entrenous.server.serving_lock import ServingLock
from entrenous.server.store import Transaction, accounts, ensure_schema, facts, shared_engine, sqlite_engine
from entrenous.server.store.copying import Content, Copying, Watcher
from entrenous.server.store.engine import begin_alone
from entrenous.server.store.facts import Use

#: What copies into one database take turns by: any number, the same for all.
_COPY_LOCK = 0x656E74726563


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of a copy.

    Attributes:
        target: where it is, for people.
        tables: what each table holds, in both databases alike.
        is_whole: whether the server was stopped meanwhile, so that nothing is missing.
    """

    target: str
    tables: dict[str, Content]
    is_whole: bool


def move(database: Path, lock: Path, server_id: bytes, url: str, told: Watcher) -> Moved:
    """Copy a server's SQLite database into the PostgreSQL database that a URL names. May be repeated.

    Args:
        database: the SQLite file.
        lock: what a running server holds.
        server_id: whose database it is.
        url: where it goes: an empty database, or one that holds an earlier copy.
        told: how far it has come.

    Raises:
        UnavailableError: the target is not free, or one of the two cannot be used.
    """
    if not database.exists():
        raise UnavailableError(f"there is no database {database}", remedy="Name the server's directory with --data.")
    source, target = sqlite_engine(database), shared_engine(url)
    serving = ServingLock(lock)
    try:
        is_stopped = _is_stopped(serving)
        ensure_schema(source)
        ensure_schema(target)
        with _alone(target) as to, source.connect() as from_:
            _begin_copy(to, server_id)
            from_.exec_driver_sql("BEGIN")
            tables = _copied(Copying(from_, to), told)
            if is_stopped:
                _set_use(to, Use.COPIED)
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise UnavailableError(f"the copy to {described(target)} failed: {reason}") from error
    finally:
        serving.release()
        source.dispose()
        target.dispose()
    return Moved(described(target), tables, is_stopped)


def _copied(copying: Copying, told: Watcher) -> dict[str, Content]:
    tables = copying.run(told)
    verified = copying.verify(told)
    different = [name for name, content in tables.items() if verified[name] != content]
    if different:
        raise UnavailableError(
            f"these tables are not alike: {', '.join(different)}",
            remedy="Run the command again: it copies what differs.",
        )
    return tables


def _is_stopped(serving: ServingLock) -> bool:
    """Whether no server runs, and none can start until the lock is released."""
    try:
        serving.take()
    except UnavailableError:
        return False
    return True


@contextmanager
def _alone(target: Engine) -> Iterator[Connection]:
    with target.connect() as connection:
        if not connection.execute(text(f"SELECT pg_try_advisory_lock({_COPY_LOCK})")).scalar():
            raise UnavailableError("another copy into this store is under way", remedy="Wait until it has ended.")
        yield connection


def _begin_copy(target: Connection, server_id: bytes) -> None:
    """Judge whether the target may be written to, and note that its content is not whole."""
    begin_alone(target)
    transaction = Transaction(target.connection.cursor(), target.dialect)
    try:
        _check_free(transaction, server_id)
        facts.set_owner(transaction, server_id)
        facts.set_use(transaction, Use.COPYING)
    except BaseException:
        transaction.control("ROLLBACK")
        raise
    transaction.control("COMMIT")


def _check_free(transaction: Transaction, server_id: bytes) -> None:
    check_owner(transaction, server_id)
    use = facts.use(transaction)
    if use is Use.SERVING:
        raise UnavailableError(
            "this store has been served since: what it holds is newer than the copy would be",
            remedy="Name an empty database.",
        )
    if use is None and accounts.any_at_all(transaction):
        raise UnavailableError("this store holds another server's data", remedy="Name an empty database.")


def _set_use(target: Connection, use: Use) -> None:
    transaction = Transaction(target.connection.cursor(), target.dialect)
    transaction.control("BEGIN")
    facts.set_use(transaction, use)
    transaction.control("COMMIT")
