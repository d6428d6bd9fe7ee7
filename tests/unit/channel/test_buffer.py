import sys

from hypothesis import given
from hypothesis import strategies as st

from entrenous.channel.buffer import ByteQueue


@given(st.lists(st.one_of(st.binary(max_size=50), st.tuples(st.integers(0, 9), st.integers(0, 60))), max_size=40))
def test_a_queue_gives_back_what_was_put_in(steps: list[bytes | tuple[int, int]]) -> None:
    queue, model = ByteQueue(), b""
    for step in steps:
        if isinstance(step, bytes):
            queue += step
            model += step
        elif sum(step) <= len(model):
            skip, size = step
            assert queue.take(size, skip=skip) == model[skip : skip + size]
            model = model[skip + size :]
        assert len(queue) == len(model)
        assert queue.peek(7) == model[:7]
        assert queue.peek_uint(2) == (int.from_bytes(model[:2], "big") if len(model) >= 2 else None)


def test_what_was_taken_does_not_stay_in_memory() -> None:
    queue = ByteQueue()
    for _ in range(200):
        queue += bytes(10_000)
        queue.take(9_999)
    assert len(queue) == 200
    assert sys.getsizeof(queue) <= 20_000


def test_a_backlog_is_moved_a_constant_number_of_times() -> None:
    queue, moved = ByteQueue(), 0
    queue += bytes(4 * 1024 * 1024)
    while len(queue):
        before = sys.getsizeof(queue)
        queue.take(1024)
        if sys.getsizeof(queue) != before:
            moved += len(queue)
    assert 0 < moved < 2 * 4 * 1024 * 1024


def test_clearing_leaves_nothing() -> None:
    queue = ByteQueue()
    queue += b"abc"
    queue.clear()
    assert len(queue) == 0
    assert queue.peek(3) == b""
