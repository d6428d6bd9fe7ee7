"""Structs as values: made once, compared, hashed, shown and copied by their fields."""

import copy
import dataclasses
import inspect

import pytest

from entrenous.codec import Opaque, Struct, UInt8, UInt16, struct
from entrenous.errors import UsageError


@struct
class Point(Struct):
    """Two numbers and a name."""

    x: UInt8
    y: UInt16 = 7
    name: Opaque = b""


@struct
class Place(Struct):
    """The same fields, and another type."""

    x: UInt8
    y: UInt16 = 7
    name: Opaque = b""


@struct
class Nothing(Struct):
    """No field at all."""


@struct
class Hidden(Struct):
    """It has its own opinion of how it looks, and of what is the same."""

    key: Opaque

    def __repr__(self) -> str:
        return "Hidden"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and len(other.key) == len(self.key)


def test_a_struct_is_made_by_place_by_name_and_with_its_defaults() -> None:
    assert Point(1) == Point(1, 7, b"") == Point(x=1, y=7) == Point(1, name=b"")
    assert (Point(1).x, Point(1).y, Point(2, 3, b"a").name) == (1, 7, b"a")
    assert list(inspect.signature(Point).parameters) == ["x", "y", "name"]
    for wrong in ((), (1, 2, b"", 4)):
        with pytest.raises(TypeError):
            Point(*wrong)


def test_structs_are_equal_where_type_and_fields_are_and_then_hash_the_same() -> None:
    others: list[object] = [Point(2), Place(1), (1, 7, b"")]
    assert Point(1) not in others
    assert {Point(1), Point(1, 7), Point(2)} == {Point(1), Point(2)}
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1


def test_no_field_of_a_struct_is_set_or_deleted_and_no_other_is_added() -> None:
    point = Point(1)
    for name in ("x", "other"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(point, name, 2)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(point, name)
    assert point == Point(1)
    assert not hasattr(point, "__dict__")


def test_a_struct_is_shown_replaced_matched_and_copied_as_dataclasses_are() -> None:
    point = Point(1, 2, b"a")
    assert repr(point) == "Point(x=1, y=2, name=b'a')"
    assert repr(Nothing()) == "Nothing()"
    assert dataclasses.replace(point, y=3) == Point(1, 3, b"a")
    match point:
        case Point(x, y, name):
            assert (x, y, name) == (1, 2, b"a")
    assert copy.copy(point) == copy.deepcopy(point) == point


def test_what_a_struct_says_of_itself_stands() -> None:
    assert repr(Hidden(b"key")) == "Hidden"
    assert Hidden(b"one") == Hidden(b"two") != Hidden(b"three")
    assert hash(Hidden(b"one")) != hash(Hidden(b"two"))


def test_a_field_that_is_more_than_name_type_and_default_is_refused() -> None:
    with pytest.raises(UsageError):

        @struct
        class Made(Struct):
            names: Opaque = dataclasses.field(default_factory=bytes)

    with pytest.raises(UsageError):

        @struct
        class Left(Struct):
            number: UInt8 = dataclasses.field(default=1, init=False)
