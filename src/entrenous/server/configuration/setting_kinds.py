"""The kinds of values that an operator writes: each is read from text, checked, and written as it would be read.

Text is what the environment and the command line have. A file's value is turned into the same text first, so that a
setting is read in one way wherever it stands.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import isfinite
from pathlib import Path
from typing import Any

from entrenous.channel import SUITES, suite_by_label
from entrenous.errors import EntrenousError
from entrenous.identity import parse_address

Network = IPv4Network | IPv6Network
#: What TOML can say of a setting, and JSON too.
Plain = str | int | float | bool | list[str]

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value.

    Attributes:
        says: what such a value is, with its bounds, as the end of "port is ...".
        parse: reads text; a ValueError or an error of ours means that it is none.
        plain: the value as a file would have it.
        allows: whether a value is within its bounds.
        is_list: whether a file has it as a list, and a text with commas.
    """

    says: str
    parse: Callable[[str], Any]
    plain: Callable[[Any], Plain] = str
    allows: Callable[[Any], bool] = lambda _value: True
    is_list: bool = False

    def read(self, text: str, *, is_list: bool = False) -> Any:  # noqa: ANN401 the type is the setting's
        """The value that a text stands for; ``is_list`` says that it was written as a list.

        Raises:
            ValueError: it is none of this kind, or out of bounds.
        """
        if is_list and not self.is_list:
            raise ValueError("a list")
        try:
            value = self.parse(text)
        except EntrenousError as error:
            raise ValueError(str(error)) from None
        if not self.allows(value):
            raise ValueError(f"{text!r} is out of bounds")
        return value


def number(least: int, most: int, unit: str) -> Kind:
    """A whole number within bounds, both included."""
    return Kind(f"{unit}, {least} to {most}", int, int, lambda value: least <= value <= most)


def seconds(least: float, most: float) -> Kind:
    """A time within bounds, both included."""
    return Kind(
        f"seconds, {least:g} to {most:g}", float, float, lambda value: isfinite(value) and least <= value <= most
    )


def choice(*words: str) -> Kind:
    """One of several words."""
    return Kind(f"one of {', '.join(words)}", str, str, lambda value: value in words)


def text_of(value: Plain) -> str:
    """A plain value as the environment or a command line would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)


def hide_secrets(url: str) -> str:
    """A URL without what nobody is to read over somebody's shoulder: who logs in with what, and all parameters."""
    return re.sub(r"[?#].*", "?***", re.sub(r"//.*@", "//***@", url, flags=re.DOTALL), flags=re.DOTALL)


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in (*_YES, *_NO):
        raise ValueError(text)
    return word in _YES


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(item) for item in _items(text))


def _suites(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(suite_by_label(item).number for item in _items(text)))


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # of somebody who is not there
        raise ValueError(text) from None


def _address(text: str) -> str:
    parse_address(text)
    return text


FLAG = Kind("true or false", _flag, bool)
PORT = number(0, 65_535, "a port")
HOST = Kind("an address of this machine", str, str, lambda value: value.isprintable() and " " not in value)
ADDRESS = Kind("HOST:PORT", _address)
PATH = Kind("a path", _path, str, lambda value: "\0" not in str(value))
URL = Kind("a URL such as scheme://host", str, str, lambda value: bool(re.match(r"[a-z][a-z0-9+.-]*://.", value)))
NETWORKS = Kind(
    "a list of addresses and networks such as 10.0.0.0/8",
    _networks,
    lambda value: [str(each) for each in value],
    is_list=True,
)
SUITES_OFFERED = Kind(
    f"some of {', '.join(suite.label for suite in SUITES.values())}",
    _suites,
    lambda value: [SUITES[each].label for each in value],
    lambda value: bool(value) and set(value) <= set(SUITES),
    is_list=True,
)
