"""``entrenous server keys``: the server's secrets apart from its data: copies of them, and a new identity key."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import note, say
from entrenous.cli.run import run
from entrenous.cli.secrets_input import PasswordStdin, existing_password, new_password
from entrenous.cli.server.admin.office import YesOption, at_work, confirm, effective_settings
from entrenous.cli.server.backup import noted
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption
from entrenous.errors import UnavailableError

if TYPE_CHECKING:
    from entrenous.server import Settings

app = typer.Typer(help="The server's secrets, apart from its data.", no_args_is_help=True)


@app.command("show", epilog=examples("entrenous server keys show", "entrenous server keys show --json"))
def show_keys(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Show the server id, which clients pin and which never changes, and today's identity key. Nothing secret."""
    from entrenous.server.people.keys import load_keys

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> None:
        keys = load_keys(_path(effective_settings(data, config)))
        public, rotations = keys.identity.signing_key.public.hex(), len(keys.identity.rotations)
        if as_json:
            fields = {"server_id": keys.server_id.hex(), "identity_key": public, "rotations": rotations}
            say(json.dumps({"type": "keys", **fields}))
        else:
            say(f"server id     {keys.server_id.hex()}\nidentity key  {public}\nrotated       {rotations} times")

    run(main)


@app.command(
    "backup",
    epilog=examples(
        "entrenous server keys backup /media/stick/entrenous.keys",
        "entrenous server keys backup entrenous.keys --password-stdin < passphrase.txt",
        "entrenous server keys backup entrenous.keys --plain    # readable by whoever gets the file",
    ),
)
def back_up(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(metavar="TO", help="A file that is not there yet.")],
    plain: Annotated[
        bool, typer.Option("--plain", help="No passphrase: the file's mode (0600) alone protects it.")
    ] = False,
    password_stdin: PasswordStdin = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Copy the keys into a file, under a passphrase. Keep it away from the backups of the data.

    Without the keys, no backup brings the server back: nobody could log in, and no client would trust it.
    """
    from entrenous.crypto import system_entropy
    from entrenous.identity import check_password, password_bytes
    from entrenous.server.operating import Action, back_up_keys
    from entrenous.server.people.keys import load_keys

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> None:
        settings = effective_settings(data, config)
        keys, passphrase = load_keys(_path(settings)), None
        if not plain:
            passphrase = password_bytes(
                new_password(password_stdin, lambda typed: check_password(typed, (), system_entropy))
            )
        back_up_keys(keys, to, passphrase=passphrase, entropy=system_entropy)
        await noted(settings, Action.KEYS_BACKUP, "plain" if plain else "sealed")
        note(f"{to} holds all secrets of server {keys.server_id.hex()[:16]}…, {'in clear' if plain else 'sealed'}.")

    run(main)


@app.command("restore", epilog=examples("entrenous server keys restore /media/stick/entrenous.keys"))
def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FROM", help="What keys backup has made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also in place of keys that are there: they are lost.")
    ] = False,
    password_stdin: PasswordStdin = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Put the keys back. The server must not run.

    Keys from before a rotation are refused by every client that has followed it: then find the newer copy.
    """
    from entrenous.identity import password_bytes
    from entrenous.server.operating import needs_passphrase, open_keys, restore_keys
    from entrenous.server.serving_lock import ServingLock

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> None:
        settings = effective_settings(data, config)
        path, lock_path = _path(settings), settings.lock_path
        passphrase = None
        if needs_passphrase(source):
            passphrase = password_bytes(existing_password(password_stdin, "The passphrase of this copy: "))
        keys = open_keys(source, passphrase=passphrase)
        if lock_path is not None and lock_path.parent.exists():
            lock = ServingLock(lock_path)
            lock.take()
            lock.release()
        restore_keys(path, keys, force=force)
        note(f"The keys of server {keys.server_id.hex()[:16]}… are in place.")

    run(main)


@app.command(
    "rotate",
    epilog=examples("entrenous server keys rotate", "entrenous server keys rotate --yes && … keys backup FILE"),
)
def rotate(
    context: typer.Context, data: DataOption = None, config: ConfigOption = None, yes: YesOption = False
) -> None:
    """Replace the identity key by a new one: when the old one may have been copied, or an operator has left.

    The server id and all invite links stay. The old key signs for the new one; clients follow at their next connection,
    refuse the old key from then on, and tell their people once. It can be done sixteen times.

    Whoever has the old key can lead clients that have not followed yet to a key of his own: rotate early.
    """
    from entrenous.crypto import system_entropy
    from entrenous.server.operating import Action
    from entrenous.server.people.keys import rotate_identity

    common(context).start_logging(LogLevel.WARNING)

    async def main() -> None:
        settings = effective_settings(data, config)
        path = _path(settings)
        confirm("The present identity key is deleted; older copies of the keys become useless.", yes=yes)
        async with at_work(settings) as admin:
            keys = rotate_identity(path, system_entropy)
            rotations = len(keys.identity.rotations)
            await admin.record(Action.KEYS_ROTATE, keys.server_id.hex(), f"rotation {rotations}")
        note(
            f"Rotation {rotations} is done: a running server takes the key within seconds. Other nodes need the file "
            f"{path}. Make a new copy now: entrenous server keys backup"
        )

    run(main)


def _path(settings: "Settings") -> Path:
    if settings.keys_path is None:
        raise UnavailableError("these settings keep the keys in memory", remedy="Name the server's --data.")
    return settings.keys_path
