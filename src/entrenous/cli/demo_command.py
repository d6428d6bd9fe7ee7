"""``entrenous demo``: see it work, on this machine alone."""

import typer

from entrenous.cli.run import run


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo() -> None:
    """Three people hold an encrypted conversation through a real server; then search for anything that leaked.

    Everything runs on this machine, in a temporary folder that is removed afterwards. It ends by itself, in under a
    minute, with exit code 0 if nothing leaked.
    """
    from entrenous.cli.demo.play import play

    if not run(play):
        raise typer.Exit(1)
