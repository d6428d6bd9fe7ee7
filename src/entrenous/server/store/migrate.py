"""Running the shipped migrations. Imported only when a database is new or old."""

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from entrenous.errors import UnavailableError

#: Alembic resolves "package:folder" through importlib, so a wheel or a zip serves as well as a checkout.
SCRIPTS = "entrenous.server.store:migrations"


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for one open connection; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision, or leave it as it was.

    Raises:
        UnavailableError: the database is of a revision that this version does not know.
    """
    try:
        command.upgrade(configuration(connection), "head")
    except CommandError as error:
        raise UnavailableError(
            f"the database was written by another version of this program: {error}",
            remedy="Use that version, or a newer one.",
        ) from error
