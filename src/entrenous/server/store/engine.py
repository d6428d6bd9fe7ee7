"""Opening the database: SQLite, durable at every commit, in a file or in memory; or PostgreSQL, for many nodes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from entrenous.errors import UnavailableError
from entrenous.server.store.schema import REVISION, metadata

#: Milliseconds to wait for another process that writes to the same file, e.g. an operator's command.
BUSY_TIMEOUT_MS = 5_000

_EXAMPLE = "Write it as postgresql+psycopg://USER:PASSWORD@HOST:5432/DATABASE."
#: What nodes that start together take turns by when they look at the schema: any number, the same for all.
_SCHEMA_LOCK = 0x656E7472656E6F75

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # WAL with NORMAL may lose the newest commits on power loss; what was acknowledged must stay.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA secure_delete = ON",
    # What a statement of many rows needs to be undone is in memory: else each commit makes a file for it, somewhere
    # outside of the server's folder.
    "PRAGMA temp_store = MEMORY",
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


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def shared_engine(url: str) -> Engine:
    """An engine on the PostgreSQL database that a URL names, for several nodes. It connects when it is used.

    Raises:
        UnavailableError: the URL is none of PostgreSQL's, or the driver is not installed.
    """
    # The URL may hold a password, so no message repeats it.
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UnavailableError("the store's URL cannot be read", remedy=_EXAMPLE) from None
    if parsed.drivername not in ("postgresql", "postgresql+psycopg"):
        raise UnavailableError(f"a store of the kind {parsed.drivername} is not known", remedy=_EXAMPLE)
    try:
        from entrenous.server.store.postgresql import postgresql_engine
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "psycopg":
            raise
        raise UnavailableError(
            "PostgreSQL needs a driver that is not installed", remedy="Run: pip install 'entrenous[cluster]'"
        ) from error
    return postgresql_engine(parsed)


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


def begin_alone(connection: Connection) -> None:
    """Begin a transaction in which nobody else changes the schema."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql("BEGIN")
    # However long another node's migrations take, and our own.
    for limit in ("lock_timeout", "statement_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")


def create_tables(connection: Connection) -> None:
    """Make the newest schema at once: for a database in memory, where there is nothing to migrate."""
    metadata.create_all(connection)


def revision_of(engine: Engine) -> str | None:
    """The revision of the schema that the database has; None for one without any."""
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])
