"""``entrenous server config``: what holds for a server and why, and a file to begin with."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import say
from entrenous.cli.run import run
from entrenous.cli.server.configured import ConfigOption, SetOption, configured, tell_notes
from entrenous.cli.server.data import DataOption, LimitOption

if TYPE_CHECKING:
    from entrenous.server import Effective, Shown


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "config",
        epilog=examples(
            "entrenous server config",
            "entrenous server config --json",
            "entrenous server config --config /etc/entrenous/server.toml --set port=7500",
            "entrenous server config --example > server.toml",
        ),
    )(server_config)


def server_config(
    context: typer.Context,
    data: DataOption = None,
    config: ConfigOption = None,
    assign: SetOption = None,
    limit: LimitOption = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print a file with every setting and its default instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show every setting, its value and where it comes from: default, file and line, environment, or option.

    Options go before the environment (ENTRENOUS_SERVER_PORT, ENTRENOUS_SERVER_LIMITS_CONNECTIONS), that goes before the
    file, and the file before the defaults. An asterisk marks what a running server takes over when it reloads.

    What may hold a password is shown without it, and can be kept in a file of its own: store_file = "PATH".
    """
    from entrenous.server import example_file, shown_settings

    common(context).start_logging(LogLevel.WARNING)
    if example:
        say(example_file().rstrip())
        return

    async def main() -> "Effective":
        return configured(data, config, assigned=assign, limits=limit)

    effective = run(main)
    tell_notes(effective)
    for each in shown_settings(effective):
        say(json.dumps(_as_json(each)) if as_json else _line(each))


def _as_json(each: "Shown") -> dict[str, Any]:
    return {
        "type": "setting",
        "name": each.name,
        "value": each.value,
        "origin": each.origin,
        "reloads": each.reloads,
        "meaning": each.meaning,
    }


def _line(each: "Shown") -> str:
    value = json.dumps(each.value, ensure_ascii=False) if each.value is not None else "-"
    return f"{each.name + (' *' if each.reloads else ''):38} {value:28} {each.origin}"
