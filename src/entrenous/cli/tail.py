"""``entrenous tail``: read a room, as lines or as JSON."""

from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.opened_client import caught_up_if_possible, find_room, running_client
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import json_line, note, one_line, say
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
    count: Annotated[int, typer.Option("-n", metavar="N", min=0, max=500, help="How many of the last lines.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl+C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the last messages of a room.

    What is new is fetched first; without a server, it prints what this device has.
    """
    from entrenous.cli.chat.render import message_line
    from entrenous.client.commands import History
    from entrenous.client.events import MessageArrived

    options = common(context)
    options.start_logging(LogLevel.WARNING)

    def show(message: "Message") -> None:
        say(json_line("message", message) if as_json else message_line(message))

    async def main() -> None:
        async with running_client(options) as client:
            await caught_up_if_possible(client)
            events = client.events()
            found = await find_room(client, room)
            messages = await client.do(History(found.room, limit=count)) if count else ()
            for message in messages:
                show(message)
            if count and not messages:
                note(f"Nothing has been said in {one_line(found.name)} yet.")
            if not follow:
                return
            async for event in events:
                if isinstance(event, MessageArrived) and event.message.room == found.room:
                    show(event.message)

    run(main)
