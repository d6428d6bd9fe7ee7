"""Vector headers: the shortest form and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.codec import MAX_LENGTH, encode_length, read_length
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
