"""``entrenous server run``: the server itself."""

import asyncio
import dataclasses
import gc
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer

from entrenous.cli.logs import LogFormat, LogLevel, configure, log_trace
from entrenous.cli.options import KeyLogOption, common, examples
from entrenous.cli.output import note, say
from entrenous.cli.run import run, server_loop, until_stopped
from entrenous.cli.server.configured import ConfigOption, SetOption, configured, tell_notes
from entrenous.cli.server.data import (
    DataOption,
    LimitOption,
    PublicOption,
    data_directory,
    has_listened,
    local_address,
    public_address,
    remember_link_address,
    remember_settings_file,
)
from entrenous.errors import EntrenousError
from entrenous.trace import SILENT, Trace

if TYPE_CHECKING:
    from entrenous.server import Effective, Server, Settings, Supervisor

#: The first link is for the operator: one use, a week.
_FIRST_LINK_USES, _FIRST_LINK_LIFETIME = 1, 7 * 86_400

#: What nobody but the owner may do with the files that the server writes.
_PRIVATE = 0o077

#: What a supervisor shows of a server that is well.
_SERVING = "Serving"

_log = structlog.get_logger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "run",
        epilog=examples(
            "entrenous server run",
            "entrenous server run --public chat.example.org:7443",
            "entrenous server run --data /srv/entrenous --host 127.0.0.1 --port 7500",
            "entrenous server run --limit connections=500 --limit logins_per_name=5/600",
            "entrenous server run --store postgresql+psycopg://db.example.org/entrenous --bus nats://bus.example.org",
            "entrenous server run --config /etc/entrenous/server.toml --set metrics_port=7444",
        ),
    )(server_run)


def server_run(
    context: typer.Context,
    data: DataOption = None,
    config: ConfigOption = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The interface to listen on.", show_default="all")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=65_535, help="The port; 0 takes a free one.", show_default="7443"),
    ] = None,
    public: PublicOption = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A PostgreSQL database, for several nodes.", show_default="SQLite in --data"),
    ] = None,
    bus: Annotated[
        str | None,
        typer.Option(metavar="URL", help="NATS, by which nodes tell each other of news.", show_default="none"),
    ] = None,
    assign: SetOption = None,
    limit: LimitOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what it did as JSON lines.")] = False,
    keylog: KeyLogOption = None,
) -> None:
    """Run a server until Ctrl+C.

    The first start makes keys and a database and prints one invite link.

    Settings stand in server.toml in the data directory, in the environment, or in options; `entrenous server config`
    shows them all.

    The server stores and orders ciphertext. Whoever holds its disk with its keys can guess weak passwords offline.
    """
    options = common(context)
    options.start_logging(LogLevel.INFO)

    def read() -> "Effective":
        return configured(
            data,
            config,
            is_server=True,
            assigned=assign,
            limits=limit,
            host=host,
            port=port,
            public_address=public,
            store=store,
            bus=bus,
            log_level=options.log_level,
            log_format=options.log_format,
        )

    async def main() -> None:
        from entrenous.cli.keylog import with_key_log

        os.umask(_PRIVATE)
        effective = read()
        tell_notes(effective)
        settings = effective.settings
        configure(LogLevel(settings.log_level), LogFormat(settings.log_format))
        directory = data_directory(settings.data_dir)

        def reread() -> "Settings":
            return addressed(read().settings, directory, None)

        trace = with_key_log(log_trace("server"), keylog or options.keylog)
        settings = addressed(settings, directory, public)
        await serve(settings, directory, as_json=as_json, reread=reread, file=effective.named, trace=trace)

    # Until it listens: the collector would look through all that is loaded, again and again, and find nothing.
    gc.disable()
    try:
        run(main, loop=server_loop)
    finally:
        gc.enable()


def addressed(settings: "Settings", directory: Path, public: str | None) -> "Settings":
    """The settings with the address that links carry: what is set, what --public said last, or where it listens.

    Raises:
        MalformedError, UnavailableError: see ``public_address``.
    """
    remembered = public_address(directory, public)
    address = settings.public_address or remembered or local_address(settings.host, settings.port)
    return dataclasses.replace(settings, public_address=address)


async def serve(
    settings: "Settings",
    directory: Path,
    *,
    as_json: bool,
    reread: "Callable[[], Settings] | None" = None,
    file: Path | None = None,
    trace: Trace = SILENT,
) -> None:
    """Listen until somebody stops it.

    Args:
        settings: what the operator has set.
        directory: where the data is.
        as_json: tell what it did as JSON lines.
        reread: the settings as they are by then, for when somebody asks to reload them.
        file: where they stand, if that was named.
        trace: told of what connections derive.

    Raises:
        EntrenousError: it cannot start.
    """
    from entrenous.crypto import system_entropy
    from entrenous.server import Server, Supervisor, SystemClock

    supervisor = Supervisor(os.environ)
    asyncio.get_running_loop().set_exception_handler(_tell_mistake)
    server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy, trace=trace)
    try:
        if reread is not None:
            reload_when_asked(server, reread, supervisor)
        await server.listen()
        # What is loaded by now stays. The collector would look through all of it and stop everybody for 40 ms.
        gc.collect()
        gc.freeze()
        gc.enable()
        _tell_address(server, as_json=as_json)
        if await is_first_start(server, directory):
            await _tell_first_link(server, as_json=as_json)
        remember_link_address(directory, server.services.invites.address())
        remember_settings_file(directory, file)
        supervisor.ready(_SERVING)
        beats = asyncio.get_running_loop().create_task(supervisor.keep_telling())
        await until_stopped()
        beats.cancel()
    finally:
        supervisor.stopping()
        await server.close()


async def is_first_start(server: "Server", directory: Path) -> bool:
    """Whether nobody has served this directory and nobody has registered: a further node makes no link."""
    return not has_listened(directory) and not await server.has_people()


def reload_when_asked(server: "Server", reread: "Callable[[], Settings]", supervisor: "Supervisor") -> None:
    """Read the settings again at SIGHUP, where there is such a signal. With a mistake in them the old ones hold on."""
    if sys.platform == "win32":
        return
    had_terminal = _has_terminal()

    def asked() -> None:
        if had_terminal and not _has_terminal():
            # It is the terminal that hangs up, and not somebody who asks for anything.
            signal.raise_signal(signal.SIGTERM)
            return
        supervisor.reloading()
        try:
            wanted = reread()
            server.reload(wanted)
        except EntrenousError as error:
            _log.error("server.reload_refused", error=str(error))
            supervisor.ready(f"Serving, with the settings from before: {error}")
        else:
            configure(LogLevel(wanted.log_level), LogFormat(server.settings.log_format))
            supervisor.ready(_SERVING)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked)


def _tell_mistake(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A bug of ours in a callback: into the log like everything else, without the objects that took part in it."""
    # Behind a bracket stands what the callback was called with.
    message = re.split(r"[(<\[{]", str(context.get("message", "")))[0].strip()
    _log.error("loop.mistake", message=message, exc_info=context.get("exception"))


def _has_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def _tell_address(server: "Server", *, as_json: bool) -> None:
    host, port = server.address
    if as_json:
        say(json.dumps({"type": "listening", "host": host, "port": port, "server_id": server.server_id.hex()}))
    else:
        note(f"Listening on {host}, port {port}. Server id: {server.server_id.hex()[:16]}…  Ctrl+C ends it.")


async def _tell_first_link(server: "Server", *, as_json: bool) -> None:
    from entrenous.identity import format_link

    link = format_link(await server.create_invite(_FIRST_LINK_USES, _FIRST_LINK_LIFETIME))
    if as_json:
        say(json.dumps({"type": "invite", "link": link, "uses": _FIRST_LINK_USES}))
        return
    note("First start. Redeem this link within a week, on your own machine; it works once:")
    say(f"\n    entrenous join '{link}'\n")
    note("If others cannot reach that address, start again with --public HOST:PORT.")
    note("More links: entrenous server invite")
