"""``entrenous send``: say one thing, from a shell or a script."""

import asyncio
import sys
from typing import Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.opened_client import CONNECT_SECONDS, caught_up_if_possible, find_room, running_client
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import json_line, note, say
from entrenous.cli.room_commands import RoomArgument
from entrenous.cli.run import TRY_AGAIN, run
from entrenous.errors import RejectedError


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = examples("entrenous send ops 'build ok'", "make 2>&1 | tail -n 5 | entrenous send ops -")
    app.command("send", epilog=epilog)(send)


def send(
    context: typer.Context,
    room: RoomArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="What to say; - reads it from standard input.")],
    as_json: JsonOption = False,
) -> None:
    """Send one message and wait until the server has stored it.

    Without a server the message stays on this device, is sent when the profile is next used, and the exit code is 3.
    """
    from entrenous.client.commands import SendText, WaitUntilSent

    options = common(context)
    options.start_logging(LogLevel.WARNING)

    async def main() -> bool:
        words = piped_text() if text == "-" else text
        if not words.strip():
            raise RejectedError("CLIENT-TEXT", "there is nothing to send")
        async with running_client(options) as client:
            await caught_up_if_possible(client)
            found = await find_room(client, room)
            message = await client.do(SendText(found.room, words))
            try:
                async with asyncio.timeout(CONNECT_SECONDS if client.is_connected else 0):
                    await client.do(WaitUntilSent(message))
            except TimeoutError:
                return False
            if as_json:
                say(json_line("sent", message))
            return True

    if not run(main):
        note("Not sent yet: the message waits on this device and goes out when the profile is next used.")
        raise typer.Exit(TRY_AGAIN)


def piped_text() -> str:
    """Standard input to its end, without the line breaks at the end.

    Raises:
        RejectedError: rule CLIENT-TEXT, it is longer than a message or is not UTF-8.
    """
    from entrenous.client.commands import MAX_TEXT

    # One byte more than fits, not all of it: somebody may pipe in what has no end.
    data = sys.stdin.buffer.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise RejectedError("CLIENT-TEXT", f"a message has at most {MAX_TEXT} bytes, this is longer; nothing was sent")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise RejectedError("CLIENT-TEXT", "standard input is not UTF-8 text; nothing was sent") from None
