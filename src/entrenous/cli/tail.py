"""``entrenous tail``: read a room, as lines or as JSON."""

from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.opened_client import caught_up_if_possible, running_client
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import json_line, say
from entrenous.cli.room_commands import RoomArgument
from entrenous.cli.run import run

if TYPE_CHECKING:
    from entrenous.client.views import Message


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = examples(
        "entrenous tail ops", "entrenous tail ops -n 100 --json | jq .text", "entrenous tail ops --follow"
    )
    app.command("tail", epilog=epilog)(tail)


def tail(
    context: typer.Context,
    room: RoomArgument,
    count: Annotated[int, typer.Option("-n", min=0, max=500, help="How many of the last lines.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl+C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the last messages of a room, after fetching what is new; without a server, what this device has."""
    from entrenous.cli.chat.render import message_line
    from entrenous.client.commands import FindRoom, History
    from entrenous.client.events import MessageArrived

    options = common(context)
    options.start_logging(LogLevel.WARNING)

    def show(message: "Message") -> None:
        say(json_line("message", message) if as_json else message_line(message))

    async def main() -> None:
        async with running_client(options.profile_path) as client:
            await caught_up_if_possible(client)
            events = client.events()
            found = await client.do(FindRoom(room))
            for message in await client.do(History(found.room, limit=count)) if count else ():
                show(message)
            if not follow:
                return
            async for event in events:
                if isinstance(event, MessageArrived) and event.message.room == found.room:
                    show(event.message)

    run(main)
