"""``entrenous server backup``: a copy of a server's data, made while it runs. Keys have a command of their own."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import note, say
from entrenous.cli.run import run
from entrenous.cli.server.admin.office import at_work, effective_settings, size
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption
from entrenous.errors import UnavailableError

if TYPE_CHECKING:
    from entrenous.server import Settings
    from entrenous.server.operating import Action


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "backup",
        epilog=examples(
            "entrenous server backup /var/backups/entrenous-monday",
            'entrenous server backup "/var/backups/entrenous-$(date +%F)" --json',
            "entrenous server keys backup /media/stick/entrenous.keys    # the keys, to another place",
        ),
    )(server_backup)


def server_backup(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(metavar="TO", help="A directory that is not there yet.")],
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the server's data, as they are at one moment, into a new directory. The server may run meanwhile.

    Contents are ciphertext, but the copy shows who is in which room, and holds the records against which, together with
    the keys, weak passwords can be guessed: keep it private, and keep the keys elsewhere. They are never in it:
    entrenous server keys backup.
    """
    from entrenous.server import SystemClock
    from entrenous.server.operating import Action, back_up

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> None:
        settings, clock = effective_settings(data, config), SystemClock()
        manifest = back_up(settings, to, now=clock.now(), progress=_progress)
        await noted(settings, Action.BACKUP, str(to))
        total = sum(file.size for file in manifest.files)
        if as_json:
            fields = {"rows": manifest.rows, "schema": manifest.schema, "server_id": manifest.server_id}
            say(json.dumps({"type": "backup", "to": str(to), "bytes": total, "made_at": manifest.made_at, **fields}))
        else:
            accounts, rooms = (manifest.rows.get(table, 0) for table in ("accounts", "rooms"))
            say(f"{to}: {size(total)}, {accounts} accounts, {rooms} rooms")
            note("Keys are not in it. Once, and after each rotation: entrenous server keys backup")

    run(main)


async def noted(settings: "Settings", action: "Action", detail: str) -> None:
    """Put an action into the audit log, if this version of the program can write there."""
    try:
        async with at_work(settings) as admin:
            await admin.record(action, detail=detail)
    except UnavailableError as error:
        note(f"note: this is not in the audit log: {error}")


def _progress(left: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{100 * (total - left) // max(total, 1):3} % ")
        sys.stderr.write("\n" if left == 0 else "")
        sys.stderr.flush()
