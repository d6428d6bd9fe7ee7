"""The shipped migrations make exactly the schema, all of it or nothing, and are loaded only when needed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Engine

from entrenous.errors import UnavailableError
from entrenous.server.store import create_tables, ensure_schema, log, retention, sqlite_engine
from entrenous.server.store.migrate import configuration
from entrenous.server.store.schema import REVISION, metadata
from entrenous.server.store.statements import Transaction


def structure(engine: Engine) -> dict[str, set[str]]:
    """Every table and index with its clauses; in which order constraints stand says nothing."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%alembic%'"
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(query).fetchall()
    return {
        # A column that was added later stands on a line with others: what is not in parentheses ends at a comma.
        name: {clause.strip() for clause in re.split(r"\n|,(?![^(]*\))", sql)} - {""}
        for name, sql in rows
        if not name.startswith("sqlite_")
    }


def test_migrations_make_exactly_the_schema(tmp_path: Path) -> None:
    migrated, created = sqlite_engine(tmp_path / "a.db"), sqlite_engine(None)
    ensure_schema(migrated)
    with created.connect() as connection:
        create_tables(connection)
    assert structure(migrated) == structure(created)
    assert set(metadata.tables) <= set(structure(migrated))
    migrated.dispose()
    created.dispose()


def test_a_database_that_is_up_to_date_is_not_migrated(tmp_path: Path) -> None:
    def never(_connection: Connection) -> None:
        raise AssertionError("migrated again")

    engine = sqlite_engine(tmp_path / "a.db")
    ensure_schema(engine)
    ensure_schema(engine, never)
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.db")
    ensure_schema(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = structure(engine)
    with pytest.raises(UnavailableError, match="another version"):
        ensure_schema(engine)
    assert structure(engine) == before
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.db")
    with engine.connect() as connection:
        # In the way of the last table that the first migration makes.
        connection.exec_driver_sql("CREATE TABLE key_packages (unrelated TEXT)")
    before = structure(engine)
    with pytest.raises(Exception, match="key_packages"):
        ensure_schema(engine)
    assert structure(engine) == before
    engine.dispose()


def test_the_newest_shipped_revision_is_the_schemas(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.db")
    ensure_schema(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == REVISION
    engine.dispose()


def test_alembic_is_not_loaded_for_a_database_that_is_up_to_date(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.db")
    ensure_schema(engine)
    engine.dispose()
    script = (
        "import sys, pathlib; from entrenous.server.store import ensure_schema, sqlite_engine;"
        "engine = sqlite_engine(pathlib.Path(sys.argv[1])); ensure_schema(engine); engine.dispose();"
        "print(any(name.startswith('alembic') for name in sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.db")], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


def test_what_was_published_before_its_table_was_made_anew_is_remembered_as_long(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "a.db")
    ensure_schema(engine, lambda connection: command.upgrade(configuration(connection), "0005"))
    messages = [(bytes([device]) * 16, bytes([number]) * 12) for number in range(40) for device in (9, 3, 7)]
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sent VALUES (?, ?, ?, ?, ?)",
            [(*name, b"room" * 4, place, 1_000 + place) for place, name in enumerate(messages)],
        )
    ensure_schema(engine)
    with engine.connect() as connection:
        tx = Transaction(connection.connection.cursor(), engine.dialect)
        assert log.published(tx, messages) == {
            name: log.Sent(b"room" * 4, place) for place, name in enumerate(messages)
        }
        assert retention.forget_sent(tx, 1_009) == 10
        assert set(log.published(tx, messages)) == set(messages[10:])
    engine.dispose()
