"""Results on standard output, for people or as one JSON object a line; everything else on standard error."""

import dataclasses
import enum
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
    """``MessageArrived`` is "message-arrived"."""
    return _BOUNDARY.sub("-", type(value).__name__).lower()


def json_line(kind: str, value: object) -> str:
    """One line: the kind under "type", then the value's fields."""
    fields = to_json(value)
    body = fields if isinstance(fields, dict) else {"value": fields}
    return json.dumps({"type": kind, **body}, ensure_ascii=False)


def say(text: str) -> None:
    """A result, on standard output, at once."""
    print(printable(text), flush=True)


def note(text: str) -> None:
    """A banner, a hint or progress, on standard error."""
    print(printable(text), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Text from others without what would command the terminal: control characters are shown, not obeyed."""
    return "".join(char if char.isprintable() or char in _HARMLESS else f"\\x{ord(char):02x}" for char in text)
