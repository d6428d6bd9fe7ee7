"""Copying a server's data while it runs: one moment of the database, checked, hashed, and there whole or not at all."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import entrenous
from entrenous.errors import MalformedError, RejectedError, UnavailableError
from entrenous.server.configuration.settings import Settings
from entrenous.server.operating.key_backup import server_id_of
from entrenous.server.operating.manifest import BESIDES, DATABASE, FILE_NAME, FORMAT, Manifest, described
from entrenous.server.store.schema import metadata
from entrenous.whole_files import PRIVATE_DIRECTORY, PRIVATE_FILE, sync_directory, sync_file, write_private

#: Pages that are copied between two reports of progress.
PAGES = 4_096
#: Where the time of the newest backup is noted, in the data directory.
LAST_BACKUP = "last-backup"
#: Seconds to wait for a writer, where the database is not in WAL mode yet.
_PATIENCE = 30.0

#: Told of the pages that are left and of all.
Progress = Callable[[int, int], None]


def back_up(settings: Settings, target: Path, *, now: float, progress: Progress) -> Manifest:
    """Copy the data of a server that runs or not into a new directory. Keys are never in it.

    Args:
        settings: the server's.
        target: where; there is nothing yet.
        now: unix seconds.
        progress: see ``Progress``.

    Raises:
        RejectedError: rule SRV-BACKUP-EXISTS.
        MalformedError: the database is damaged: the copy would be too.
        UnavailableError: the store is PostgreSQL, or there is none, or no space; then there is nothing.
    """
    database = sqlite_file(settings)
    if target.exists():
        raise RejectedError("SRV-BACKUP-EXISTS", f"{target} exists: a backup is not written over")
    with _draft(target) as folder:
        schema, rows = _copy_database(database, folder / DATABASE, progress)
        names = [DATABASE]
        for name in BESIDES:
            if (database.parent / name).is_file():
                write_private(folder / name, (database.parent / name).read_bytes())
                names.append(name)
        server_id = None if settings.keys_path is None else server_id_of(settings.keys_path)
        manifest = Manifest(
            format=FORMAT,
            program=entrenous.__version__,
            made_at=int(now),
            schema=schema,
            server_id=None if server_id is None else server_id.hex(),
            rows=rows,
            files=tuple(described(folder / name) for name in names),
        )
        write_private(folder / FILE_NAME, manifest.encode())
    with contextlib.suppress(OSError):  # only a note for who asks how old the newest backup is
        write_private(database.parent / LAST_BACKUP, f"{manifest.made_at}\n".encode(), is_servers=True)
    return manifest


def last_backup(data_dir: Path) -> int | None:
    """When the data were backed up last, in unix seconds; None if that is not known."""
    try:
        return int((data_dir / LAST_BACKUP).read_text())
    except (OSError, ValueError):
        return None


def sqlite_file(settings: Settings) -> Path:
    """The server's SQLite file.

    Raises:
        UnavailableError: its store is PostgreSQL, or there is no such file.
    """
    if settings.store is not None:
        raise UnavailableError(
            "this server's store is PostgreSQL, which has its own tools",
            remedy="Back it up with: pg_dump --format=custom --file FILE URL; put it back with: pg_restore. "
            "Keys: entrenous server keys backup.",
        )
    database = settings.database_path
    if database is None or not database.exists():
        raise UnavailableError(
            f"there is no server in {settings.data_dir}", remedy="Name its directory with --data, or start one first."
        )
    return database


def check_database(path: Path) -> tuple[str, dict[str, int]]:
    """Look through a SQLite file that nobody has open.

    Returns:
        The revision of its tables, and how many rows each has.

    Raises:
        MalformedError: it is damaged, or not a server's.
        UnavailableError: it cannot be read.
    """
    with sqlite_errors(path), contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        # One file and nothing beside it: what is not in this file is not in the backup.
        database.execute("PRAGMA journal_mode = DELETE")
        (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise MalformedError(f"the database is damaged: {found}")
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" not in tables:
            raise MalformedError(f"{path} is not a server's database")
        (schema,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
        ours = sorted(tables & set(metadata.tables))
        rows = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ours}  # noqa: S608 our own names
    return str(schema), rows


@contextlib.contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Say in our own words what SQLite and the system report."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UnavailableError(f"{path} cannot be used: {error}", remedy="Is there space and permission?") from error
    except sqlite3.DatabaseError as error:
        raise MalformedError(f"{path} is no database, or a damaged one: {error}") from error
    except OSError as error:
        raise UnavailableError(f"{path} cannot be used: {error.strerror}") from error


def _copy_database(source: Path, target: Path, progress: Progress) -> tuple[str, dict[str, int]]:
    # The copy is private before anything is in it.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
    with (
        sqlite_errors(source),
        contextlib.closing(sqlite3.connect(source, timeout=_PATIENCE, isolation_level=None)) as running,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        # One snapshot for all pages: without it, every commit of the server would make the copy begin anew.
        running.execute("BEGIN")
        running.execute("SELECT count(*) FROM sqlite_master").fetchone()
        running.backup(copy, pages=PAGES, progress=lambda _status, left, total: progress(left, total))
        running.execute("ROLLBACK")
    found = check_database(target)
    sync_file(target)
    return found


@contextlib.contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A directory that becomes ``target`` when all is in it, and is nothing if anything goes wrong before."""
    folder = target.with_name(f".{target.name}.partial")
    if not target.parent.is_dir():
        # Not made here: it may be a disk that is not mounted.
        raise UnavailableError(
            f"there is no directory {target.parent}", remedy=f"Make it: install -d -m 0700 {target.parent}"
        )
    try:
        shutil.rmtree(folder, ignore_errors=True)  # of one that was cut off
        folder.mkdir(mode=PRIVATE_DIRECTORY)
        yield folder
        sync_directory(folder)
        folder.rename(target)
        sync_directory(target.parent)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UnavailableError(
            f"{target} cannot be written: {error.strerror}", remedy="Is there space and permission?"
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
