"""``entrenous join``: redeem an invite link and become somebody."""

import json
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.opened_client import connected_client
from entrenous.cli.options import Common, SuiteName, SuiteOption, common, examples
from entrenous.cli.output import note, say
from entrenous.cli.profile_store import client_environment, opened, require_free
from entrenous.cli.run import run
from entrenous.cli.secrets_input import PasswordStdin, asked, new_password
from entrenous.errors import RejectedError

if TYPE_CHECKING:
    from entrenous.client.accounts import Registered


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = examples(
        "entrenous join 'entrenous://chat.example.org/#…'",
        "entrenous join LINK --name alice --suite classic",
        "entrenous --profile work join LINK --lock",
    )
    app.command("join", epilog=epilog)(join)


def join(
    context: typer.Context,
    link: Annotated[str, typer.Argument(metavar="LINK", help="The invite link, in quotes.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your login name; asked for if it is not given.")
    ] = None,
    password_stdin: PasswordStdin = False,
    suite: SuiteOption = SuiteName.HYBRID,
    lock: Annotated[
        bool, typer.Option("--lock", help="Ask for the password at every start; scripts cannot use it then.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line.")] = False,
) -> None:
    """Register at the server that the link names, and pin its key.

    Your password never leaves this machine, but whoever holds the server's disk with its keys can guess weak ones
    offline, so weak ones are refused. You get a recovery code once: write it down.
    """
    from entrenous.channel import suite_by_label
    from entrenous.client.accounts import Registered, forget_recovery_words, register
    from entrenous.client.session import TcpConnector
    from entrenous.identity import check_password, parse_link, password_bytes

    options = common(context)
    options.start_logging(LogLevel.WARNING)
    suite.warn()

    async def main() -> Registered:
        invite = parse_link(mended(link))
        environment = client_environment(options)
        require_free(options.profile_path)
        login_name = _checked(name) if name else _ask_name()
        password = new_password(password_stdin, lambda typed: check_password(typed, (login_name,), environment.entropy))
        lock_with = password_bytes(password) if lock else None
        with opened(options.profile_path, create=True, lock_with=lock_with, password=lock_with) as profile:
            note(f"Registering at {invite.address} …")
            registered = await register(
                invite,
                TcpConnector(invite.host, invite.port),
                profile.store,
                environment,
                login_name=login_name,
                password=password,
                suite=suite_by_label(suite),
            )
            _tell(registered, options, as_json=as_json)
            forget_recovery_words(profile.store)
        # The first connection leaves KeyPackages at the server, with which others can add this device to rooms.
        async with connected_client(options, environment=environment, password=lock_with):
            return registered

    run(main)


def mended(link: str) -> str:
    """A link without what mail programs and chats put into and around it: line breaks, spaces, brackets, a full stop.

    None of it can stand in a link, and a link tells whether it is whole.
    """
    return "".join(link.split()).strip("<>()\"'`“”‘’.,;")


def _checked(name: str) -> str:
    """The name, if a server of this version takes it: better said before a password is typed.

    Raises:
        RejectedError: rule AUTH-NAME.
    """
    from entrenous.server.people.names import check_name

    return check_name(name.strip())


def _ask_name() -> str:
    if not sys.stdin.isatty():
        raise RejectedError("AUTH-NAME", "a login name is needed; give --name")
    while True:
        try:
            return _checked(asked("Your login name: "))
        except RejectedError as error:
            note(f"Not this one: {error.detail}.")


def _tell(registered: "Registered", options: Common, *, as_json: bool) -> None:
    words = registered.recovery_words or ""
    if as_json:
        account = {"login_name": registered.login_name, "account": registered.account_id.hex()}
        say(json.dumps({"type": "registered", **account, "recovery_code": words}))
        return
    say(f"You are {registered.login_name}.")
    say(f"Your recovery code, shown once; write it down:\n\n{indented(words)}\n")
    note(f"Open the chat with: {options.command_line()}")


def indented(words: str) -> str:
    """The words on one line, or on a terminal that is too narrow for it on several, none of them broken."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    return textwrap.fill(words, width, initial_indent="    ", subsequent_indent="    ")
