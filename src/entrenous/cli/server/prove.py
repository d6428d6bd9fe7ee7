"""``entrenous server prove``: the promise checked on an installed server, with a conversation made for it."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.leaks import Needle, needles
from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import note, say
from entrenous.cli.run import REFUSED, run
from entrenous.cli.server.admin.office import at_work, effective_settings
from entrenous.cli.server.canary import Canary, sing
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption
from entrenous.cli.server.places import Searched, search_files, search_rows
from entrenous.errors import UnavailableError

if TYPE_CHECKING:
    from entrenous.identity import InviteLink
    from entrenous.server import Settings

#: Registrations that the canary needs, and seconds for them.
_USES, _LIFETIME = 2, 600


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    holds: bool
    detail: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "prove",
        epilog=examples(
            "entrenous server prove",
            "entrenous server prove --also /var/backups/entrenous --also /var/log/entrenous.log",
            "entrenous server prove --data /srv/entrenous --json | jq .holds",
        ),
    )(server_prove)


def server_prove(
    context: typer.Context,
    data: DataOption = None,
    config: ConfigOption = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", metavar="PATH", exists=True, help="Search here too: logs, backups. May be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove on this server, while it runs, that it keeps nothing that it must not know.

    The test vectors of this version are tried. Two people with random names register, talk in a room and are deleted
    again. The data directory, the database's rows and what --also names are searched for their password, the room's
    name and what they said, in every form. The same search must find what the server does know, and what was written
    for it to find. It ends with 0 if all of it holds, else with 1.
    """
    common(context).start_logging(LogLevel.ERROR)

    async def main() -> list[Check]:
        settings = effective_settings(data, config)
        return [_vectors(), *await _canary(settings, also or [], is_quiet=as_json)]

    checks = run(main)
    for check in checks:
        if as_json:
            say(json.dumps({"type": "check", "name": check.name, "holds": check.holds, "detail": check.detail}))
        else:
            say(f"{'holds' if check.holds else 'FAILS'}  {check.name:12} {check.detail}")
    if not all(check.holds for check in checks):
        raise typer.Exit(REFUSED)


def _vectors() -> Check:
    from entrenous.testing.vectors import prove

    proof = prove()
    detail = f"{sum(proof.tried.values())} test vectors of {len(proof.tried)} operations"
    failed = "".join(f"; {failure.operation}: {failure.comment}" for failure in proof.failures[:3])
    return Check("vectors", proof.holds, f"{detail}{failed}")


async def _canary(settings: "Settings", also: Sequence[Path], *, is_quiet: bool) -> list[Check]:
    host, port = _address(settings)
    canary = Canary.hatch()
    if not is_quiet:
        note(f"Two people hold a conversation on {host}, port {port} …")
    try:
        room = await sing(canary, await _invite(settings), host, port)
        said = Check("conversation", holds=True, detail="two people registered, met in a room and read each other")
        checks = _search(settings, canary, room, also)
    finally:
        await _bury(settings, canary)
    return [said, *checks]


def _address(settings: "Settings") -> tuple[str, int]:
    """Where to knock at the server.

    Raises:
        UnavailableError: none does.
    """
    from entrenous.server.configuration.hosts import from_here
    from entrenous.server.serving_lock import serving

    found = None if settings.lock_path is None else serving(settings.lock_path)
    if found is None or found.address is None:
        raise UnavailableError(f"no server runs with {settings.data_dir}", remedy="Start it with: entrenous server run")
    host, port = found.address
    return from_here(host), port


async def _invite(settings: "Settings") -> "InviteLink":
    from entrenous.crypto import system_entropy
    from entrenous.server import Server, SystemClock

    server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy)
    try:
        return await server.create_invite(_USES, _LIFETIME)
    finally:
        await server.close()


def _search(settings: "Settings", canary: Canary, room: bytes, also: Sequence[Path]) -> list[Check]:
    """Look for what must be nowhere, and with the same search for what must be somewhere."""
    secret = needles(canary.secrets)
    known = [Needle("a login name", "plain", canary.names[0].encode()), Needle("the room's id", "raw", room)]
    with tempfile.TemporaryDirectory(prefix="entrenous-prove-") as name:
        planted = Path(name) / "control"
        planted.write_bytes(b"\0".join(needle.value for needle in secret))
        control = search_files(secret, [planted])
    paths = [path for path in (settings.data_dir, *also) if path is not None]
    searched = search_files([*secret, *known], paths) + _rows(settings, [*secret, *known])
    return [_nowhere(searched, secret), _control(searched, known, len(control.findings), len(secret))]


def _rows(settings: "Settings", wanted: Sequence[Needle]) -> Searched:
    from entrenous.server.operating import open_engine

    engine = open_engine(settings)
    try:
        return search_rows(wanted, engine)
    finally:
        engine.dispose()


def _nowhere(searched: Searched, secret: Sequence[Needle]) -> Check:
    leaks = [finding for finding in searched.findings if finding.needle in secret]
    where = "; ".join(f"{leak.needle.name} ({leak.needle.form}) in {leak.place}" for leak in leaks)
    secrets = len({needle.name for needle in secret})
    went = f"{searched.places} files and tables, {searched.size:,} bytes, {len(secret)} forms of {secrets} secrets"
    return Check("search", not leaks, f"{went}: {where or 'nothing found'}")


def _control(searched: Searched, known: Sequence[Needle], found: int, planted: int) -> Check:
    seen = {finding.needle.name for finding in searched.findings}
    missed = [needle.name for needle in known if needle.name not in seen]
    detail = f"{found} of {planted} planted forms found; in the database {', '.join(sorted(seen))}"
    return Check(
        "control", found == planted and not missed, detail + "".join(f"; NOT found: {each}" for each in missed)
    )


async def _bury(settings: "Settings", canary: Canary) -> None:
    """Delete the canary's accounts; their room has no members then and is swept."""
    from entrenous.errors import RejectedError

    async with at_work(settings) as admin:
        for name in canary.names:
            try:
                await admin.delete_user(await admin.user(name))
            except RejectedError:
                continue  # It did not come so far as to register.
