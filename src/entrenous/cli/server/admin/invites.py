"""``entrenous server admin invites``: what lets people register."""

from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.options import JsonOption, examples
from entrenous.cli.output import note
from entrenous.cli.server.admin.office import tell, when, work
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption
from entrenous.cli.server.invite import server_invite

if TYPE_CHECKING:
    from entrenous.server.operating import Admin

#: Digits of an invite's id in lists: enough to tell them apart.
SHOWN = 16

app = typer.Typer(help="Invite links.", no_args_is_help=True)
app.command(
    "create",
    epilog=examples("entrenous server admin invites create", "entrenous server admin invites create --uses 5 --days 2"),
)(server_invite)


@app.command(
    "list", epilog=examples("entrenous server admin invites list", "entrenous server admin invites list --json | jq .")
)
def list_invites(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List invites: uses left, end, who made them. Links themselves cannot be shown: only their hashes are kept."""

    async def main(admin: "Admin") -> None:
        async for invite in admin.invites():
            by = "the operator" if invite.created_by is None else invite.created_by.hex()
            line = (
                f"{invite.token_hash.hex()[:SHOWN]}  uses left {invite.uses_left:>4}  "
                f"until {when(invite.expires_at)}  by {by}"
            )
            tell("invite", invite, line, as_json=as_json)

    work(context, data, config, main)


@app.command("revoke", epilog=examples("entrenous server admin invites revoke 5f1c9e2ab7d03346"))
def revoke_invite(
    context: typer.Context,
    invite: Annotated[str, typer.Argument(metavar="INVITE", help="An invite's id, or how it begins.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Let nobody register with an invite any more."""

    async def main(admin: "Admin") -> None:
        await admin.revoke_invite(await admin.find_invite(invite))
        note("Nobody can register with it any more.")

    work(context, data, config, main)
