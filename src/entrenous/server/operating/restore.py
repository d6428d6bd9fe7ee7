"""Putting a backup of a server's data back: verified first, and in place of nothing that was not asked about."""

import contextlib
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from entrenous.errors import MalformedError, RejectedError, UnavailableError
from entrenous.server.configuration.settings import Settings
from entrenous.server.operating.backup import check_database, sqlite_errors
from entrenous.server.operating.key_backup import server_id_of
from entrenous.server.operating.manifest import BESIDES, DATABASE, Manifest, read_manifest
from entrenous.server.serving_lock import ServingLock
from entrenous.server.store.schema import REVISION
from entrenous.whole_files import (
    PRIVATE_DIRECTORY,
    PRIVATE_FILE,
    give_to_owner,
    sync_directory,
    sync_file,
    write_private,
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done.

    Attributes:
        manifest: the backup's.
        has_keys: whether the server's keys are in place; without them nobody can log in, nor trust it.
        former: where the database is now that was there before; None if there was none.
    """

    manifest: Manifest
    has_keys: bool
    former: Path | None


def restore(settings: Settings, source: Path, *, force: bool, now: float) -> Restored:
    """Put a backup's data into the data directory of a server that does not run.

    One-time KeyPackages are not put back: those that were handed out since would be handed out twice. Devices upload
    new ones when they next connect.

    Args:
        settings: the server's.
        source: the backup.
        force: also where there are data already, which are kept beside, or where the keys are another server's.
        now: unix seconds.

    Raises:
        MalformedError: the backup is none, is not whole, or was changed.
        RejectedError: rule SRV-RESTORE-DATA, there are data; rule SRV-RESTORE-SERVER, the keys are another server's.
        UnavailableError: a server runs there, or the store is PostgreSQL, or there is no space.
    """
    database, lock_path, keys_path = settings.database_path, settings.lock_path, settings.keys_path
    if settings.store is not None or database is None or lock_path is None or keys_path is None:
        raise UnavailableError("a backup goes into a data directory with SQLite", remedy="PostgreSQL has pg_restore.")
    manifest = read_manifest(source)
    if manifest.schema > REVISION:
        raise UnavailableError(
            f"the backup has schema {manifest.schema}, this program knows {REVISION}", remedy="Use a newer version."
        )
    with sqlite_errors(database):
        database.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    lock = ServingLock(lock_path)
    lock.take()
    try:
        if database.exists() and not force:
            raise RejectedError(
                "SRV-RESTORE-DATA", f"{database} holds data: to put the backup in their place, force it"
            )
        ours = server_id_of(keys_path)
        if ours is not None and manifest.server_id not in (None, ours.hex()) and not force:
            raise RejectedError("SRV-RESTORE-SERVER", f"the backup is of server {manifest.server_id}, the keys are not")
        draft = _prepared(source / DATABASE, database.with_name(DATABASE + ".restoring"), manifest)
        former = _set_aside(database, now)
        with sqlite_errors(database):
            draft.replace(database)
            for name in BESIDES:
                if (source / name).is_file():
                    write_private(database.parent / name, (source / name).read_bytes(), is_servers=True)
            sync_directory(database.parent)
    finally:
        lock.release()
    return Restored(manifest, ours is not None, former)


def _prepared(source: Path, draft: Path, manifest: Manifest) -> Path:
    """The database, beside where it will be: looked through, without what must not come back, and on disk."""
    try:
        with sqlite_errors(draft):
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
            try:
                give_to_owner(descriptor, draft.parent)
            finally:
                os.close(descriptor)
            shutil.copyfile(source, draft)
        _compare(check_database(draft), manifest)
        with sqlite_errors(draft), contextlib.closing(sqlite3.connect(draft)) as copy:
            copy.execute("PRAGMA secure_delete = ON")
            copy.execute("DELETE FROM key_packages WHERE last_resort = 0")
            copy.commit()
        with sqlite_errors(draft):
            sync_file(draft)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _compare(found: tuple[str, dict[str, int]], manifest: Manifest) -> None:
    if found != (manifest.schema, manifest.rows):
        raise MalformedError("the backup's database does not hold what its manifest says")


def _set_aside(database: Path, now: float) -> Path | None:
    """Keep the database that is there under another name; it stays usable at every moment."""
    if not database.exists():
        return None
    former = database.with_name(f"{database.name}.before-{int(now)}")
    # What is in the log beside it goes into the file first. Where it is damaged, it is kept as it is.
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(database, isolation_level=None)) as old,
    ):
        old.execute("PRAGMA journal_mode = DELETE")
    with sqlite_errors(former):
        for suffix in ("-wal", "-shm"):
            beside = database.with_name(database.name + suffix)
            if beside.exists():
                beside.rename(former.with_name(former.name + suffix))
        try:
            os.link(database, former)
        except OSError:  # a file system without links
            shutil.copy2(database, former)
        sync_directory(database.parent)
    return former
