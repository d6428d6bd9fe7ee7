"""``entrenous server admin stats``: how much there is of everything."""

import functools
import json
from typing import TYPE_CHECKING

import typer

from entrenous.cli.options import JsonOption, examples
from entrenous.cli.output import say
from entrenous.cli.server.admin.office import size, work
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.operating import Admin

#: Days for which devices that were seen are counted.
SEEN_DAYS = (1, 7, 30)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "stats",
        epilog=examples("entrenous server admin stats", "entrenous server admin stats --json | jq .entries"),
    )(server_stats)


def server_stats(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Count accounts, devices, rooms, entries and all else that is kept, and what was deleted by itself so far.

    What happens in a running server, its metrics show: the setting metrics_port.
    """
    from entrenous.server.store import overview, swept

    async def main(admin: "Admin") -> dict[str, int]:
        counts = {}
        for name in overview.COUNTS:
            counts[name] = await admin.storage.read(functools.partial(overview.count, name=name))
        now = int(admin.clock.now())
        for days in SEEN_DAYS:
            operation = functools.partial(overview.devices_seen_since, since=now - days * 86_400)
            counts[f"devices_seen_{days}_days"] = await admin.storage.read(operation)
        for row in await admin.storage.read(swept.every):
            counts[f"deleted_{row.kind}"] = row.deleted
        return counts

    counts = work(context, data, config, main)
    if as_json:
        say(json.dumps({"type": "stats", **counts}))
        return
    for name, count in counts.items():
        say(f"{name.replace('_', ' '):34} {size(count) if name.endswith('_bytes') else count:>14}")
