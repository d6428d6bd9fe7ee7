"""``entrenous bench``: measure this installation. Measurements are programs of their own (``entrenous.bench``)."""

import runpy
import sys

import typer

#: The measurements' modules by their commands. Run, not imported: ``cli`` and ``bench`` do not know each other.
_PROGRAMS = {"server": "entrenous.bench.server"}

app = typer.Typer(help="Measure this installation.", no_args_is_help=True)


@app.command(
    "server",
    # Its options, its help among them, are the program's.
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
)
def server(context: typer.Context) -> None:
    """What a server costs and how fast it is, on this machine: a private one, driven over real channels."""
    _run("server", context.args)


def _run(command: str, arguments: list[str]) -> None:
    sys.argv[1:] = arguments
    runpy.run_module(_PROGRAMS[command], run_name="__main__", alter_sys=True)
