"""``entrenous login``: the same account on another machine, in place of the former one."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.join import mended
from entrenous.cli.logs import LogLevel
from entrenous.cli.opened_client import connected_client
from entrenous.cli.options import SuiteName, SuiteOption, common, examples
from entrenous.cli.output import note, say
from entrenous.cli.profile_store import client_environment, opened, require_free
from entrenous.cli.run import run
from entrenous.cli.secrets_input import PasswordStdin, asked, existing_password

if TYPE_CHECKING:
    from entrenous.identity import ServerIdentity


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = examples(
        "entrenous login alice chat.example.org",
        "entrenous login alice 'entrenous://chat.example.org/#…'      # any link of that server pins its key",
        "entrenous login alice chat.example.org --recovery            # with the recovery code",
    )
    app.command("login", epilog=epilog)(login)


def login(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Your login name.")],
    server: Annotated[str, typer.Argument(metavar="SERVER", help="HOST[:PORT], or an invite link of that server.")],
    recovery: Annotated[
        bool, typer.Option("--recovery", help="Use the recovery code instead of the password.")
    ] = False,
    password_stdin: PasswordStdin = False,
    suite: SuiteOption = SuiteName.HYBRID,
    yes: Annotated[bool, typer.Option("--yes", help="Replace the former device without asking.")] = False,
) -> None:
    """Log in on this machine. For now an account has one device: the former one is revoked.

    Rooms do not come back by themselves: somebody in each invites you once more, which replaces your device there.
    """
    from entrenous.channel import suite_by_label
    from entrenous.client.accounts import LoggedIn, ServerAddress, log_in
    from entrenous.client.session import TcpConnector
    from entrenous.identity import RecoveryCode, parse_address, parse_link, parse_recovery_code

    options = common(context)
    options.start_logging(LogLevel.WARNING)
    suite.warn()

    def address() -> ServerAddress:
        if "://" in server:
            link = parse_link(mended(server))
            return ServerAddress(link.host, link.port, link.server_id)
        return ServerAddress(*parse_address(server))

    def secret() -> str | RecoveryCode:
        question = "Recovery code (12 words): " if recovery else "Password: "
        text = existing_password(password_stdin, question)
        return parse_recovery_code(text) if recovery else text

    async def main() -> LoggedIn:
        where = address()
        require_free(options.profile_path)
        if not yes and not _agrees(f"{name}'s former device will be revoked. Go on?"):
            raise typer.Exit(1)
        known = secret()
        environment = client_environment(options)
        with opened(options.profile_path, create=True) as profile:
            note(f"Logging in at {where.host} …")
            logged_in = await log_in(
                where,
                TcpConnector(where.host, where.port),
                profile.store,
                environment,
                login_name=name,
                secret=known,
                accept_server=_accept_server,
                suite=suite_by_label(suite),
            )
        async with connected_client(options, environment=environment):
            return logged_in

    done = run(main)
    say(f"You are {done.login_name} on this machine. Devices revoked: {done.revoked}.")
    if done.rooms:
        note(f"Ask somebody in each of your {done.rooms} rooms to /invite you again: that lets this device in.")


async def _accept_server(identity: "ServerIdentity") -> bool:
    note(f"This server was not seen before. Its id is\n    {identity.server_id.hex(' ', 4)}")
    return _agrees("Is that what its operator told you?")


def _agrees(question: str) -> bool:
    if not sys.stdin.isatty():
        note(f"{question} There is no terminal to ask; see --yes and links in --help.")
        return False
    return asked(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
