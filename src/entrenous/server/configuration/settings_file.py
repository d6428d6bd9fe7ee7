"""Reading a file of settings: TOML into the names and the texts that stand in it, each with its place."""

import contextlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrenous.errors import UnavailableError, UsageError
from entrenous.server.configuration.setting_kinds import text_of

FILE_NAME = "server.toml"
#: What the limits alone stood in, before there was a file for all settings.
OLD_FILE_NAME = "limits.toml"
#: Bytes of the largest file that is read.
MAX_FILE = 1 << 20
_LIMITS = "limits"
_TABLE = re.compile(r"\s*\[\s*(\w+)\s*\]")


@dataclass(frozen=True, slots=True)
class Found:
    """A setting as somebody has written it: not parsed yet.

    Attributes:
        text: the value, as a command line would have it.
        origin: where it stands, for people.
        is_list: whether it was written as a list.
    """

    text: str
    origin: str
    is_list: bool = False


def read_settings_file(path: Path) -> dict[str, Found]:
    """What a file sets, by name; a limit's name begins with "limits.".

    Raises:
        UsageError: it is no TOML, or has something in it that is no setting's value; says in which line.
        UnavailableError: it cannot be read.
    """
    text, tables = _read(path)
    limits = tables.pop(_LIMITS, {})
    if not isinstance(limits, dict):
        raise UsageError(f"{_place(path, text, '', _LIMITS)}: limits is a table: [limits], and below it one a line")
    for name in (name for name, value in tables.items() if isinstance(value, dict)):
        raise UsageError(f"{_heading(path, text, name)}: there is no table [{name[:80]}]; the only one is [{_LIMITS}]")
    return dict(_found(path, text, "", tables)) | dict(_found(path, text, _LIMITS, limits))


def read_old_limits(path: Path) -> dict[str, Found]:
    """The same for a file that holds limits alone, without a table."""
    text, table = _read(path)
    return {f"{_LIMITS}.{name}": found for name, found in _found(path, text, "", table)}


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise UsageError(f"{path}: no more than {MAX_FILE} bytes are read of a file of settings")
        text = data.decode()
        return text, tomllib.loads(text)
    # Numbers of thousands of digits are a ValueError, as what is no TOML or no text is; many brackets a RecursionError.
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {error}") from None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}") from error


def _found(path: Path, text: str, table: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Found]]:
    for key, value in values.items():
        place = _place(path, text, table, key)
        name = f"{table}.{key}" if table else key
        yield name, Found(_text(value, f"{place}: {name}"), place, isinstance(value, list))


def _text(value: object, where: str) -> str:
    match value:
        case bool() | str() | int() | float():
            # Python writes no numbers of thousands of digits.
            with contextlib.suppress(ValueError):
                return text_of(value)
        case list() if all(isinstance(item, str) and "," not in item for item in value):
            return text_of(value)
    raise UsageError(f"{where} has a value of a kind that no setting has")


def _heading(path: Path, text: str, table: str) -> str:
    """The file and the line of a table's heading."""
    for number, line in enumerate(text.splitlines(), 1):
        if (header := _TABLE.match(line)) and header[1] == table:
            return f"{path}, line {number}"
    return str(path)


def _place(path: Path, text: str, table: str, key: str) -> str:
    """The file and the line, as far as a line can be told."""
    current, written = "", re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            current = header[1]
        elif current == table and written.match(line):
            return f"{path}, line {number}"
    return str(path)
