"""Padding: sizes fall into few buckets, and none costs much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.content import padded_size
from entrenous.errors import UsageError


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        (0, 256),
        (1, 256),
        (256, 256),
        (257, 512),
        (512, 512),
        (513, 1024),
        (4096, 4096),
        (4097, 4352),
        (65_536, 65_536),
        (65_537, 67_584),
        (1_200_000, 1_212_416),
    ],
)
def test_a_size_is_padded_to_its_bucket(size: int, bucket: int) -> None:
    assert padded_size(size) == bucket


@given(st.integers(0, 1 << 24))
def test_a_bucket_is_its_own_bucket_and_never_smaller_than_what_it_holds(size: int) -> None:
    bucket = padded_size(size)
    assert bucket >= size
    assert padded_size(bucket) == bucket
    assert bucket == 256 or bucket < 2 * size
    if size > 4096:
        assert bucket - size <= size / 16


@given(st.integers(0, 1 << 24), st.integers(0, 1 << 24))
def test_more_is_never_padded_to_less(one: int, other: int) -> None:
    assert (padded_size(min(one, other))) <= padded_size(max(one, other))


def test_most_messages_cannot_be_told_apart_and_long_ones_hardly() -> None:
    assert len({padded_size(size) for size in range(4097)}) == 5
    assert len({padded_size(size) for size in range(4097, 65_537)}) == 64


def test_a_negative_size_is_our_bug() -> None:
    with pytest.raises(UsageError):
        padded_size(-1)
