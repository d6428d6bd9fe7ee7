"""How Alembic runs our migrations: on the connection that ``store.migrate`` hands over."""

from alembic import context
from sqlalchemy import Connection

from entrenous.server.store.engine import begin_alone
from entrenous.server.store.schema import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    # By hand, as everywhere in this store: all of it or nothing, tables included.
    begin_alone(connection)
    try:
        context.run_migrations()
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


_run(context.config.attributes["connection"])
