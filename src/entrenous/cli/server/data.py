"""A server's data directory: where it is, and the address that its links carry, remembered between commands."""

import os
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from entrenous.errors import UnavailableError

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="PATH",
        help="The server's data directory: database, keys.",
        show_default="your data directory",
    ),
]
PublicOption = Annotated[
    str | None,
    typer.Option("--public", metavar="HOST:PORT", help="The address that invite links carry; remembered."),
]

LimitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=VALUE",
        help="Set one of the limits, e.g. connections=500 or logins_per_name=5/600; may be repeated. "
        "`entrenous server limits` lists them.",
        show_default=False,
    ),
]

#: What --public said last, what links carried while the server last listened, and which file it had its settings from.
_PUBLIC_FILE, _LINKS_FILE, _SETTINGS_FILE = "public-address", "link-address", "settings-file"


def data_directory(option: Path | None) -> Path:
    """The directory, made (0700) if it is not there.

    Raises:
        UnavailableError: it cannot be made or used.
    """
    path = option or default_data_path()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise UnavailableError(f"{path} is not a directory", remedy="Choose another --data.") from None
    except OSError as error:
        raise UnavailableError(
            f"the data directory {path} cannot be made: {error.strerror}", remedy="Choose another --data."
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UnavailableError(
            f"the data directory {path} cannot be written", remedy="Change its permissions, or choose another --data."
        )
    return path


def default_data_path() -> Path:
    """Where the directory is if nobody says where, whether it is there or not.

    Raises:
        UnavailableError: who runs this has no home, as many a service's user.
    """
    try:
        return platformdirs.user_data_path("entrenous-server", appauthor=False)
    except RuntimeError:
        raise UnavailableError("you have no home directory for the server's data", remedy="Name one: --data.") from None


def public_address(directory: Path, option: str | None) -> str | None:
    """The address for links: the option, which is then remembered, or what was remembered; None if neither.

    Raises:
        MalformedError: the option is not HOST:PORT.
        UnavailableError: it cannot be remembered.
    """
    from entrenous.identity import parse_address

    if option is not None:
        parse_address(option)
        _remember(directory / _PUBLIC_FILE, option)
        return option
    return _remembered(directory / _PUBLIC_FILE)


def link_address(directory: Path, option: str | None) -> str | None:
    """The same for a command beside the server, which listens where this command cannot know: as it did last.

    Raises:
        MalformedError, UnavailableError: see ``public_address``.
    """
    return public_address(directory, option) or _remembered(directory / _LINKS_FILE)


def local_address(host: str | None, port: int) -> str | None:
    """What links carry where the server listens at one address only: that one. None where it is at every one."""
    from entrenous.server.configuration.hosts import is_everywhere

    if is_everywhere(host) or port == 0:
        return None
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def has_listened(directory: Path) -> bool:
    """Whether a server has ever listened with this directory, and so printed its first link."""
    return (directory / _LINKS_FILE).exists()


def remember_link_address(directory: Path, address: str) -> None:
    """Note what links carry while the server listens.

    Raises:
        UnavailableError: it cannot be written.
    """
    if _remembered(directory / _LINKS_FILE) != address:
        _remember(directory / _LINKS_FILE, address)


def former_settings_file(directory: Path) -> Path | None:
    """The file of settings that the server of this directory was last started with, if one was named to it.

    Raises:
        UnavailableError: it cannot be told.
    """
    # Who may not look into the directory hears of that from what he does there.
    told = _remembered(directory / _SETTINGS_FILE) if os.access(directory, os.X_OK) else None
    return None if told is None else Path(told)


def remember_settings_file(directory: Path, file: Path | None) -> None:
    """Note it at the start, for the commands beside the server.

    Raises:
        UnavailableError: it cannot be written.
    """
    told = "" if file is None else str(file.absolute())
    if (_remembered(directory / _SETTINGS_FILE) or "") != told:
        _remember(directory / _SETTINGS_FILE, told)


def _remember(file: Path, words: str) -> None:
    from entrenous.whole_files import write_private

    try:
        write_private(file, f"{words}\n".encode(), is_servers=True)
    except OSError as error:
        raise UnavailableError(f"{file} cannot be written: {error.strerror}") from error


def _remembered(file: Path) -> str | None:
    try:
        return file.read_text().strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(
            f"{file} cannot be read: {error}", remedy="Delete it, or give --public or --config again."
        ) from error
