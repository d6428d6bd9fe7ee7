"""The ``entrenous`` command: what stands before the commands, and the commands."""

import sys
from typing import Annotated

import typer

import entrenous
from entrenous.cli import bench_command, demo_command, explain, join, login, pcap, room_commands, send, server, tail
from entrenous.cli.chat import command as chat
from entrenous.cli.logs import LogFormat, LogLevel
from entrenous.cli.options import Common, KeyLogOption, examples, paragraph
from entrenous.cli.output import forgive_narrow_encodings, say
from entrenous.cli.run import EXIT_CODES

#: What the program is called in its own help, however it was started.
NAME = "entrenous"

app = typer.Typer(
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(server.app, name="server")
app.add_typer(bench_command.app, name="bench")
for _command in (join, login, chat, room_commands, send, tail, demo_command, explain, pcap):
    _command.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"entrenous {entrenous.__version__}")
        raise typer.Exit


_EPILOG = (
    examples(
        "entrenous server run                        # the first start prints an invite link",
        "entrenous join 'entrenous://...'            # become somebody, with the link that you were sent",
        "entrenous                                   # chat",
        "echo 'build ok' | entrenous send ops -      # from a script",
        "entrenous --profile work chat               # another account on the same machine",
        "entrenous --log-level debug rooms           # every step as a line",
        "entrenous explain --step                    # how the encryption works, with the bytes of a real run",
    )
    + "\n\n"
    + paragraph("Exit codes:", *(f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES))
    + "\n\nEach command shows its own examples: entrenous COMMAND --help"
)


@app.callback(invoke_without_command=True, epilog=_EPILOG)
def entry(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME|PATH",
            envvar="ENTRENOUS_PROFILE",
            help="Which profile: one account on this machine, by its name or the path of its directory.",
        ),
    ] = None,
    log_level: Annotated[LogLevel | None, typer.Option(help="What is logged, on standard error.")] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option(help="Lines for people, or JSON.", show_default="console")
    ] = None,
    keylog: KeyLogOption = None,
    keylog_epochs: Annotated[
        bool, typer.Option("--keylog-epochs", help="Write the keys of messages in rooms there too; with --keylog.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """End-to-end encrypted chat that you host yourself. Without a command: open the chat.

    Begin with a server (entrenous server run), or with the link that somebody sent you (entrenous join LINK).
    """
    if keylog_epochs and keylog is None:
        raise typer.BadParameter("it says what goes into a key log: give --keylog FILE too")
    context.obj = Common(profile, log_level, log_format, keylog, keylog_epochs)
    if context.invoked_subcommand is None:
        chat.chat(context)


def main() -> None:
    """Run the command line."""
    forgive_narrow_encodings()
    app(prog_name=NAME)


def server_main() -> None:
    """Run ``entrenous server run`` with this program's arguments (``python server.py``)."""
    sys.argv[1:1] = ["server", "run"]
    main()
