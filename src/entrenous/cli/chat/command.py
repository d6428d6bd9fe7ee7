"""``entrenous chat``: the interactive client, on a terminal or on pipes."""

import asyncio
import sys
from typing import TYPE_CHECKING

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.opened_client import caught_up_if_possible, running_client
from entrenous.cli.options import Common, JsonOption, common, examples
from entrenous.cli.run import run

if TYPE_CHECKING:
    from entrenous.cli.chat.conversation import Conversation
    from entrenous.client import Client

#: Seconds that messages which are still on their way get when the client is left.
LAST_SECONDS = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = examples("entrenous", "entrenous --profile work chat", "printf '/rooms\\n' | entrenous chat --json")
    app.command("chat", epilog=epilog)(chat)


def chat(context: typer.Context, as_json: JsonOption = False) -> None:
    """Open the chat.

    What you type is a message, or a command such as /create, /invite and /help; Ctrl+D leaves.

    With --json, or on a pipe, lines are read from standard input and every event is printed as it happens.
    """
    options = common(context)
    options.start_logging(LogLevel.WARNING)
    run(lambda: converse(options, as_json=as_json))


async def converse(options: Common, *, as_json: bool) -> None:
    """Hold the conversation until the person leaves.

    Raises:
        EntrenousError: the profile cannot be opened.
    """
    from entrenous.cli.chat.conversation import Conversation
    from entrenous.cli.chat.keyboard import StandardOutput, interruptible

    async with running_client(options) as client:
        prompted = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
        conversation = Conversation(
            client, StandardOutput(), as_json=as_json, interruptible=interruptible if prompted else None
        )
        following = asyncio.create_task(conversation.follow())
        # The engine begins to connect before anybody listens; what it told meanwhile is in the store.
        await asyncio.sleep(0)
        talking = asyncio.create_task(talk(client, conversation, prompted=prompted))
        try:
            # Following ends first if nobody reads what is printed any more: then there is nothing to talk for.
            await asyncio.wait({talking, following}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (talking, following):
                if not task.done():
                    task.cancel()
            ends = await asyncio.gather(talking, following, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end


async def talk(client: "Client", conversation: "Conversation", *, prompted: bool) -> None:
    """Do what is typed until the person leaves.

    Raises:
        EntrenousError: there will be no connection any more.
    """
    from entrenous.cli.chat.keyboard import piped_lines, prompted_lines

    if not prompted:
        await caught_up_if_possible(client)  # a script does not look whether it is connected before it types
    await conversation.begin()
    async for line in prompted_lines(conversation.prompt) if prompted else piped_lines():
        if not await conversation.typed(line):
            break
    await conversation.finish(LAST_SECONDS)
