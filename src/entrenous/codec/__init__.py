"""The TLS presentation language (RFC 8446 §3, RFC 9420 §2.1): declare a struct once, get both directions.

@struct
class Point(Struct):
    x: UInt16
    y: UInt16
    label: Opaque

Point.decode(Point(1, 2, b"here").encode())
"""

from entrenous.codec.compile import Codec, codec_for
from entrenous.codec.fields import (
    MAX_ELEMENTS,
    Bytes16,
    Bytes32,
    Bytes64,
    Fixed,
    Opaque,
    Select,
    TagEnum,
    Text,
    UInt8,
    UInt8Enum,
    UInt16,
    UInt16Enum,
    UInt32,
    UInt64,
    VarOpaque,
    VarText,
    VarVector,
    Vector,
)
from entrenous.codec.struct import Struct, decode_as, encode_as, struct
from entrenous.codec.varint import MAX_LENGTH, encode_length, read_length, read_span

__all__ = [
    "MAX_ELEMENTS",
    "MAX_LENGTH",
    "Bytes16",
    "Bytes32",
    "Bytes64",
    "Codec",
    "Fixed",
    "Opaque",
    "Select",
    "Struct",
    "TagEnum",
    "Text",
    "UInt8",
    "UInt8Enum",
    "UInt16",
    "UInt16Enum",
    "UInt32",
    "UInt64",
    "VarOpaque",
    "VarText",
    "VarVector",
    "Vector",
    "codec_for",
    "decode_as",
    "encode_as",
    "encode_length",
    "read_length",
    "read_span",
    "struct",
]
