"""What the server takes for a message: exactly what the MLS decoder reads as a PrivateMessage of the room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.codec import encode_length
from entrenous.errors import MalformedError
from entrenous.mls.types import ContentType, MLSMessage, PrivateMessage, message_header
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.entries import check_application
from entrenous.wire.limits import MAX_MESSAGE_SIZE
from server_people import private_message

ROOM = bytes(range(16))
#: Around every length at which a vector's header changes its form.
SIZES = st.sampled_from([0, 1, 11, 63, 64, 300, 16_383, 16_384])
LENGTHS = st.sampled_from(
    [b"\x00", b"\x01", b"\x3f", b"\x40\x00", b"\x40\x0b", b"\x40\x40", b"\x80\x00\x00\x0b", b"\xc0"]
)


def is_message_of(room: bytes, entry: bytes) -> bool:
    """As the decoder has it."""
    try:
        message = MLSMessage.decode(entry)
    except MalformedError:
        return False
    header = message_header(message)
    if header is None or not isinstance(message.body, PrivateMessage):
        return False
    return header.group_id == room and header.content_type is ContentType.APPLICATION


def is_taken(entry: bytes, room: bytes) -> bool:
    try:
        check_application(entry, room)
    except RefusedError:
        return False
    return True


@st.composite
def entries(draw: st.DrawFn) -> bytes:
    """Entries of any fields, of which most are then damaged a little."""
    room = draw(st.sampled_from([ROOM, ROOM, ROOM, bytes(16), b"", ROOM[:15], ROOM + b"\x00", bytes(64)]))
    content = draw(st.sampled_from([ContentType.APPLICATION, ContentType.APPLICATION, *ContentType]))
    sizes = [draw(SIZES) for _ in range(3)]
    fields = (draw(st.integers(0, (1 << 64) - 1)), content, *(bytes(size) for size in sizes))
    entry = bytearray(MLSMessage.of(PrivateMessage(room, *fields)).encode())
    # Most of what is judged stands in front; the last field's length stands behind the others.
    last = len(entry) - sizes[2] - len(encode_length(sizes[2]))
    places = st.integers(0, min(len(entry), 48)) | st.integers(max(0, last - 2), min(len(entry), last + 6))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(places)
        match draw(st.sampled_from(["set", "cut", "insert", "end", "append"])):
            case "set":
                entry[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del entry[place : place + draw(st.integers(1, 4))]
            case "insert":
                entry[place:place] = draw(LENGTHS)
            case "end":
                del entry[place:]
            case "append":
                entry += draw(st.binary(min_size=1, max_size=3))
    return bytes(entry)


@given(entries() | st.binary(max_size=80))
def test_what_is_taken_is_what_the_decoder_reads(entry: bytes) -> None:
    assert is_taken(entry, ROOM) is is_message_of(ROOM, entry)


@pytest.mark.parametrize("size", [0, 63, 64, 16_383, 16_384, MAX_MESSAGE_SIZE - 200])
def test_an_entry_is_judged_whole(size: int) -> None:
    """Each of its prefixes is refused, wherever it is cut, and so is whatever follows it."""
    entry = private_message(ROOM, bytes(size), authenticated=bytes(70))
    assert is_taken(entry, ROOM)
    assert not is_taken(entry, bytes(16))
    assert not is_taken(entry + b"\x00", ROOM)
    for end in (*range(min(130, len(entry))), len(entry) - 1):
        assert not is_taken(entry[:end], ROOM)
        # The decoder says the same, which is what keeps this list from being about nothing.
        assert not is_message_of(ROOM, entry[:end])
