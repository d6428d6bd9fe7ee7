import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.client.session import Backoff
from entrenous.errors import UsageError


def most(size: int) -> bytes:
    return b"\xff" * size


def test_ceilings_double_up_to_the_highest_and_start_again_after_a_reset() -> None:
    backoff = Backoff(most, least=0.5, most=60)
    waits = [round(backoff.next(), 6) for _ in range(9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert round(backoff.next(), 6) == 0.5


@given(st.binary(min_size=8, max_size=8))
def test_jitter_is_full_and_never_above_its_ceiling(random: bytes) -> None:
    backoff = Backoff(lambda _: random, least=0.5, most=60)
    share = int.from_bytes(random, "big") / (1 << 64)
    for ceiling in (0.5, 1, 2, 4):
        wait = backoff.next()
        assert 0 <= wait <= ceiling
        assert wait == pytest.approx(share * ceiling)


@pytest.mark.parametrize(("least", "most_"), [(0, 1), (2, 1), (-1, 1)])
def test_waits_that_cannot_grow_are_our_own_bug(least: float, most_: float) -> None:
    with pytest.raises(UsageError):
        Backoff(most, least=least, most=most_)
