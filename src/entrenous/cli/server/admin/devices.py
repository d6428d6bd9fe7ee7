"""``entrenous server admin devices``: what people log in with."""

from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.options import JsonOption, examples
from entrenous.cli.output import note, one_line
from entrenous.cli.server.admin.office import tell, when, work
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.operating import Admin

app = typer.Typer(help="People's devices.", no_args_is_help=True)
DeviceArgument = Annotated[str, typer.Argument(metavar="DEVICE", help="A device's id.")]


@app.command(
    "list",
    epilog=examples("entrenous server admin devices list", "entrenous server admin devices list --user bob --json"),
)
def list_devices(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(metavar="USER", help="Only this one's.", show_default="all")] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List devices: whose, last login, KeyPackages left, invitations that wait."""

    async def main(admin: "Admin") -> None:
        async for device in admin.devices(None if user is None else await admin.user(user)):
            line = (
                f"{device.device.hex()}  {one_line(device.login_name):32}  seen {when(device.last_seen)}  "
                f"KeyPackages {device.key_packages:>3}  waiting {device.waiting_welcomes:>3}"
                f"{'  blocked' if device.is_blocked else ''}"
            )
            tell("device", device, line, as_json=as_json)

    work(context, data, config, main)


@app.command("revoke", epilog=examples("entrenous server admin devices revoke d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1"))
def revoke_device(
    context: typer.Context, device: DeviceArgument, data: DataOption = None, config: ConfigOption = None
) -> None:
    """End a device's session within seconds, and let this device in no more: one that was stolen, for instance.

    Its person logs in anew with the password elsewhere, which takes the device off the account's signed list; only he
    can do that. What is on the device stays there, and its rooms encrypt for it until then.
    """

    async def main(admin: "Admin") -> None:
        found = await admin.find_device(device)
        await admin.set_blocked(found, is_blocked=True)
        note(f"A device of {one_line(found.login_name)} is locked out. Undo it with: … admin devices allow")

    work(context, data, config, main)


@app.command("allow", epilog=examples("entrenous server admin devices allow d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1"))
def allow_device(
    context: typer.Context, device: DeviceArgument, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Let a device in again."""

    async def main(admin: "Admin") -> None:
        found = await admin.find_device(device)
        await admin.set_blocked(found, is_blocked=False)
        note(f"A device of {one_line(found.login_name)} can log in again.")

    work(context, data, config, main)
