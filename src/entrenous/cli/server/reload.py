"""``entrenous server reload``: let a running server read its settings again."""

import json
import os
import signal
import sys

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import say
from entrenous.cli.run import run
from entrenous.cli.server.configured import ConfigOption, configured, tell_notes
from entrenous.cli.server.data import DataOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reload", epilog=examples("entrenous server reload", "entrenous server reload --data /srv/entrenous"))(
        server_reload
    )


def server_reload(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Let the running server read its settings again, as SIGHUP does.

    What `entrenous server config` marks with an asterisk holds from then on, the rest after a restart; the server's log
    says which. A file with a mistake in it is refused here, and the server keeps what it has.
    """
    from entrenous.errors import UnavailableError
    from entrenous.server import serving

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> int:
        effective = configured(data, config)
        tell_notes(effective)
        lock = effective.settings.lock_path
        server = None if lock is None else serving(lock)
        if server is None:
            raise UnavailableError(
                f"no server runs on {effective.settings.data_dir}",
                remedy="Name its directory with --data, or start it with: entrenous server run",
            )
        if sys.platform == "win32":
            raise UnavailableError("there is no SIGHUP on Windows", remedy="Restart the server instead.")
        try:
            os.kill(server.process, signal.SIGHUP)
        except OSError as error:
            raise UnavailableError(
                f"process {server.process} cannot be asked: {error.strerror}",
                remedy="Ask as the user that runs the server.",
            ) from error
        return server.process

    process = run(main)
    if as_json:
        say(json.dumps({"type": "reload", "process": process}))
    else:
        say(f"Process {process} reads its settings again; its log says what has changed, and what needs a restart.")
