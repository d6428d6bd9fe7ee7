"""``entrenous server restore``: putting back what ``backup`` has copied."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import note, say
from entrenous.cli.run import run
from entrenous.cli.server.admin.office import effective_settings, when
from entrenous.cli.server.backup import noted
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.operating import Restored

#: What people meet after a server was set back (docs/spec/delivery.md, "Set back").
_CONSEQUENCES = """What people will see:
  Messages since the backup are gone from the server. Devices that have read them keep them; senders whose own messages
  were not read yet send them again, and mark those that the log has lost as not sent.
  In rooms where something was said since, new messages fail, for devices that have read further, until the log has as
  many entries again ("shows something else in its place"): have these people open a new room.
  Rooms in which somebody was added or removed since have to be opened anew by those who saw it: nobody can go back to
  keys that were deleted. Their clients say so.
  Accounts made since do not exist; invites used since can be used again. What operators did since is undone, deletions
  too: do it again (the audit log of the former data, if you have them, lists it).
  Devices upload new KeyPackages when they connect; until then, nobody can invite them."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "restore",
        epilog=examples(
            "entrenous server restore /var/backups/entrenous-monday",
            "entrenous server restore /var/backups/entrenous-monday --data /srv/entrenous --force",
            "entrenous server keys restore /media/stick/entrenous.keys   # where the keys are gone too",
        ),
    )(server_restore)


def server_restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FROM", help="What backup has made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also in place of data that are there, which are kept beside.")
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup of a server's data into the data directory. The server must not run.

    The backup is verified first, by hashes and by looking through the database. Clients notice that the server was set
    back, and tell their people; the command says what they will see.
    """
    from entrenous.server import SystemClock
    from entrenous.server.operating import Action, restore

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> None:
        settings = effective_settings(data, config)
        done = restore(settings, source, force=force, now=SystemClock().now())
        await noted(settings, Action.RESTORE, f"made {when(done.manifest.made_at)}")
        _tell(done, as_json=as_json)

    run(main)


def _tell(done: "Restored", *, as_json: bool) -> None:
    manifest = done.manifest
    if as_json:
        former = None if done.former is None else str(done.former)
        fields = {"made_at": manifest.made_at, "has_keys": done.has_keys, "former": former, "rows": manifest.rows}
        say(json.dumps({"type": "restored", **fields}))
    else:
        say(f"The data of {when(manifest.made_at)} (UTC) are in place.")
        if done.former is not None:
            note(f"What was there before is now {done.former}; delete it when nobody needs it.")
        note(_CONSEQUENCES)
    if not done.has_keys:
        note(
            "The server's keys are not here. Before it starts: entrenous server keys restore. Without them it would "
            "make new ones, and be another server to everybody."
        )
