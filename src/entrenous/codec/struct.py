"""Structs declared once: field order is the wire order, and both directions follow from it."""

import dataclasses
from typing import Any, Self, TypeVar, dataclass_transform, get_type_hints

from entrenous.codec.compile import Codec, codec_for
from entrenous.codec.generate import Slot, generate
from entrenous.codec.values import Value, as_value
from entrenous.errors import MalformedError, UsageError

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def struct(cls: type[T]) -> type[T]:
    """Make a ``Struct`` subclass an immutable value whose annotated fields are its wire form, in order."""
    return as_value(cls)


class Struct(Value):
    """The base of every wire type: an immutable value with exactly one encoding."""

    __slots__ = ()

    def encode(self) -> bytes:
        """The one encoding of this value.

        Raises:
            UsageError: a field's value does not fit its type.
        """
        return encode_as(type(self), self)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a value from all of ``data``.

        Raises:
            MalformedError: ``data`` is not exactly one encoding; trailing bytes are refused.
        """
        value: Self = decode_as(cls, data)
        return value

    @classmethod
    def decode_prefix(cls, data: bytes, position: int = 0) -> tuple[Self, int]:
        """Read a value at ``position``; returns it and the position after it.

        Raises:
            MalformedError: no encoding begins there.
        """
        return codec_for(cls).read(data, position, len(data))

    @classmethod
    def __codec__(cls) -> Codec:
        """Both directions of this struct; a type with an unusual form overrides this."""
        hints = get_type_hints(cls, include_extras=True)
        if hasattr(cls, "__post_init__"):
            raise UsageError(f"{cls.__name__} has a __post_init__, which reading passes by")
        names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]  # @struct made it one
        # What stands in a frozen value's slots is put there directly: its __init__ would take as long as the reading.
        slots = [Slot(name, hints[name], codec_for(hints[name]), getattr(cls, name).__set__) for name in names]
        return generate(cls, slots)


def encode_as(annotation: object, value: object) -> bytes:
    """Encode ``value`` as the wire type ``annotation``, e.g. ``encode_as(Vector[Extension], extensions)``."""
    out = bytearray()
    codec_for(annotation).write(value, out)
    return bytes(out)


def decode_as(annotation: object, data: bytes) -> Any:  # noqa: ANN401 what the annotation says
    """Read a value of the wire type ``annotation`` from all of ``data``; trailing bytes are refused.

    Raises:
        MalformedError: ``data`` is not exactly one encoding.
    """
    value, position = codec_for(annotation).read(data, 0, len(data))
    if position != len(data):
        raise MalformedError(f"{len(data) - position} bytes follow the end")
    return value
