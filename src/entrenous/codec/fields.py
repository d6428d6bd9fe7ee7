"""The field types of the presentation language (RFC 8446 §3, RFC 9420 §2.1), as annotations.

A field's annotation says how it stands on the wire: ``UInt16``, ``Opaque``, ``Vector[Extension]``,
``LeafNode | None`` (an ``optional<LeafNode>``), or ``Annotated[A | B, Select(Tag, {Tag.a: A, Tag.b: B})]`` for a tag
followed by the struct it selects.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

T = TypeVar("T")

#: Elements of a vector whose type does not say less. Far above anything real; an element costs its reader a thousand
#: times what it costs a hostile writer, who could fit a million of them into one message.
MAX_ELEMENTS = 1 << 16


@dataclass(frozen=True, slots=True)
class UInt:
    """A big-endian unsigned integer of ``size`` bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """An ``opaque name[size]``: exactly ``size`` bytes, no header."""

    size: int


@dataclass(frozen=True, slots=True)
class VarOpaque:
    """An ``opaque name<V>``, refused beyond ``maximum`` bytes."""

    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class VarText:
    """UTF-8 text in an ``opaque name<V>``, refused beyond ``maximum`` bytes."""

    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class VarVector:
    """A ``T name<V>``, refused beyond ``maximum`` elements."""

    maximum: int = MAX_ELEMENTS


@dataclass(frozen=True, slots=True)
class Select:
    """A tag, then the struct that the tag selects. The value's class is the tag."""

    tag: type["TagEnum"]
    cases: Mapping["TagEnum", type]

    def __hash__(self) -> int:
        return id(self)


class TagEnum(enum.IntEnum):
    """A closed enumeration on the wire; an unlisted number is malformed. Two bytes unless a subclass says otherwise."""

    @classmethod
    def size(cls) -> int:
        """Bytes on the wire."""
        return 2


class UInt8Enum(TagEnum):
    """A closed enumeration of one byte."""

    @classmethod
    def size(cls) -> int:
        """Bytes on the wire."""
        return 1


class UInt16Enum(TagEnum):
    """A closed enumeration of two bytes."""


UInt8 = Annotated[int, UInt(1)]
UInt16 = Annotated[int, UInt(2)]
UInt32 = Annotated[int, UInt(4)]
UInt64 = Annotated[int, UInt(8)]
Opaque = Annotated[bytes, VarOpaque()]
Text = Annotated[str, VarText()]
Bytes16 = Annotated[bytes, Fixed(16)]
Bytes32 = Annotated[bytes, Fixed(32)]
Bytes64 = Annotated[bytes, Fixed(64)]
Vector = Annotated[tuple[T, ...], VarVector()]
