"""A server's data directory: where it is, and the address that its links carry, remembered between commands."""

from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from entrenous.errors import UnavailableError

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The server's data directory: database, keys.", show_default="your data directory"),
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

_ADDRESS_FILE = "public-address"


def data_directory(option: Path | None) -> Path:
    """The directory, made (0700) if it is not there.

    Raises:
        UnavailableError: it cannot be made.
    """
    path = option or platformdirs.user_data_path("entrenous-server", appauthor=False)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"the data directory {path} cannot be made: {error.strerror}") from error
    return path


def public_address(directory: Path, option: str | None) -> str | None:
    """The address for links: the option, which is then remembered, or what was remembered; None if neither.

    Raises:
        MalformedError: the option is not HOST:PORT.
    """
    from entrenous.identity import parse_address

    file = directory / _ADDRESS_FILE
    if option is not None:
        parse_address(option)
        file.write_text(option + "\n")
        return option
    return file.read_text().strip() if file.exists() else None
