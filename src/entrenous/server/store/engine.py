"""Opening the database: SQLite, durable at every commit, in a file or in memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from entrenous.server.store.schema import REVISION, metadata

#: Milliseconds to wait for another process that writes to the same file, e.g. an operator's command.
BUSY_TIMEOUT_MS = 5_000

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # WAL with NORMAL may lose the newest commits on power loss; what was acknowledged must stay.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA secure_delete = ON",
)


def sqlite_engine(path: Path | None) -> Engine:
    """An engine on the SQLite file ``path``; None is a database in memory that ends with the engine.

    Its connections leave BEGIN and COMMIT to the caller.
    """
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}}
    if path is None:
        options["poolclass"] = StaticPool
    engine = create_engine(
        "sqlite://" if path is None else f"sqlite:///{path}", isolation_level="AUTOCOMMIT", **options
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 the driver's own connection
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def ensure_schema(engine: Engine, migrate: Callable[[Connection], None] | None = None) -> None:
    """Bring the database to ``schema.REVISION``, loading the migrations only if it is not there.

    Args:
        engine: the database.
        migrate: what to run when the revision differs; the shipped migrations unless a test says otherwise.

    Raises:
        UnavailableError: the database was written by a newer version.
    """
    with engine.connect() as connection:
        if _revision(connection) == REVISION:
            return
        (migrate or _shipped_migrations())(connection)


def _shipped_migrations() -> Callable[[Connection], None]:
    # Alembic costs 0.2 s to import, and a server that finds its schema in place never needs it.
    from entrenous.server.store.migrate import upgrade

    return upgrade


def create_tables(connection: Connection) -> None:
    """Make the newest schema at once: for a database in memory, where there is nothing to migrate."""
    metadata.create_all(connection)


def revision_of(engine: Engine) -> str | None:
    """The revision of the schema that the database has; None for one without any."""
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if found is None:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])
