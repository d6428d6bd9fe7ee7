"""``entrenous server admin``: users, invites, rooms, devices, quotas, retention, counts, and who did what."""

import typer

from entrenous.cli.server.admin import audit, devices, invites, quotas, retention, rooms, stats, users

app = typer.Typer(
    help="Look after people, rooms and devices, while the server runs or not. What is done is noted: see audit.",
    no_args_is_help=True,
)
for _part in (users, devices, rooms, invites, quotas, retention):
    app.add_typer(_part.app, name=_part.__name__.rpartition(".")[2])
for _command in (stats, audit):
    _command.register(app)
