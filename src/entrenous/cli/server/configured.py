"""The settings of a server as its commands find them: options, environment, file, defaults."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.output import note
from entrenous.cli.server.data import default_data_path, former_settings_file

if TYPE_CHECKING:
    from entrenous.server import Effective, Found

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The file of settings.",
        show_default="server.toml in the data directory, if it is there",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any setting, e.g. sweep_seconds=60; may be repeated. `entrenous server config` lists them.",
        show_default=False,
    ),
]


def configured(
    data: Path | None,
    config: Path | None = None,
    *,
    assigned: Iterable[str] | None = None,
    limits: Iterable[str] | None = None,
    is_server: bool = False,
    **options: object,
) -> "Effective":
    """The settings that hold for a command: where none are named, those of the server that it looks after.

    Args:
        data: the option --data.
        config: the option --config.
        assigned: what --set says, each NAME=VALUE.
        limits: what --limit says, each NAME=VALUE.
        is_server: the command is the server itself.
        options: values of further options by the setting's name; None is an option that was not given.

    Raises:
        UsageError: something is no setting, or has a value out of bounds.
        UnavailableError: the file cannot be read.
    """
    from entrenous.server import Sources, load_settings

    flags = dict(_assigned("--set", "", assigned or ())) | dict(_assigned("--limit", "limits.", limits or ()))
    flags |= dict(_given({"data_dir": data, **options}))
    sources = Sources(
        default_data_path, flags, os.environ, config, former_file=None if is_server else former_settings_file
    )
    return load_settings(sources)


def tell_notes(effective: "Effective") -> None:
    """Say what an operator should know of his settings."""
    for each in effective.notes:
        note(f"note: {each}")


def _assigned(option: str, prefix: str, words: Iterable[str]) -> "Iterable[tuple[str, Found]]":
    from entrenous.server import Found, parse_flag

    for word in words:
        name, text = parse_flag(word)
        yield prefix + name, Found(text, f"{option} {name}")


def _given(options: dict[str, object]) -> "Iterable[tuple[str, Found]]":
    from entrenous.server import Found

    names = {"data_dir": "--data", "public_address": "--public"}
    for name, value in options.items():
        if value is not None:
            yield name, Found(str(value), names.get(name, f"--{name.replace('_', '-')}"))
