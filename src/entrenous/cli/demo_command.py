"""``entrenous demo``: see it work, on this machine alone."""

import typer

from entrenous.cli.options import examples
from entrenous.cli.run import run


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog=examples("entrenous demo"))(demo)


def demo() -> None:
    """See it work: three people, a real server, a search for leaks.

    They hold an encrypted conversation; then everything that the server wrote and every byte on the sockets is
    searched for what they said. It all runs on this machine, in a temporary folder that is removed afterwards, ends by
    itself in under a minute, and has exit code 0 if nothing leaked.
    """
    from entrenous.cli.demo.play import play

    if not run(play):
        raise typer.Exit(1)
