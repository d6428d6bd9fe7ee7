"""Turn annotations into pairs of functions that write and read, once per type.

A reader takes ``(data, position, end)`` and returns ``(value, next position)``; a writer appends to a bytearray.
"""

import types
from collections.abc import Callable
from struct import unpack
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from entrenous.codec.fields import Fixed, Select, TagEnum, UInt, VarOpaque, VarText, VarVector
from entrenous.codec.varint import encode_length, read_span
from entrenous.errors import MalformedError, UsageError

Write = Callable[[Any, bytearray], None]
Read = Callable[[bytes, int, int], tuple[Any, int]]


class Codec(NamedTuple):
    """Both directions of one type."""

    write: Write
    read: Read


_compiled: dict[Any, Codec] = {}


def codec_for(annotation: object) -> Codec:
    """The codec of a field's annotation or of a struct class.

    Raises:
        UsageError: the annotation has no meaning on the wire.
    """
    found = _compiled.get(annotation)
    if found is None:
        found = _compiled[annotation] = _build(annotation)
    return found


def _build(annotation: object) -> Codec:
    own: Callable[[], Codec] | None = getattr(annotation, "__codec__", None)
    if own is not None:
        return own()
    if isinstance(annotation, type) and issubclass(annotation, TagEnum):
        return _enum(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, marker = get_args(annotation)[:2]
        return _marked(inner, marker)
    if origin in (Union, types.UnionType):
        return _optional(annotation)
    raise UsageError(f"{annotation!r} is not a wire type")


def _marked(inner: object, marker: object) -> Codec:
    match marker:
        case UInt(size):
            return _uint(size)
        case Fixed(size):
            return _fixed(size)
        case VarOpaque(maximum):
            return _opaque(maximum)
        case VarText(maximum):
            return _text(maximum)
        case VarVector(maximum):
            return _vector(get_args(inner)[0], maximum)
        case Select():
            return _select(marker)
    raise UsageError(f"{marker!r} is not a wire type")


def _uint(size: int) -> Codec:
    limit = 1 << (8 * size)

    def write(value: int, out: bytearray) -> None:
        if not 0 <= value < limit:
            raise UsageError(f"{value} does not fit in {size} bytes")
        out += value.to_bytes(size, "big")

    def read(data: bytes, position: int, end: int) -> tuple[int, int]:
        after = position + size
        if after > end:
            raise MalformedError("an integer is cut off")
        return int.from_bytes(data[position:after], "big"), after

    return Codec(write, read)


def _enum(enumeration: type[TagEnum]) -> Codec:
    size = enumeration.size()
    write, read_number = _uint(size)
    members = {int(member).to_bytes(size, "big"): member for member in enumeration}

    def read(data: bytes, position: int, end: int) -> tuple[TagEnum, int]:
        after = position + size
        member = members.get(data[position:after])
        if member is None or after > end:
            number, after = read_number(data, position, end)
            raise MalformedError(f"{number} is not a {enumeration.__name__}")
        return member, after

    return Codec(write, read)


def _fixed(size: int) -> Codec:
    def write(value: bytes, out: bytearray) -> None:
        if len(value) != size:
            raise UsageError(f"{len(value)} bytes where {size} belong")
        out += value

    def read(data: bytes, position: int, end: int) -> tuple[bytes, int]:
        after = position + size
        if after > end:
            raise MalformedError(f"{size} bytes are cut off")
        return data[position:after], after

    return Codec(write, read)


def _opaque(maximum: int | None) -> Codec:
    def write(value: bytes, out: bytearray) -> None:
        if maximum is not None and len(value) > maximum:
            raise UsageError(f"{len(value)} bytes where at most {maximum} belong")
        out += encode_length(len(value))
        out += value

    def read(data: bytes, position: int, end: int) -> tuple[bytes, int]:
        start, stop = read_span(data, position, end)
        if maximum is not None and stop - start > maximum:
            raise MalformedError(f"{stop - start} bytes where at most {maximum} belong")
        return data[start:stop], stop

    return Codec(write, read)


def _text(maximum: int | None) -> Codec:
    write_bytes, read_bytes = _opaque(maximum)

    def write(value: str, out: bytearray) -> None:
        try:
            write_bytes(value.encode(), out)
        except UnicodeEncodeError:
            raise UsageError("text with a lone surrogate has no UTF-8 form") from None

    def read(data: bytes, position: int, end: int) -> tuple[str, int]:
        value, after = read_bytes(data, position, end)
        try:
            return value.decode(), after
        except UnicodeDecodeError:
            raise MalformedError("text is not UTF-8") from None

    return Codec(write, read)


def _vector(element: object, maximum: int) -> Codec:
    integer = next((each for each in get_args(element)[1:] if isinstance(each, UInt)), None)
    if integer is not None:
        return _integers(integer.size, maximum)
    write_element, read_element = codec_for(element)

    def write(values: tuple[Any, ...], out: bytearray) -> None:
        if len(values) > maximum:
            raise UsageError(f"{len(values)} elements where at most {maximum} belong")
        body = bytearray()
        for value in values:
            write_element(value, body)
        out += encode_length(len(body))
        out += body

    def read(data: bytes, position: int, end: int) -> tuple[tuple[Any, ...], int]:
        position, stop = read_span(data, position, end)
        values: list[Any] = []
        while position < stop:
            value, after = read_element(data, position, stop)
            # An element of no bytes would be read for ever; none of our types has one.
            if after == position or len(values) >= maximum:
                raise MalformedError("a vector has too many elements")
            values.append(value)
            position = after
        return tuple(values), stop

    return Codec(write, read)


#: Python's ``struct`` codes of the unsigned integers by their bytes.
_FORMS = {1: "B", 2: "H", 4: "I", 8: "Q"}


def _integers(size: int, maximum: int) -> Codec:
    """A vector of unsigned integers, in one piece."""
    limit, form = 1 << (8 * size), _FORMS[size]

    def write(values: tuple[int, ...], out: bytearray) -> None:
        if len(values) > maximum:
            raise UsageError(f"{len(values)} elements where at most {maximum} belong")
        out += encode_length(size * len(values))
        for value in values:
            if not 0 <= value < limit:
                raise UsageError(f"{value} does not fit in {size} bytes")
            out += value.to_bytes(size, "big")

    def read(data: bytes, position: int, end: int) -> tuple[tuple[int, ...], int]:
        start, stop = read_span(data, position, end)
        if (stop - start) % size:
            raise MalformedError("an integer is cut off")
        if stop - start > size * maximum:
            raise MalformedError("a vector has too many elements")
        return unpack(f">{(stop - start) // size}{form}", data[start:stop]), stop

    return Codec(write, read)


def _optional(annotation: object) -> Codec:
    present = [part for part in get_args(annotation) if part is not types.NoneType]
    if len(present) != 1:
        raise UsageError(f"{annotation!r} needs a Select: only `T | None` stands alone")
    write_value, read_value = codec_for(present[0])

    def write(value: object, out: bytearray) -> None:
        out.append(value is not None)
        if value is not None:
            write_value(value, out)

    def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
        if position >= end or data[position] > 1:
            raise MalformedError("a presence byte is missing or neither 0 nor 1")
        return read_value(data, position + 1, end) if data[position] else (None, position + 1)

    return Codec(write, read)


def _select(select: Select) -> Codec:
    read_tag = _enum(select.tag).read
    size = select.tag.size()
    cases = [(int(tag).to_bytes(size, "big"), cls, codec_for(cls)) for tag, cls in select.cases.items()]
    writers = {cls: (tag, codec.write) for tag, cls, codec in cases}
    readers = {tag: codec.read for tag, _, codec in cases}

    def write(value: object, out: bytearray) -> None:
        case = writers.get(type(value))
        if case is None:
            raise UsageError(f"{type(value).__name__} is not a case of {select.tag.__name__}")
        out += case[0]
        case[1](value, out)

    def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
        after = position + size
        read_case = readers.get(data[position:after])
        if read_case is None or after > end:
            tag, _ = read_tag(data, position, end)
            raise MalformedError(f"{tag!r} has no form here")
        return read_case(data, after, end)

    return Codec(write, read)
