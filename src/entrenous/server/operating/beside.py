"""A server's store, opened by an operator's command beside the server, which may run or not."""

import contextlib
from collections.abc import AsyncIterator

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from entrenous.errors import UnavailableError
from entrenous.server.configuration.settings import Settings
from entrenous.server.store import Storage, revision_of, shared_engine, sqlite_engine
from entrenous.server.store.schema import REVISION

_OLDER = "Use the version that serves it, or start the server of this one: it brings the database up."
_NEWER = "Use that version, or a newer one."
_REACH = "Start PostgreSQL, or see to the address, the name and the password in store."
_RESTORE = "See who may read it, or stop the server and restore a backup."


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Storage]:
    """The store of the server with these settings. It is never made and never migrated here.

    Raises:
        UnavailableError: there is none, it cannot be used, or its schema is another version's.
    """
    storage = Storage(open_engine(settings))
    try:
        yield storage
    finally:
        await storage.close()


def open_engine(settings: Settings) -> Engine:
    """The same, below the storage thread.

    Raises:
        UnavailableError: as ``opened``.
    """
    if settings.store is not None:
        return _current(shared_engine(settings.store))
    if settings.database_path is None or not settings.database_path.exists():
        raise UnavailableError(
            f"there is no server in {settings.data_dir}",
            remedy="Name its directory with --data, or start one with: entrenous server run",
        )
    return _current(sqlite_engine(settings.database_path))


def _current(engine: Engine) -> Engine:
    """The engine, if the schema is the one that this program works with."""
    try:
        found = revision_of(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        raise UnavailableError(
            f"the database cannot be used: {getattr(error, 'orig', None) or error}",
            remedy=_RESTORE if engine.dialect.name == "sqlite" else _REACH,
        ) from error
    if found != REVISION:
        engine.dispose()
        # Revisions are numbered: a later one is of a newer version.
        remedy = _NEWER if (found or "") > REVISION else _OLDER
        raise UnavailableError(
            f"the database has schema {found or 'none'}, this program works with {REVISION}", remedy=remedy
        )
    return engine
