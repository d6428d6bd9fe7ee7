"""``entrenous server``: run one, and make invite links for it."""

import typer

from entrenous.cli.server import (
    admin,
    backup,
    config,
    doctor,
    invite,
    keys,
    limits,
    migrate,
    prove,
    reload,
    restore,
    run,
)

app = typer.Typer(help="Run a server and look after it.", no_args_is_help=True)
run.register(app)
invite.register(app)
limits.register(app)
config.register(app)
reload.register(app)
app.add_typer(admin.app, name="admin")
backup.register(app)
doctor.register(app)
migrate.register(app)
prove.register(app)
restore.register(app)
app.add_typer(keys.app, name="keys")
