"""``entrenous server admin rooms``: the logs, by id and size. What they are called, the server does not know."""

from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.options import JsonOption, examples
from entrenous.cli.output import note
from entrenous.cli.server.admin.office import YesOption, confirm, size, tell, when, work
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.operating import Admin
    from entrenous.server.store.overview import Room

app = typer.Typer(help="Rooms, by id: their names are encrypted.", no_args_is_help=True)
RoomArgument = Annotated[str, typer.Argument(metavar="ROOM", help="A room's id.")]


@app.command(
    "list", epilog=examples("entrenous server admin rooms list", "entrenous server admin rooms list --json | jq .")
)
def list_rooms(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List all rooms: members, entries kept, bytes, retention."""

    async def main(admin: "Admin") -> None:
        async for room in admin.rooms():
            tell("room", room, _line(room), as_json=as_json)

    work(context, data, config, main)


@app.command("show", epilog=examples("entrenous server admin rooms show 10101010101010101010101010101010"))
def show_room(
    context: typer.Context,
    room: RoomArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one room's sizes."""

    async def main(admin: "Admin") -> None:
        found = await admin.find_room(room)
        tell("room", found, _line(found), as_json=as_json)

    work(context, data, config, main)


@app.command("delete", epilog=examples("entrenous server admin rooms delete 10101010101010101010101010101010"))
def delete_room(
    context: typer.Context,
    room: RoomArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    yes: YesOption = False,
) -> None:
    """Delete a room for good: its log, who is in it, and invitations into it that wait.

    Its members are told that the server no longer has it. What they have read stays on their devices.
    """

    async def main(admin: "Admin") -> None:
        found = await admin.find_room(room)
        confirm(
            f"This deletes room {found.room.hex()} of {found.members} members, with {found.entries} entries that are "
            "kept for who has not read them yet: they are lost.",
            yes=yes,
        )
        await admin.delete_room(found)
        note("Deleted.")

    work(context, data, config, main)


def _line(room: "Room") -> str:
    return (
        f"{room.room.hex()}  made {when(room.created_at)}  newest {when(room.newest_at):16}  members {room.members:>4} "
        f"({room.managers} manage)  entries {room.entries:>7}  {size(room.bytes):>10}  "
        f"kept {room.retention_seconds / 86_400:g} days"
    )
