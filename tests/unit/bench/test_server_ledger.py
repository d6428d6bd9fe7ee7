"""The ledger of a measurement counts every delivery, and no server gets past it that loses, repeats or reorders one."""

from collections.abc import Callable

import pytest

from entrenous.bench.server.ledger import Ledger, Place
from entrenous.channel import frame_message
from entrenous.errors import UsageError
from entrenous.wire import Entry, encode_event, events

ROOM = bytes(16)


def message_id(number: int) -> bytes:
    return number.to_bytes(12, "big")


def pushed(sequence: int, number: int, room: bytes = ROOM) -> bytes:
    return frame_message(encode_event(events.NewEntry(room, Entry(sequence, message_id(number), b"body", 0))))


def ledger_of_two(messages: int) -> tuple[Ledger, Place, Place]:
    ledger = Ledger(ROOM, 2)
    for number in range(messages):
        ledger.sent(message_id(number), float(number), sender=number)
    return ledger, Place(), Place()


def test_a_message_is_done_when_everybody_has_heard_it() -> None:
    ledger, first, second = ledger_of_two(3)
    assert ledger.hear(first, pushed(1, 0) + pushed(2, 2), 10.0) == []
    assert ledger.hear(second, pushed(1, 0), 11.0) == [0]
    assert ledger.hear(second, pushed(2, 2) + pushed(3, 1), 12.0) == [2]
    assert ledger.hear(first, pushed(3, 1), 13.0) == [1]
    assert ledger.open == 3  # what the server has not acknowledged yet
    for number, sequence in ((0, 1), (2, 2), (1, 3)):
        ledger.acknowledged(message_id(number), sequence)
    messages, took = ledger.settle()
    assert messages == 3
    assert sorted(took) == sorted([10.0 - 0, 10.0 - 2, 11.0 - 0, 12.0 - 2, 12.0 - 1, 13.0 - 1])


def test_the_log_goes_on_from_one_measurement_to_the_next() -> None:
    ledger, first, second = ledger_of_two(1)
    for place in (first, second):
        ledger.hear(place, pushed(1, 0), 1.0)
    ledger.acknowledged(message_id(0), 1)
    ledger.settle()
    ledger.sent(message_id(7), 2.0, sender=0)
    for place in (Place(), Place()):
        ledger.hear(place, pushed(2, 7), 3.0)
    ledger.acknowledged(message_id(7), 2)
    assert ledger.settle() == (1, [1.0, 1.0])


def test_bytes_may_come_in_any_pieces() -> None:
    ledger, first, second = ledger_of_two(2)
    stream = pushed(1, 1) + pushed(2, 0)
    for start in range(len(stream)):
        ledger.hear(first, stream[start : start + 1], 1.0)
    assert ledger.hear(second, memoryview(stream)[: len(stream) - 1], 2.0) == [1]
    assert ledger.hear(second, stream[-1:], 3.0) == [0]


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param(lambda: pushed(1, 0) + pushed(3, 1), id="a gap"),
        pytest.param(lambda: pushed(1, 0) + pushed(1, 0), id="twice"),
        pytest.param(lambda: pushed(1, 0) + pushed(2, 0), id="twice in two places"),
        pytest.param(lambda: pushed(1, 9), id="never sent"),
        pytest.param(lambda: pushed(1, 0, b"r" * 16), id="another room"),
        pytest.param(lambda: frame_message(encode_event(events.LogAdvanced(ROOM, 1))), id="told to fetch"),
        pytest.param(lambda: frame_message(b"no event"), id="nonsense"),
    ],
)
def test_whoever_hears_something_first_hears_what_is_due(heard: Callable[[], bytes]) -> None:
    ledger, first, _ = ledger_of_two(3)
    with pytest.raises(UsageError):
        ledger.hear(first, heard(), 1.0)


def test_everybody_hears_the_same() -> None:
    ledger, first, second = ledger_of_two(2)
    ledger.hear(first, pushed(1, 0) + pushed(2, 1), 1.0)
    with pytest.raises(UsageError, match="something else"):
        ledger.hear(second, pushed(1, 1), 1.0)
    ledger, first, second = ledger_of_two(2)
    ledger.hear(first, pushed(1, 0), 1.0)
    with pytest.raises(UsageError, match="something else"):
        ledger.hear(second, pushed(1, 1) + pushed(2, 0), 1.0)


def test_a_measurement_does_not_end_before_everybody_has_heard_everything() -> None:
    ledger, first, second = ledger_of_two(1)
    ledger.acknowledged(message_id(0), 1)
    with pytest.raises(UsageError, match="not delivered"):
        ledger.settle()
    ledger.hear(first, pushed(1, 0), 1.0)
    with pytest.raises(UsageError, match="not delivered"):
        ledger.settle()
    ledger.hear(second, pushed(1, 0), 1.0)
    assert ledger.settle() == (1, [1.0, 1.0])


def test_an_acknowledgement_names_the_place_that_the_log_shows() -> None:
    ledger, first, second = ledger_of_two(1)
    for place in (first, second):
        ledger.hear(place, pushed(1, 0), 1.0)
    with pytest.raises(UsageError, match="not acknowledged"):
        ledger.settle()
    ledger.acknowledged(message_id(0), 2)
    with pytest.raises(UsageError, match="places"):
        ledger.settle()
