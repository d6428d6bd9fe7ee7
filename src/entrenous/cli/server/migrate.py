"""``entrenous server migrate``: from SQLite to PostgreSQL, for servers that outgrow one machine."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import common, examples
from entrenous.cli.output import note, say
from entrenous.cli.run import run
from entrenous.cli.server.configured import configured
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.nodes.moving import Moved


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "migrate",
        epilog=examples(
            "entrenous server migrate --to postgresql+psycopg://entrenous@db.example.org/entrenous",
            "entrenous server migrate --data /srv/entrenous --to-file /etc/entrenous/store-url --json",
        ),
    )(server_migrate)


def server_migrate(
    context: typer.Context,
    data: DataOption = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="The PostgreSQL database. The list of processes shows it."),
    ] = None,
    to_file: Annotated[
        Path | None, typer.Option("--to-file", metavar="FILE", help="A file with the URL, instead of --to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was copied as JSON lines.")] = False,
) -> None:
    """Copy the server's database from SQLite to PostgreSQL, and verify the copy.

    The server may run meanwhile: then run this again with the server stopped, which copies only what has changed since.
    It can be repeated as often as you like, until the new store is served. Keys are not copied: they are files.
    """
    from entrenous.errors import UsageError
    from entrenous.server.nodes.moving import move
    from entrenous.server.people.keys import load_keys

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> "Moved":
        settings = configured(data).settings
        if (to is None) == (to_file is None):
            raise UsageError("name the database with --to or with --to-file")
        if settings.database_path is None or settings.lock_path is None or settings.keys_path is None:
            raise UsageError("a server in memory cannot be copied")
        url = to if to is not None else _read(to_file)
        keys = load_keys(settings.keys_path)
        return move(settings.database_path, settings.lock_path, keys.server_id, url, _Progress())

    moved = run(main)
    for name, content in moved.tables.items():
        if as_json:
            say(json.dumps({"type": "table", "name": name, "rows": content.rows, "sha256": content.digest}))
        else:
            say(f"{name:16} {content.rows:>12,} rows   {content.digest[:16]}…   alike")
    if as_json:
        say(json.dumps({"type": "migrated", "to": moved.target, "whole": moved.is_whole}))
    _tell_next(moved)


class _Progress:
    """Tells how far it is with what is large: every row is looked at twice, to copy it and to verify the copy."""

    #: Rows between two lines.
    EVERY = 100_000

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._verified: set[str] = set()

    def __call__(self, table: str, rows: int) -> None:
        told = self._told.get(table, 0)
        if rows < told:
            self._verified.add(table)
            told = 0
        if rows >= told + self.EVERY:
            told = rows
            note(f"{table}: {rows:,} rows {'verified' if table in self._verified else 'copied'} …")
        self._told[table] = told


def _read(path: Path | None) -> str:
    from entrenous.errors import UnavailableError

    try:
        return Path(path or "").read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(f"{path} cannot be read") from error


def _tell_next(moved: "Moved") -> None:
    if not moved.is_whole:
        note(
            "\nThe server is running: what it stores from now on is not in the copy.\n"
            "Next: stop it, and run this command again. Until then no server starts on the copy."
        )
        return
    note(
        f"\nAll of it is in {moved.target}.\n"
        "Next: set `store` in server.toml (or --store) to the same URL, and start the server.\n"
        "Every further node needs a copy of keys/server.keys. Keep server.db as a backup, and do not serve it again."
    )
