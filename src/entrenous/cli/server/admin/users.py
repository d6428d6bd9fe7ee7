"""``entrenous server admin users``: who has an account here, and what an operator can do about it."""

from typing import TYPE_CHECKING

import typer

from entrenous.cli.options import JsonOption, examples
from entrenous.cli.output import note, one_line
from entrenous.cli.server.admin.office import UserArgument, YesOption, confirm, size, tell, when, work
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.operating import Admin
    from entrenous.server.people.quotas import Usage
    from entrenous.server.store.overview import User

app = typer.Typer(help="People's accounts.", no_args_is_help=True)


@app.command(
    "list", epilog=examples("entrenous server admin users list", "entrenous server admin users list --json | jq .")
)
def list_users(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List all accounts: name, when made, when last seen, how many rooms and devices."""

    async def main(admin: "Admin") -> None:
        async for user in admin.users():
            tell("user", user, _line(user), as_json=as_json)

    work(context, data, config, main)


@app.command(
    "show",
    epilog=examples("entrenous server admin users show bob", "entrenous server admin users show bob --json"),
)
def show_user(
    context: typer.Context,
    user: UserArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an account, its devices, its quota and how much it makes the server keep.

    What its people say, and what their rooms are called, no operator can see.
    """

    async def main(admin: "Admin") -> None:
        found = await admin.user(user)
        usage = await admin.usage(found)
        tell("user", found, _line(found), as_json=as_json)
        tell("usage", usage, _usage(usage), as_json=as_json)
        async for device in admin.devices(found):
            blocked = ", blocked" if device.is_blocked else ""
            line = f"  device {device.device.hex()}  last login {when(device.last_seen)}{blocked}"
            tell("device", device, line, as_json=as_json)

    work(context, data, config, main)


@app.command("disable", epilog=examples("entrenous server admin users disable bob"))
def disable_user(
    context: typer.Context, user: UserArgument, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Lock an account: its sessions end within seconds, and nobody logs in with it.

    Nothing is deleted. Other members' rooms still list the person, and go on encrypting for his devices until a member
    removes him there: a server cannot take anybody out of an end-to-end encrypted room.
    """

    async def main(admin: "Admin") -> None:
        found = await admin.user(user)
        await admin.set_disabled(found, is_disabled=True)
        note(f"{one_line(found.login_name)} is locked out. Undo it with: entrenous server admin users enable")

    work(context, data, config, main)


@app.command("enable", epilog=examples("entrenous server admin users enable bob"))
def enable_user(
    context: typer.Context, user: UserArgument, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Let a disabled account in again."""

    async def main(admin: "Admin") -> None:
        found = await admin.user(user)
        await admin.set_disabled(found, is_disabled=False)
        note(f"{one_line(found.login_name)} can log in again.")

    work(context, data, config, main)


@app.command("delete", epilog=examples("entrenous server admin users delete bob", "… users delete bob --yes"))
def delete_user(
    context: typer.Context,
    user: UserArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    yes: YesOption = False,
) -> None:
    """Delete an account for good: its name, password and recovery records, vault, devices and invites.

    Messages that it sent stay with those who have them. Rooms list it as a deleted account until a member removes it
    there. Whoever registers under the name later is somebody else, and the people who knew the first one are told so.
    """

    async def main(admin: "Admin") -> None:
        found = await admin.user(user)
        confirm(
            f"This deletes {one_line(found.login_name)} ({found.account.hex()}): nobody can bring it back, a backup "
            f"aside. It is in {found.rooms} rooms with {found.devices} devices, which keep what they have.",
            yes=yes,
        )
        await admin.delete_user(found)
        note("Deleted.")

    work(context, data, config, main)


@app.command("reset", epilog=examples("entrenous server admin users reset bob"))
def reset_user(
    context: typer.Context, user: UserArgument, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Let a person try the password again who was locked out by too many attempts, his own or somebody's.

    A password cannot be reset: it never comes here, and it opens the person's keys. Who has lost it logs in with the
    twelve words of the recovery code. Who has lost both needs a new account: delete this one, and make an invite.
    """

    async def main(admin: "Admin") -> None:
        found = await admin.user(user)
        await admin.reset_attempts(found)
        note(f"A running server forgets within seconds how often {one_line(found.login_name)} was tried.")

    work(context, data, config, main)


def _usage(usage: "Usage") -> str:
    quota = usage.quota
    most_bytes = "no quota" if quota.kept_bytes is None else f"of {size(quota.kept_bytes)}"
    most_rooms = "no quota" if quota.rooms is None else f"of {quota.rooms}"
    return f"  keeps {size(usage.kept_bytes)} ({most_bytes}), is in {usage.rooms} rooms ({most_rooms})"


def _line(user: "User") -> str:
    state = "deleted" if user.deleted_at is not None else "disabled" if user.is_disabled else ""
    return (
        f"{one_line(user.login_name):32}  {user.account.hex()}  made {when(user.created_at)}  "
        f"seen {when(user.last_seen):16}  rooms {user.rooms:>4}  devices {user.devices:>2}  {state}"
    ).rstrip()
