"""``entrenous server limits``: what a server lets anybody do, and what its operator has set of it."""

import json

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import say
from entrenous.cli.run import run
from entrenous.cli.server.configured import ConfigOption, configured, tell_notes
from entrenous.cli.server.data import DataOption, LimitOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "limits",
        epilog=examples(
            "entrenous server limits",
            "entrenous server limits --limit connections=500",
            "entrenous server limits --json",
        ),
    )(server_limits)


def server_limits(
    context: typer.Context,
    data: DataOption = None,
    config: ConfigOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every limit: its name, its value and what it limits. An asterisk marks what is not the default.

    Set them below [limits] in server.toml in the data directory, one a line, such as connections = 500 or
    logins_per_name = "5/600" (five in 600 seconds); or for one run with --limit, which goes before the file.
    """
    from entrenous.server import Effective, Limits, limit_meanings

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> Effective:
        return configured(data, config, limits=limit)

    effective = run(main)
    tell_notes(effective)
    limits, defaults = effective.settings.limits, Limits()
    for name, meaning in limit_meanings().items():
        value, is_default = str(getattr(limits, name)), getattr(limits, name) == getattr(defaults, name)
        if as_json:
            say(json.dumps({"type": "limit", "name": name, "value": value, "meaning": meaning}))
        else:
            say(f"{name:26} {value + ('' if is_default else ' *'):>20}  {meaning}")
