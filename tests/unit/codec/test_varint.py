"""Vector headers: the shortest form and nothing else."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.codec import MAX_LENGTH, encode_length, read_length, read_span
from entrenous.errors import MalformedError, UsageError


@given(st.integers(0, MAX_LENGTH))
def test_every_length_survives(length: int) -> None:
    header = encode_length(length)
    assert read_length(header, 0, len(header)) == (length, len(header))


@pytest.mark.parametrize(
    "header", ["", "4000", "403f", "80000000", "80003fff", "c0", "ffffffffffffffff", "40", "800001"]
)
def test_long_forms_cut_forms_and_the_forbidden_prefix_are_malformed(header: str) -> None:
    data = bytes.fromhex(header)
    with pytest.raises(MalformedError):
        read_length(data, 0, len(data))


@pytest.mark.parametrize("length", [-1, MAX_LENGTH + 1])
def test_a_length_that_no_header_holds_is_our_bug(length: int) -> None:
    with pytest.raises(UsageError):
        encode_length(length)


def outcome(read: Callable[[bytes, int, int], tuple[int, int]], data: bytes, end: int) -> tuple[int, int] | str:
    try:
        return read(data, 1, end)
    except MalformedError as refusal:
        return str(refusal)


def span_by_length(data: bytes, position: int, end: int) -> tuple[int, int]:
    length, start = read_length(data, position, end)
    if start + length > end:
        raise MalformedError(f"a vector of {length} bytes has only {end - start} left")
    return start, start + length


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 64, 65, 70, 300, 1 << 14, 1 << 15])
def test_a_span_is_what_its_header_announces_whichever_way_it_is_read(size: int) -> None:
    for first in range(256):
        for second in (0, 1, 0x3F, 0x40, 0x41, 0xFF):
            data = (bytes((0x55, first, second)) + bytes(size))[: 1 + size]
            assert outcome(read_span, data, 1 + size) == outcome(span_by_length, data, 1 + size)
