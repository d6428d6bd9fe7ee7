"""The one-shot commands about rooms and people: ``rooms create invite kick members``."""

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.opened_client import connected_client, find_room
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import json_line, note, one_line, say
from entrenous.cli.patience import CARRY_OUT_SECONDS, patiently
from entrenous.cli.run import run

if TYPE_CHECKING:
    from entrenous.client.commands import Command
    from entrenous.client.views import RoomSummary

T = TypeVar("T")

RoomArgument = Annotated[str, typer.Argument(metavar="ROOM", help="A room's name, or the beginning of its id.")]
PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="A login name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("rooms", epilog=examples("entrenous rooms", "entrenous rooms --json"))(rooms)
    app.command("create", epilog=examples("entrenous create ops", "entrenous create ops --topic 'what runs'"))(create)
    app.command(
        "invite",
        epilog=examples("entrenous invite ops bob     # adds bob to ops", "entrenous invite             # a link"),
    )(invite)
    app.command("kick", epilog=examples("entrenous kick ops bob"))(kick)
    app.command("members", epilog=examples("entrenous members ops --json"))(members)


def rooms(context: typer.Context, as_json: JsonOption = False) -> None:
    """List your rooms."""
    from entrenous.cli.chat.render import room_lines
    from entrenous.client.commands import ListRooms

    found = _once(context, ListRooms())
    for line in [json_line("room", room) for room in found] if as_json else room_lines(found, None):
        say(line)


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the room is called; the server never learns it.")],
    topic: Annotated[str, typer.Option(metavar="TEXT", help="What it is about.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a room. You are its admin."""
    from entrenous.client.commands import CreateRoom

    room = _once(context, CreateRoom(name, topic))
    say(
        json_line("room", room)
        if as_json
        else f"{one_line(room.name)} is there. Add people: entrenous invite {shlex.quote(room.name)} PERSON"
    )


def invite(
    context: typer.Context,
    room: Annotated[
        str | None, typer.Argument(metavar="ROOM", help="A room's name, or the beginning of its id.")
    ] = None,
    person: Annotated[str | None, typer.Argument(metavar="PERSON", help="A login name.")] = None,
    uses: Annotated[
        int, typer.Option(metavar="N", min=1, max=1_000, help="Of a link: how many people can register.")
    ] = 1,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=90, help="Of a link: for how long.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Add a person to a room, or make a link.

    Without ROOM and PERSON it prints a link with which somebody can register at your server.
    """
    from entrenous.client.commands import CreateInviteLink, InviteMember

    if room is None:
        link = _once(context, CreateInviteLink(uses, days * 86_400))
        say(json_line("link", link) if as_json else link)
        return
    if person is None:
        raise typer.BadParameter("Who is to be added? entrenous invite ROOM PERSON; alone, it makes a link.")
    found = _in_room(context, room, lambda known: InviteMember(known.room, person))
    say(json_line("member", found) if as_json else f"{one_line(found.login_name)} is in {one_line(room)}.")


def kick(context: typer.Context, room: RoomArgument, person: PersonArgument) -> None:
    """Remove a person from a room.

    They keep what they have read, and read nothing that is sent afterwards.
    """
    from entrenous.client.commands import KickMember

    _in_room(context, room, lambda known: KickMember(known.room, person))
    note(f"{one_line(person)} is out of {one_line(room)}. The room has new keys.")


def members(context: typer.Context, room: RoomArgument, as_json: JsonOption = False) -> None:
    """List who is in a room."""
    from entrenous.cli.chat.render import member_lines
    from entrenous.client.commands import ListMembers

    found = _in_room(context, room, lambda known: ListMembers(known.room))
    for line in [json_line("member", member) for member in found] if as_json else member_lines(found):
        say(line)


def _once(context: typer.Context, command: "Command[T]") -> T:
    """Connect, catch up, do one command."""
    options = common(context)
    options.start_logging(LogLevel.WARNING)

    async def main() -> T:
        async with connected_client(options) as client:
            return await patiently(client.do(command), note, seconds=CARRY_OUT_SECONDS)

    return run(main)


def _in_room(context: typer.Context, room: str, make: "Callable[[RoomSummary], Command[T]]") -> T:
    """Connect, catch up, find the room, do one command in it."""
    options = common(context)
    options.start_logging(LogLevel.WARNING)

    async def main() -> T:
        async with connected_client(options) as client:
            command = make(await find_room(client, room))
            return await patiently(client.do(command), note, seconds=CARRY_OUT_SECONDS)

    return run(main)
