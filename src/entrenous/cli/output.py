"""Results on standard output, for people or as one JSON object a line; everything else on standard error."""

import dataclasses
import enum
import io
import json
import re
import sys
from typing import Any

#: Not printable by Python's rule, yet part of ordinary text: line breaks, tabs, and what joins emoji and letters.
_HARMLESS = "\n\t\u200c\u200d"

_BOUNDARY = re.compile(r"(?<!^)(?=[A-Z])")


def to_json(value: object) -> Any:  # noqa: ANN401 whatever JSON can hold
    """A value of the client's public API in JSON's types: bytes as hexadecimal, names as they are in the API."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


def kind_of(value: object) -> str:
    """``MessageArrived`` is "message-arrived"; ``RoomSummary``, which every list of rooms holds, is "room"."""
    return _BOUNDARY.sub("-", type(value).__name__).lower().removesuffix("-summary")


def json_line(kind: str, value: object) -> str:
    """One line: the kind under "type", then the value's fields. What would command a terminal stands escaped."""
    fields = to_json(value)
    body = fields if isinstance(fields, dict) else {"value": fields}
    is_narrow = not (sys.stdout.encoding or "").lower().startswith("utf")
    return "".join(map(_json_visible, json.dumps({"type": kind, **body}, ensure_ascii=is_narrow)))


def say(text: str) -> None:
    """A result, on standard output, at once."""
    print(printable(text), flush=True)


def note(text: str) -> None:
    """A banner, a hint or progress, on standard error."""
    print(printable(text), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Text from others without what would command the terminal: control characters are shown, not obeyed."""
    return "".join(char if char.isprintable() or char in _HARMLESS else _visible(char) for char in text)


def one_line(text: str) -> str:
    """The same for a name, which has no line breaks: with one, it could look like a line that somebody else wrote."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def forgive_narrow_encodings() -> None:
    """A character that the terminal's encoding does not have is printed as its number, not an error in mid-sentence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _visible(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _json_visible(char: str) -> str:
    # The control characters below 0x20 are escaped by json already; these are the rest, in JSON's own notation.
    return char if char.isprintable() or char in _HARMLESS else json.dumps(char)[1:-1]
