"""How Alembic runs our migrations: on the connection that ``store.migrate`` hands over."""

from alembic import context
from sqlalchemy import Connection

from entrenous.server.store.schema import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
