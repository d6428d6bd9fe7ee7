"""``entrenous server admin retention``: what the server deletes by itself, and when."""

import json
from typing import TYPE_CHECKING

import typer

from entrenous.cli.options import JsonOption, examples
from entrenous.cli.output import say
from entrenous.cli.server.admin.office import effective_settings, when, work
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.operating import Admin

app = typer.Typer(help="What the server deletes by itself.", no_args_is_help=True)


@app.command(
    "show", epilog=examples("entrenous server admin retention show", "entrenous server admin retention show --json")
)
def show_retention(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Show the rules of deletion, and how much has gone by them.

    How often it sweeps is told from the file of settings; options that a running server was started with are not known.
    How long a room keeps entries is the room's own setting, made by its admins, up to 30 days: `admin rooms list`.
    """
    from entrenous.server.configuration.settings import DEDUPE_BEYOND, SILENT_AFTER
    from entrenous.server.store import swept
    from entrenous.wire.limits import MAX_RETENTION_SECONDS, MIN_RETENTION_SECONDS

    async def main(admin: "Admin") -> None:
        rules = {
            "room_retention_least_seconds": MIN_RETENTION_SECONDS,
            "room_retention_most_seconds": MAX_RETENTION_SECONDS,
            "silent_device_counts_for_seconds": SILENT_AFTER,
            "message_ids_outlive_entries_by_seconds": DEDUPE_BEYOND,
            "sweep_every_seconds": effective_settings(data, config).sweep_seconds,
        }
        if as_json:
            say(json.dumps({"type": "retention", **rules}))
        else:
            for name, seconds in rules.items():
                say(f"{name.removesuffix('_seconds').replace('_', ' '):34} {_span(seconds)}")
        for row in await admin.storage.read(swept.every):
            if as_json:
                say(json.dumps({"type": "swept", "kind": row.kind, "deleted": row.deleted, "last_at": row.last_at}))
            else:
                say(f"{row.kind.replace('_', ' '):34} {row.deleted} deleted so far, looked for {when(row.last_at)}")

    work(context, data, config, main)


@app.command(
    "sweep", epilog=examples("entrenous server admin retention sweep", "entrenous server admin retention sweep --json")
)
def sweep_now(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Delete now what is due; a running server does it by itself every few minutes."""
    from entrenous.server import upkeep
    from entrenous.server.operating import Action

    async def main(admin: "Admin") -> None:
        deleted = await upkeep.sweep(admin.storage, admin.clock)
        await admin.record(Action.RETENTION_SWEEP, detail=f"{sum(deleted.values())} rows")
        for kind, count in deleted.items():
            say(
                json.dumps({"type": "swept", "kind": kind, "deleted": count})
                if as_json
                else f"{kind.replace('_', ' '):34} {count} deleted"
            )

    work(context, data, config, main)


def _span(seconds: float) -> str:
    return f"{seconds / 86_400:g} days" if seconds >= 86_400 else f"{seconds:g} s"
