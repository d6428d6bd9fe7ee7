"""Opening the store that the settings name: SQLite in the data directory or in memory, or PostgreSQL for many nodes."""

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from entrenous.errors import UnavailableError
from entrenous.server.configuration.settings import Settings
from entrenous.server.store import Transaction, create_tables, ensure_schema, shared_engine, sqlite_engine
from entrenous.server.store.engine import begin_alone
from entrenous.server.store.facts import Use, owner, set_owner, set_use, use


def open_database(settings: Settings, server_id: bytes) -> Engine:
    """The database of a server, with the newest schema.

    Args:
        settings: where it is.
        server_id: the server's id, which goes with its keys: a shared database is used by nobody else.

    Raises:
        UnavailableError: it cannot be used, it is another server's, or a copy into it is not whole.
    """
    engine = sqlite_engine(settings.database_path) if settings.store is None else shared_engine(settings.store)
    try:
        if settings.store is not None:
            ensure_schema(engine)
            take_possession(engine, server_id)
        elif settings.database_path is not None:
            ensure_schema(engine)
        else:
            with engine.connect() as connection:
                create_tables(connection)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = getattr(error, "orig", None) or error
        raise UnavailableError(f"the database {described(engine)} cannot be used: {reason}") from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def described(engine: Engine) -> str:
    """Where a database is, for people: without the name and the password that open it."""
    url = engine.url
    if url.host is None:
        return str(url.database)
    return f"{url.database} at {url.host}" + (f", port {url.port}" if url.port else "")


def take_possession(engine: Engine, server_id: bytes) -> None:
    """Serve a shared database from now on.

    Raises:
        UnavailableError: it is another server's, or a copy into it is not whole.
    """
    with engine.connect() as connection:
        begin_alone(connection)
        transaction = Transaction(connection.connection.cursor(), engine.dialect)
        try:
            check_owner(transaction, server_id)
            _check_whole(transaction)
            set_owner(transaction, server_id)
            set_use(transaction, Use.SERVING)
        except BaseException:
            transaction.control("ROLLBACK")
            raise
        transaction.control("COMMIT")


def check_owner(transaction: Transaction, server_id: bytes) -> None:
    """Judge whether a database may be used by a server.

    Raises:
        UnavailableError: it is another server's.
    """
    if owner(transaction) not in (None, server_id):
        raise UnavailableError(
            "this store belongs to a server with other keys",
            remedy="Copy keys/server.keys from a node of that server into this data directory, or name another store.",
        )


def _check_whole(transaction: Transaction) -> None:
    if use(transaction) is Use.COPYING:
        raise UnavailableError(
            "a copy into this store was begun and is not whole",
            remedy="Stop the server that was copied, and run `entrenous server migrate` again.",
        )
