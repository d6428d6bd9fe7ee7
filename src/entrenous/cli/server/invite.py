"""``entrenous server invite``: the operator's invite links, while the server runs or not."""

import dataclasses
import json
from typing import Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import common, examples
from entrenous.cli.output import note, say
from entrenous.cli.run import run
from entrenous.cli.server.actor import actor
from entrenous.cli.server.configured import ConfigOption, configured, tell_notes
from entrenous.cli.server.data import DataOption, PublicOption, link_address


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = examples(
        "entrenous server invite",
        "entrenous server invite --uses 5 --days 2",
        "entrenous server invite --data /srv/entrenous --json",
    )
    app.command("invite", epilog=epilog)(server_invite)


def server_invite(
    context: typer.Context,
    data: DataOption = None,
    config: ConfigOption = None,
    public: PublicOption = None,
    uses: Annotated[int, typer.Option(metavar="N", min=1, max=1_000, help="How many people can register with it.")] = 1,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=90, help="For how long.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line.")] = False,
) -> None:
    """Make an invite link: whoever has it can register at this server.

    The server may run meanwhile or not.
    """
    from entrenous.crypto import Hash, system_entropy
    from entrenous.errors import UnavailableError
    from entrenous.identity import format_link
    from entrenous.server import Server, SystemClock
    from entrenous.server.operating import Action, Admin

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> str:
        effective = configured(data, config, public_address=public)
        tell_notes(effective)
        settings = effective.settings
        directory = settings.data_dir
        if directory is None or settings.keys_path is None or not settings.keys_path.exists():
            raise UnavailableError(
                f"there is no server in {directory}",
                remedy="Name its directory with --data, or start one with: entrenous server run",
            )
        remembered = link_address(directory, public)
        address = settings.public_address or remembered
        settings = dataclasses.replace(settings, public_address=address)
        server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy)
        try:
            link = await server.create_invite(uses, days * 86_400)
            operator = Admin(server.storage, SystemClock(), actor())
            name = Hash.SHA256.digest(link.token).hex()
            await operator.record(Action.INVITES_CREATE, name, f"{uses} uses, {days} days")
            return format_link(link)
        finally:
            await server.close()

    link = run(main)
    if as_json:
        say(json.dumps({"type": "invite", "link": link, "uses": uses}))
    else:
        say(link)
        within = "a day" if days == 1 else f"{days} days"
        note(f"Good for {uses} registration{'s' if uses > 1 else ''} within {within}: entrenous join '<the link>'")
