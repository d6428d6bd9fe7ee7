"""``entrenous server admin quotas``: what single accounts may have."""

from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.options import JsonOption, examples
from entrenous.cli.server.admin.office import UserArgument, size, tell, work
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.operating import Admin
    from entrenous.server.people.quotas import Usage

app = typer.Typer(help="What single accounts may have.", no_args_is_help=True)


@app.command("show", epilog=examples("entrenous server admin quotas show bob", "… quotas show bob --json"))
def show_quota(
    context: typer.Context,
    user: UserArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what an account may have and what it has.

    What it keeps is the messages of its devices that are still in logs, its vault and its KeyPackages.
    """

    async def main(admin: "Admin") -> None:
        usage = await admin.usage(await admin.user(user))
        tell("usage", usage, _line(usage), as_json=as_json)

    work(context, data, config, main)


@app.command(
    "set",
    epilog=examples(
        "entrenous server admin quotas set bob --rooms 50",
        "entrenous server admin quotas set bob --mebibytes 200",
        "entrenous server admin quotas set bob --default",
    ),
)
def set_quota(
    context: typer.Context,
    user: UserArgument,
    rooms: Annotated[int | None, typer.Option(metavar="N", min=0, help="Most rooms.", show_default=False)] = None,
    mebibytes: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Most that is kept, in MiB.", show_default=False)
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Take all quotas of this account away.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set what an account may have; what is not named stays as it is. It holds within seconds.

    An account that keeps too much reads and logs in as before; what it sends waits until older entries have gone.
    """
    from dataclasses import replace

    from entrenous.server.store.quotas import NONE

    if default is (rooms is not None or mebibytes is not None):
        raise typer.BadParameter("Say --rooms, --mebibytes or both, or else --default.")

    async def main(admin: "Admin") -> None:
        found = await admin.user(user)
        quota = NONE if default else await admin.quota(found)
        if rooms is not None:
            quota = replace(quota, rooms=rooms)
        if mebibytes is not None:
            quota = replace(quota, kept_bytes=mebibytes << 20)
        await admin.set_quota(found, quota)
        usage = await admin.usage(found)
        tell("usage", usage, _line(usage), as_json=as_json)

    work(context, data, config, main)


def _line(usage: "Usage") -> str:
    quota = usage.quota
    rooms = "as the server's limit" if quota.rooms is None else str(quota.rooms)
    most = "as the server's limits" if quota.kept_bytes is None else size(quota.kept_bytes)
    return f"rooms: {usage.rooms}, at most {rooms}\nkept:  {size(usage.kept_bytes)}, at most {most}"
