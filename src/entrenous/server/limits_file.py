"""What an operator has set of the limits: ``limits.toml`` in the data directory, and what the command line says.

connections = 500
logins_per_name = "5/600"
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from entrenous.errors import UnavailableError, UsageError
from entrenous.server.limits import Limits, parse_limit

FILE_NAME = "limits.toml"


def read_limits(data_dir: Path | None, options: Iterable[str] = ()) -> Limits:
    """The defaults, changed by the file where there is one, and then by ``options``, each NAME=VALUE.

    Raises:
        UsageError: the file or an option is no such thing, names what is no limit, or has a value out of bounds.
        UnavailableError: the file cannot be read.
    """
    chosen: dict[str, Any] = {}
    if data_dir is not None:
        chosen |= _read_file(data_dir / FILE_NAME)
    for option in options:
        name, _, text = option.partition("=")
        chosen[name.strip()] = parse_limit(name.strip(), text.strip())
    return Limits(**chosen)


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        with path.open("rb") as file:
            return {name: parse_limit(name, str(value)) for name, value in tomllib.load(file).items()}
    # Numbers of thousands of digits are a ValueError, as what is no TOML or no text is; many brackets a RecursionError.
    except (ValueError, RecursionError, UsageError) as error:
        raise UsageError(f"{path}: {error}") from None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}") from error
