"""What ``doctor`` looks at on disk and in the store: keys, schema, integrity, space, backups, the audit log."""

import contextlib
import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterable

from sqlalchemy import text

from entrenous.errors import RejectedError
from entrenous.identity import MAX_ROTATIONS
from entrenous.server.audit import verify
from entrenous.server.configuration.settings import DAY
from entrenous.server.operating.backup import last_backup
from entrenous.server.operating.beside import open_engine
from entrenous.server.operating.examination import Check, Finding, Patient, fail, ok, warn
from entrenous.server.people.keys import load_keys
from entrenous.server.store import Storage, overview
from entrenous.server.store.schema import REVISION

#: Bytes of free space below which there is reason to worry, and below which the server soon stops taking messages.
LITTLE_SPACE, NO_SPACE = 2 << 30, 256 << 20
#: Seconds after which the newest backup is old.
BACKUP_IS_OLD = 7 * DAY
#: Seconds that a time in the store may lie in the future.
CLOCK_MARGIN = 120
#: Rotations left, below which it is said.
FEW_ROTATIONS = 3


async def check_directory(patient: Patient) -> Iterable[Finding]:
    """The data directory is there, ours, and nobody else's."""
    path = patient.settings.data_dir
    if path is None or not path.is_dir():
        return [fail("directory", f"there is no {path}", "Name it with --data, or start: entrenous server run")]
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return [fail("directory", f"{path} cannot be written", "Run this as the server's user, or change its owner.")]
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [warn("directory", f"others on this machine can look into {path}", f"chmod 700 {path}")]
    settings, owner = patient.settings, path.stat().st_uid
    files = [each for each in (settings.keys_path, settings.database_path, settings.lock_path) if each is not None]
    if strange := [each for each in files if each.exists() and each.stat().st_uid != owner]:
        detail = f"{strange[0]} does not belong to whom the directory belongs to: the server may not be able to use it"
        return [fail("directory", detail, f"chown -R --reference={path} {path}/")]
    return [ok("directory", str(path))]


async def check_keys(patient: Patient) -> Iterable[Finding]:
    """The key file is there, whole, and readable by the server alone."""
    path = patient.settings.keys_path
    if path is None or not path.exists():
        advice = "Put them back: entrenous server keys restore. A start without them makes another server."
        return [fail("keys", f"there is no key file {path}", advice)]
    try:
        keys = load_keys(path)
    except RejectedError as error:
        return [fail("keys", error.detail, "The command in it mends this.")]
    rotations = len(keys.identity.rotations)
    if MAX_ROTATIONS - rotations <= FEW_ROTATIONS:
        left = f"the identity key can be rotated {MAX_ROTATIONS - rotations} more times"
        return [warn("keys", left, "Rotate only when a key may have been copied.")]
    return [ok("keys", f"server {keys.server_id.hex()[:16]}…, rotated {rotations} times")]


async def check_store(patient: Patient) -> Iterable[Finding]:
    """The store opens, has the schema of this version, and is sound."""
    async with _opened(patient) as (storage, findings):
        newest = await storage.read(overview.newest_time)
        if newest > patient.now + CLOCK_MARGIN:
            ahead = f"the store holds times {newest - patient.now:.0f} seconds in the future"
            findings.append(warn("clock", ahead, "The clock went back: set it, with NTP, before people log in."))
        verdict = await verify(storage)
        if verdict.broken_at is not None:
            broken = f"the audit log was changed at action {verdict.broken_at}"
            findings.append(fail("audit", broken, "Compare it with a backup: somebody wrote to the database by hand."))
        else:
            findings.append(ok("audit", f"{verdict.rows} actions, chain {verdict.head.hex()[:16]}…"))
        return findings


async def check_space(patient: Patient) -> Iterable[Finding]:
    """There is space for what comes."""
    path = patient.settings.data_dir
    if path is None or not path.is_dir():
        return []
    usage = shutil.disk_usage(path)
    free = f"{usage.free >> 20} MiB of {usage.total >> 20} MiB are free"
    if usage.free < NO_SPACE:
        return [fail("disk", free, "Free some: without space the server takes no messages, and loses none.")]
    if usage.free < LITTLE_SPACE:
        return [warn("disk", free, "Free some, or shorten what rooms keep; quotas limit single accounts.")]
    return [ok("disk", free)]


async def check_backup(patient: Patient) -> Iterable[Finding]:
    """There is a backup that is not old."""
    path = patient.settings.data_dir
    if patient.settings.store is not None or path is None:
        return [ok("backup", "the store is PostgreSQL: its own tools know")]
    made_at = last_backup(path)
    if made_at is None:
        return [
            warn("backup", "no backup is known of", "entrenous server backup DIRECTORY; and keys backup, elsewhere")
        ]
    age = (patient.now - made_at) / DAY
    if age * DAY > BACKUP_IS_OLD:
        return [warn("backup", f"the newest backup is {age:.0f} days old", "entrenous server backup DIRECTORY, daily")]
    return [ok("backup", f"the newest is {age:.1f} days old")]


@contextlib.asynccontextmanager
async def _opened(patient: Patient) -> AsyncIterator[tuple[Storage, list[Finding]]]:
    engine = open_engine(patient.settings)
    findings = [ok("schema", f"revision {REVISION}")]
    if engine.dialect.name == "sqlite":
        pragma = "integrity_check(1)" if patient.is_thorough else "quick_check(1)"
        with engine.connect() as connection:
            found = connection.execute(text(f"PRAGMA {pragma}")).scalar()
        damaged = fail("store", f"the database is damaged: {found}", "Stop the server and restore a backup.")
        findings.append(ok("store", "the database is sound") if found == "ok" else damaged)
    else:
        findings.append(ok("store", "the database answers"))
    storage = Storage(engine)
    try:
        yield storage, findings
    finally:
        await storage.close()


CHECKS: tuple[tuple[str, Check], ...] = (
    ("directory", check_directory),
    ("keys", check_keys),
    ("store", check_store),
    ("disk", check_space),
    ("backup", check_backup),
)
