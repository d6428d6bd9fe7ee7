"""``entrenous server doctor``: what is wrong with a server or its machine, and what to do about it."""

import dataclasses
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import json_line, say
from entrenous.cli.run import REFUSED, run
from entrenous.cli.server.configured import ConfigOption, configured
from entrenous.cli.server.data import DataOption, link_address
from entrenous.errors import EntrenousError

if TYPE_CHECKING:
    from entrenous.server import Settings
    from entrenous.server.operating import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "doctor",
        epilog=examples(
            "entrenous server doctor",
            "entrenous server doctor --data /srv/entrenous --thorough",
            "entrenous server doctor --json | jq 'select(.status != \"ok\")'",
        ),
    )(server_doctor)


def server_doctor(
    context: typer.Context,
    thorough: Annotated[bool, typer.Option("--thorough", help="Read the whole database; that takes a while.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at a server, which runs or not, and at its machine: one line for each matter, with advice.

    Settings, data directory, keys, database, disk, backups, port, address, clock, open files, libraries. It changes
    nothing. It ends with 0 if nothing failed, else with 1.
    """
    common(context).start_logging(LogLevel.ERROR)

    async def main() -> "Counter[str]":
        from entrenous.server.operating import Status

        counts: Counter[str] = Counter()
        async for finding in _findings(data, config, is_thorough=thorough):
            counts[finding.status] += 1
            if as_json:
                say(json_line("finding", finding))
            else:
                say(f"{finding.status:4}  {finding.check:10} {finding.detail}")
                if finding.status is not Status.OK:
                    say(f"                 → {finding.advice}")
        return counts

    if run(main)["fail"]:
        raise typer.Exit(REFUSED)


async def _findings(data: Path | None, config: Path | None, *, is_thorough: bool) -> "AsyncIterator[Finding]":
    from entrenous.server import SystemClock
    from entrenous.server.operating import DATA_CHECKS, MACHINE_CHECKS, Finding, Patient, Status, examine

    try:
        settings, notes = _settings(data, config)
    except EntrenousError as error:
        yield Finding("settings", Status.FAIL, str(error), "Correct it; `entrenous server config --example` shows all.")
        return
    for each in notes:
        yield Finding("settings", Status.WARN, each, "Change it when it suits you.")
    if not notes:
        yield Finding("settings", Status.OK, "they can be read")
    patient = Patient(settings, SystemClock().now(), is_thorough)
    async for finding in examine(patient, (*DATA_CHECKS, *MACHINE_CHECKS)):
        yield finding


def _settings(data: Path | None, config: Path | None) -> "tuple[Settings, tuple[str, ...]]":
    effective = configured(data, config)
    settings = effective.settings
    if settings.data_dir is not None and settings.data_dir.is_dir():
        address = settings.public_address or link_address(settings.data_dir, None)
        settings = dataclasses.replace(settings, public_address=address)
    return settings, tuple(effective.notes)
