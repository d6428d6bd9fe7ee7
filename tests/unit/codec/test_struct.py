"""Structs, vectors, optionals and selects: one encoding per value, hostile bytes refused."""

import dataclasses
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.codec import (
    MAX_ELEMENTS,
    Bytes16,
    Opaque,
    Select,
    Struct,
    Text,
    UInt8,
    UInt8Enum,
    UInt16,
    UInt32,
    UInt64,
    VarOpaque,
    VarVector,
    Vector,
    codec_for,
    decode_as,
    encode_as,
    encode_length,
    struct,
)
from entrenous.errors import MalformedError, UsageError


class Shape(UInt8Enum):
    CIRCLE = 1
    SQUARE = 2
    NEVER = 3


@struct
class Circle(Struct):
    radius: UInt16


@struct
class Square(Struct):
    side: UInt32


@struct
class Nothing(Struct):
    pass


AnyShape = Annotated[Circle | Square, Select(Shape, {Shape.CIRCLE: Circle, Shape.SQUARE: Square})]


@struct
class Drawing(Struct):
    id: Bytes16
    kind: Shape
    title: Text
    shapes: Vector[AnyShape]
    parent: Circle | None
    short: Annotated[bytes, VarOpaque(4)]
    few: Annotated[tuple[UInt8, ...], VarVector(2)]
    size: UInt64


def drawings() -> st.SearchStrategy[Drawing]:
    circles = st.builds(Circle, st.integers(0, 65535))
    squares = st.builds(Square, st.integers(0, 2**32 - 1))
    return st.builds(
        Drawing,
        id=st.binary(min_size=16, max_size=16),
        kind=st.sampled_from(Shape),
        title=st.text(max_size=80),
        shapes=st.lists(circles | squares, max_size=30).map(tuple),
        parent=st.none() | circles,
        short=st.binary(max_size=4),
        few=st.lists(st.integers(0, 255), max_size=2).map(tuple),
        size=st.integers(0, 2**64 - 1),
    )


@given(drawings())
def test_every_value_survives_its_encoding(drawing: Drawing) -> None:
    assert Drawing.decode(drawing.encode()) == drawing


@given(st.binary(max_size=200))
def test_hostile_bytes_decode_or_raise_malformed_and_nothing_else(data: bytes) -> None:
    try:
        drawing = Drawing.decode(data)
    except MalformedError:
        return
    assert drawing.encode() == data


@given(drawings(), st.data())
def test_every_cut_is_malformed(drawing: Drawing, data: st.DataObject) -> None:
    encoded = drawing.encode()
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(MalformedError):
        Drawing.decode(encoded[:cut])


def test_fields_stand_on_the_wire_in_the_order_they_are_declared() -> None:
    value = Drawing(bytes(16), Shape.SQUARE, "é", (Circle(1), Square(2)), None, b"x", (9,), 3)
    assert (
        value.encode().hex()
        == "00" * 16 + "02" + "02c3a9" + "08" + "010001" + "0200000002" + "00" + "0178" + "0109" + "0" * 15 + "3"
    )


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(MalformedError, match="1 bytes follow"):
        Circle.decode(b"\x00\x01\x00")


def test_a_prefix_can_be_read_where_more_follows() -> None:
    assert Circle.decode_prefix(b"..\x00\x01..", 2) == (Circle(1), 4)


@pytest.mark.parametrize(
    ("annotation", "data"),
    [
        (AnyShape, b"\x00\x00\x01"),
        (AnyShape, b"\x03"),
        (Shape, b"\x09"),
        (Circle | None, b"\x02\x00\x01"),
        (Circle | None, b""),
        (Text, b"\x02\xc3\x28"),
        (Annotated[bytes, VarOpaque(4)], b"\x05abcde"),
        (Annotated[tuple[UInt8, ...], VarVector(2)], b"\x03abc"),
        (Vector[Nothing], b"\x01\x00"),
    ],
)
def test_what_no_value_encodes_to_is_malformed(annotation: object, data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_as(annotation, data)


def test_a_length_field_that_asks_for_a_gigabyte_allocates_nothing() -> None:
    with pytest.raises(MalformedError, match="only 0 left"):
        decode_as(Opaque, encode_length((1 << 30) - 1))


def test_a_vector_without_a_bound_of_its_own_has_one_all_the_same() -> None:
    most = (7,) * MAX_ELEMENTS
    assert decode_as(Vector[UInt8], encode_as(Vector[UInt8], most)) == most
    with pytest.raises(MalformedError, match="too many elements"):
        decode_as(Vector[UInt8], encode_length(MAX_ELEMENTS + 1) + bytes(MAX_ELEMENTS + 1))
    with pytest.raises(UsageError):
        encode_as(Vector[UInt8], (7,) * (MAX_ELEMENTS + 1))


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (UInt8, 256),
        (UInt8, -1),
        (Bytes16, b"short"),
        (AnyShape, Nothing()),
        (Annotated[bytes, VarOpaque(4)], b"12345"),
        (Annotated[tuple[UInt8, ...], VarVector(2)], (1, 2, 3)),
        (Vector[UInt16], (1, 1 << 16)),
        (Vector[UInt16], (-1,)),
        (Text, "\ud800"),
        (int, 1),
        (Circle | Square, Circle(1)),
    ],
)
def test_a_value_that_does_not_fit_is_our_bug(annotation: object, value: object) -> None:
    with pytest.raises(UsageError):
        encode_as(annotation, value)


@given(st.lists(st.integers(0, (1 << 16) - 1), max_size=70))
def test_a_vector_of_integers_is_their_encodings_one_after_the_other(values: list[int]) -> None:
    content = b"".join(encode_as(UInt16, value) for value in values)
    data = encode_as(Opaque, content)
    assert encode_as(Vector[UInt16], tuple(values)) == data
    assert decode_as(Vector[UInt16], data) == tuple(values)
    with pytest.raises(MalformedError, match="cut off"):
        decode_as(Vector[UInt16], encode_as(Opaque, content + b"\0"))


def test_a_struct_whose_reading_would_pass_by_a_check_is_our_bug() -> None:
    @struct
    class Checked(Struct):
        value: UInt8

        def __post_init__(self) -> None:
            raise AssertionError

    with pytest.raises(UsageError, match="__post_init__"):
        Checked.decode(b"\1")


def test_what_was_read_is_frozen_and_equal_to_what_was_built() -> None:
    read = Square.decode(Square(7).encode())
    assert read == Square(7)
    assert hash(read) == hash(Square(7))
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.side = 8  # type: ignore[misc]  # that it cannot is what the test shows


@struct
class Parcel(Struct):
    """A field of every form that a generated codec writes out, with something behind each."""

    number: UInt16
    content: Opaque
    mark: Bytes16
    last: Opaque


@pytest.mark.parametrize("size", [0, 1, 63, 64, 16383, 16384])
def test_opaque_bytes_of_any_length_stand_behind_their_header(size: int) -> None:
    content, mark = bytes(range(256)) * 64 + b"x", bytes(16)
    parcel = Parcel(0x0102, content[:size], mark, content[:size])
    opaque = encode_length(size) + content[:size]
    assert parcel.encode() == b"\x01\x02" + opaque + mark + opaque
    assert Parcel.decode(parcel.encode()) == parcel


@pytest.mark.parametrize("end", range(22))
def test_a_struct_is_not_read_beyond_the_end_that_it_was_given(end: int) -> None:
    whole = Parcel(1, b"", bytes(16), b"ab").encode()
    assert len(whole) == 22
    with pytest.raises(MalformedError):
        codec_for(Parcel).read(whole, 0, end)
    assert codec_for(Parcel).read(whole, 0, 22)[1] == 22


@pytest.mark.parametrize(
    "parcel",
    [Parcel(1 << 16, b"", bytes(16), b""), Parcel(-1, b"", bytes(16), b""), Parcel(1, b"", bytes(15), b"")],
)
def test_a_field_that_does_not_fit_is_our_bug_inside_of_a_struct_too(parcel: Parcel) -> None:
    with pytest.raises(UsageError):
        parcel.encode()


@pytest.mark.parametrize("annotation", [Shape, Annotated[Circle | Square, Select(Shape, {Shape.CIRCLE: Circle})]])
def test_a_tag_behind_the_end_is_not_read(annotation: object) -> None:
    with pytest.raises(MalformedError):
        codec_for(annotation).read(bytes([Shape.CIRCLE, 0, 0, 0, 0]), 0, 0)


@struct
class Sparse(Struct):
    """Vectors, of which most are empty."""

    shapes: Vector[Circle]
    numbers: Vector[UInt16]
    last: UInt8


@pytest.mark.parametrize("shapes", [(), (Circle(7),)])
@pytest.mark.parametrize("numbers", [(), (1,), (1, 2)])
def test_an_empty_vector_is_one_byte_wherever_it_stands(shapes: tuple[Circle, ...], numbers: tuple[int, ...]) -> None:
    sparse = Sparse(shapes, numbers, 9)
    assert sparse.encode() == encode_as(Vector[Circle], shapes) + encode_as(Vector[UInt16], numbers) + b"\x09"
    assert Sparse.decode(sparse.encode()) == sparse
    for end in range(len(sparse.encode())):
        with pytest.raises(MalformedError):
            codec_for(Sparse).read(sparse.encode(), 0, end)
