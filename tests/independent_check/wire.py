"""docs/spec/channel.md, "Calls, answers and events": MessagePack, judged by the tables of the pages."""

import re
import struct
from typing import Any

from independent_check.forms import Fields, MalformedError, Reader
from independent_check.pages import FieldTypes, bodies, codes, shapes, types


class Other:
    """A value of a type that no field has: a float, a map, an extension."""


#: What each first byte from c4 on is: the bytes of its size or number.
_BYTES, _TEXTS, _ARRAYS = {0xC4: 1, 0xC5: 2, 0xC6: 4}, {0xD9: 1, 0xDA: 2, 0xDB: 4}, {0xDC: 2, 0xDD: 4}
_UNSIGNED, _SIGNED, _FLOATS = (
    {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8},
    {0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8},
    {0xCA: 4, 0xCB: 8},
)
_MAPS, _CONSTANTS = {0xDE: 2, 0xDF: 4}, {0xC0: None, 0xC2: False, 0xC3: True}


def unpack(data: bytes) -> Any:
    reader = Reader(data)
    value = _value(reader)
    reader.end()
    return value


def _value(reader: Reader) -> Any:
    first = reader.uint(1)
    if first < 0x80 or first >= 0xE0:
        return first if first < 0x80 else first - 256
    if first < 0x90:
        return _map(reader, first & 15)
    if first < 0xA0:
        return _array(reader, first & 15)
    if first < 0xC0:
        return _text(reader, first & 31)
    if first in _CONSTANTS:
        return _CONSTANTS[first]
    return _sized(reader, first)


def _sized(reader: Reader, first: int) -> Any:
    if first in _UNSIGNED:
        return reader.uint(_UNSIGNED[first])
    if first in _SIGNED:
        return int.from_bytes(reader.take(_SIGNED[first]), "big", signed=True)
    if first in _FLOATS:
        struct.unpack(">f" if first == 0xCA else ">d", reader.take(_FLOATS[first]))
        return Other()
    for kinds, read in ((_BYTES, Reader.take), (_TEXTS, _text), (_ARRAYS, _array), (_MAPS, _map)):
        if first in kinds:
            return read(reader, reader.uint(kinds[first]))
    raise MalformedError  # an extension, or c1


def _text(reader: Reader, size: int) -> str:
    try:
        return reader.take(size).decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError from None


def _array(reader: Reader, size: int) -> list[Any]:
    if size > len(reader.data) - reader.position:
        raise MalformedError
    return [_value(reader) for _ in range(size)]


def _map(reader: Reader, size: int) -> Other:
    _array(reader, 2 * size)
    return Other()


def call(given: Fields) -> dict[str, Any]:
    number, body = _pair(given, 1)
    return {"number": number, **_body(body, "request")}


def from_server(given: Fields) -> dict[str, Any]:
    number, body = _pair(given, 0)
    return {"number": number, **_body(body, "reply" if number else "event")}


def _pair(given: Fields, least: int) -> tuple[int, Any]:
    match unpack(given.hex("message")):
        case [int(number), body] if not isinstance(number, bool) and least <= number < 1 << 32:
            return number, body
    raise MalformedError


def _body(body: Any, heading: str) -> dict[str, Any]:
    match body:
        case [int(number), *values] if not isinstance(number, bool) and number in bodies(heading):
            name, fields = bodies(heading)[number]
            return {"name": name, "fields": _fields(values, fields)}
    raise MalformedError


def _fields(values: list[Any], fields: FieldTypes) -> list[Any]:
    """Elements after the known ones are ignored; the absence of a last one that may be null is null."""
    if len(values) == len(fields) - 1 and fields[-1][1].endswith(" or null"):
        values = [*values, None]
    if len(values) < len(fields):
        raise MalformedError
    return [_field(value, kind) for value, (_, kind) in zip(values, fields, strict=False)]


def _field(value: Any, kind: str) -> Any:
    """The value as the vectors show it, if it is of this type."""
    if kind.endswith(" or null"):
        return None if value is None else _field(value, kind.removesuffix(" or null"))
    if kind.startswith("list of "):
        _, most, kind = re.split(r"list of (?:at most (\d+) )?", kind)
        if not isinstance(value, list) or (most and len(value) > int(most)):
            raise MalformedError
        return [_field(each, kind) for each in value]
    if kind in shapes():
        if not isinstance(value, list):
            raise MalformedError
        return _fields(value, shapes()[kind])
    if kind == "ErrorCode":
        if value not in codes():
            raise MalformedError
        return value
    return _plain(value, types().get(kind, kind))


def _plain(value: Any, what: str) -> Any:
    """A value of a type in words: "16 bytes", "at most 65,536 bytes", "1 to 500", "text of 1 to 64 characters"."""
    numbers = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", what)]
    size, shown = _measured(value, what)
    least = 0 if not numbers or "at most" in what else numbers[0]
    if size < least or (numbers and size > numbers[-1]):
        raise MalformedError
    return shown


def _measured(value: Any, what: str) -> tuple[int, Any]:
    """What the bounds are about, and the value as it is shown."""
    if what.endswith("bytes") and isinstance(value, bytes):
        return len(value), value.hex()
    if what.startswith(("text", "any text")) and isinstance(value, str):
        return len(value), value
    if what == "true or false" and isinstance(value, bool):
        return 0, value
    if re.fullmatch(r"[\d,]+ to [\d,]+", what) and isinstance(value, int) and not isinstance(value, bool):
        return value, value
    raise MalformedError
