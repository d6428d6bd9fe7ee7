"""Contents: known kinds, unknown kinds kept for later, limits, and keys that do not print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.content import (
    MAX_BODY_SIZE,
    MAX_TEXT_SIZE,
    MESSAGE_ID_SIZE,
    Content,
    Kind,
    RoomAccessKey,
    Text,
    Unknown,
    kind_of,
)
from entrenous.errors import MalformedError, UsageError
from entrenous.wire.limits import MAX_MESSAGE_SIZE
from entrenous.wire.limits import MESSAGE_ID_SIZE as OUTER_ID_SIZE

ID = bytes(range(MESSAGE_ID_SIZE))

bodies = (
    st.builds(Text, st.text(max_size=200))
    | st.builds(RoomAccessKey, st.integers(0, 2**32 - 1), st.binary(min_size=32, max_size=32))
    | st.builds(Unknown, st.integers(0, 0xFFFF).filter(lambda kind: kind not in set(Kind)), st.binary(max_size=200))
)
contents = st.builds(
    Content, st.binary(min_size=MESSAGE_ID_SIZE, max_size=MESSAGE_ID_SIZE), st.integers(0, 2**64 - 1), bodies
)


@given(contents)
def test_every_content_survives_its_encoding(content: Content) -> None:
    assert Content.decode(content.encode()) == content


@given(st.binary(max_size=120) | contents.map(lambda content: content.encode()[:-1]))
def test_hostile_bytes_decode_or_raise_malformed_and_nothing_else(data: bytes) -> None:
    try:
        content = Content.decode(data)
    except MalformedError:
        return
    assert content.encode() == data


def test_a_content_stands_as_id_time_kind_and_body() -> None:
    content = Content(ID, 1_700_000_000_000, Text("hé"))
    assert content.encode().hex() == ID.hex() + "0000018bcfe56800" + "0001" + "04" + "03" + "68c3a9"


def test_a_kind_of_a_later_version_keeps_its_bytes() -> None:
    later = Content(ID, 5, Unknown(0x1234, b"edited"))
    assert Content.decode(later.encode()) == later
    assert kind_of(later.body) == 0x1234
    assert (kind_of(Text("")), kind_of(RoomAccessKey(1, bytes(32)))) == (Kind.TEXT, Kind.ROOM_ACCESS_KEY)


def test_a_known_kind_has_one_form() -> None:
    with pytest.raises(UsageError, match="second form"):
        Content(ID, 5, Unknown(Kind.TEXT, b"\x00")).encode()


@pytest.mark.parametrize(
    "body",
    [
        "0001" + "00",  # a text without its length
        "0001" + "03" + "01" + "6161",  # bytes after the text
        "0001" + "02" + "01" + "ff",  # not UTF-8
        "0002" + "03" + "000000",  # a cut key
    ],
)
def test_a_known_kind_with_a_wrong_body_is_malformed(body: str) -> None:
    with pytest.raises(MalformedError):
        Content.decode(ID + bytes(8) + bytes.fromhex(body))


def test_sizes_are_limited_and_the_largest_content_fits_an_entry() -> None:
    largest = Content(ID, 5, Unknown(9, bytes(MAX_BODY_SIZE)))
    assert len(largest.encode()) < MAX_MESSAGE_SIZE // 2 + 100
    for body in (Unknown(9, bytes(MAX_BODY_SIZE + 1)), Text("x" * (MAX_TEXT_SIZE + 1))):
        with pytest.raises(UsageError):
            Content(ID, 5, body).encode()
    too_long = largest.encode().replace(b"\x80\x01\x00\x00", b"\x80\x01\x00\x01") + b"\x00"
    with pytest.raises(MalformedError, match="at most 65536"):
        Content.decode(too_long)


def test_the_id_inside_is_as_long_as_the_one_outside() -> None:
    assert MESSAGE_ID_SIZE == OUTER_ID_SIZE


def test_a_room_access_key_does_not_print() -> None:
    content = Content(ID, 5, RoomAccessKey(3, b"K" * 32))
    assert "generation=3" in repr(content)
    assert "KKK" not in repr(content)
