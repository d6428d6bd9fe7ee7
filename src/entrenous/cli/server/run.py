"""``entrenous server run``: the server itself."""

import gc
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel, log_trace
from entrenous.cli.options import common, examples
from entrenous.cli.output import note, say
from entrenous.cli.run import run, server_loop, until_stopped
from entrenous.cli.server.data import (
    DataOption,
    LimitOption,
    PublicOption,
    data_directory,
    has_listened,
    local_address,
    public_address,
    remember_link_address,
)

if TYPE_CHECKING:
    from entrenous.server import Server, Settings

#: The first link is for the operator: one use, a week.
_FIRST_LINK_USES, _FIRST_LINK_LIFETIME = 1, 7 * 86_400

#: What nobody but the owner may do with the files that the server writes.
_PRIVATE = 0o077


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "run",
        epilog=examples(
            "entrenous server run",
            "entrenous server run --public chat.example.org:7443",
            "entrenous server run --data /srv/entrenous --host 127.0.0.1 --port 7500",
            "entrenous server run --limit connections=500 --limit logins_per_name=5/600",
        ),
    )(server_run)


def server_run(
    context: typer.Context,
    data: DataOption = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The interface to listen on.", show_default="all")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=65_535, help="The port; 0 takes a free one.", show_default="7443"),
    ] = None,
    public: PublicOption = None,
    limit: LimitOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what it did as JSON lines.")] = False,
) -> None:
    """Run a server until Ctrl+C.

    The first start makes keys and a database and prints one invite link.

    The server stores and orders ciphertext. Whoever holds its disk with its keys can guess weak passwords offline.
    """
    from entrenous.identity import DEFAULT_PORT
    from entrenous.server import Settings, read_limits

    common(context).start_logging(LogLevel.INFO)

    async def main() -> None:
        os.umask(_PRIVATE)
        directory = data_directory(data)
        number = DEFAULT_PORT if port is None else port
        settings = Settings(
            data_dir=directory,
            host=host,
            port=number,
            public_address=public_address(directory, public) or local_address(host, number),
            limits=read_limits(directory, limit or ()),
        )
        await serve(settings, directory, as_json=as_json)

    run(main, loop=server_loop)


async def serve(settings: "Settings", directory: Path, *, as_json: bool) -> None:
    """Listen until somebody stops it.

    Raises:
        EntrenousError: it cannot start.
    """
    from entrenous.crypto import system_entropy
    from entrenous.server import Server, SystemClock

    server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy, trace=log_trace("server"))
    try:
        await server.listen()
        # What is loaded by now stays. The collector would look through all of it and stop everybody for 40 ms.
        gc.collect()
        gc.freeze()
        _tell_address(server, as_json=as_json)
        if not has_listened(directory):
            await _tell_first_link(server, as_json=as_json)
        remember_link_address(directory, server.services.invites.address())
        await until_stopped()
    finally:
        await server.close()


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
    note(
        "If others cannot reach that address, start again with --public HOST:PORT. More links: entrenous server invite"
    )
