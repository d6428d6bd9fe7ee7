"""``entrenous server invite``: the operator's invite links, while the server runs or not."""

import json
from typing import Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import common
from entrenous.cli.output import note, say
from entrenous.cli.run import run
from entrenous.cli.server.data import DataOption, PublicOption, data_directory, public_address


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("invite")(server_invite)


def server_invite(
    context: typer.Context,
    data: DataOption = None,
    public: PublicOption = None,
    uses: Annotated[int, typer.Option(min=1, max=1_000, help="How many people can register with it.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=90, help="For how long.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line.")] = False,
) -> None:
    """Make an invite link: whoever has it can register at this server.

    entrenous server invite
    entrenous server invite --uses 5 --days 2
    """
    from entrenous.crypto import system_entropy
    from entrenous.errors import UnavailableError
    from entrenous.identity import format_link
    from entrenous.server import Server, Settings, SystemClock

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> str:
        directory = data_directory(data)
        settings = Settings(data_dir=directory, public_address=public_address(directory, public))
        if settings.database_path is None or not settings.database_path.exists():
            raise UnavailableError(f"there is no server in {directory}; start one with `entrenous server run`")
        server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy)
        try:
            return format_link(await server.create_invite(uses, days * 86_400))
        finally:
            await server.close()

    link = run(main)
    if as_json:
        say(json.dumps({"type": "invite", "link": link, "uses": uses}))
    else:
        say(link)
        note(f"Good for {uses} registration{'s' if uses > 1 else ''} within {days} days: entrenous join '<the link>'")
