"""A private PostgreSQL for tests: the system's binaries, a folder of its own, a free port of the loopback interface.

It does not sync to disk: a test that kills it by signal loses nothing, for the system keeps what was written.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text

from entrenous.server.store import ensure_schema, shared_engine

#: Who runs it where the tests are run by root, as which PostgreSQL refuses to run.
_USER = "postgres"
#: Seconds in which it must start, and end.
PATIENCE = 60
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "deadlock_timeout": "100ms",
    "log_min_messages": "panic",
    "autovacuum": "off",
}
_TEMPLATE = "entrenous_template"


def free_port() -> int:
    """A port of the loopback interface that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need(*missing: str) -> None:
    """Skip the test because something is not installed; on CI it must be."""
    if missing:
        reason = f"not installed here: {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def ended_with_us(*command: str, user: str | None = None) -> tuple[str, ...]:
    """A command whose process is killed when the one that started it ends, however that ends."""
    as_user = (f"--reuid={user}", f"--regid={user}", "--clear-groups") if user else ()
    return ("setpriv", *as_user, "--pdeathsig", "KILL", *command)


class PrivatePostgres:
    """One instance. ``stop`` and ``start`` keep what it holds."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self._folder, self._binaries = folder, binaries
        self._user = _USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self.port = free_port()

    @classmethod
    def create(cls, folder: Path) -> "PrivatePostgres":
        """Make an instance in an empty folder, and start it."""
        made = cls(folder, _binaries())
        if made._user:
            shutil.chown(folder, made._user)
        initdb = (str(made._binaries / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "entrenous")
        options = ("--no-sync", "--no-locale", "-E", "UTF8", "--no-instructions")
        subprocess.run(ended_with_us(*initdb, *options, user=made._user), check=True, capture_output=True, cwd=folder)
        made.start()
        made.run(f"CREATE DATABASE {_TEMPLATE}")
        engine = shared_engine(made.url(_TEMPLATE))
        ensure_schema(engine)
        engine.dispose()
        return made

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = _SETTINGS | {"unix_socket_directories": str(self._folder), "port": str(self.port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = (str(self._binaries / "postgres"), "-D", str(self._folder / "data"), *options)
        self._process = subprocess.Popen(
            ended_with_us(*command, user=self._user),
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(PATIENCE * 20):
            with contextlib.suppress(psycopg.OperationalError):
                self.run("SELECT 1")
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                break
        reason = self._process.communicate()[1] if self._process.poll() is not None else b"it does not answer"
        self.stop()
        raise AssertionError(f"PostgreSQL did not start: {reason.decode()}")

    def stop(self) -> None:
        """End it at once, and every connection to it. Stopping twice is stopping once."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)

    def url(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql+psycopg://entrenous@127.0.0.1:{self.port}/{database}?connect_timeout={PATIENCE}"

    def run(self, sql: str) -> None:
        """Do something outside of every database of the tests."""
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=entrenous dbname=postgres", autocommit=True) as it:
            it.execute(sql.encode())

    def database(self, *, is_empty: bool = False) -> str:
        """The URL of a new database, with the newest schema or with nothing in it."""
        self._made += 1
        name = f"test_{self._made}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {'template0' if is_empty else _TEMPLATE}")
        return self.url(name)


def _binaries() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    usable = [place for place in places if (place / "postgres").exists() and (place / "initdb").exists()]
    need(*([] if usable else ["postgresql"]), *([] if shutil.which("setpriv") else ["setpriv (Linux)"]))
    return usable[0]


@contextlib.contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """An instance that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="entrenous-postgres-", ignore_cleanup_errors=True) as name:
        instance = PrivatePostgres.create(Path(name))
        try:
            yield instance
        finally:
            instance.stop()


def rows(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    """What a query finds."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]
