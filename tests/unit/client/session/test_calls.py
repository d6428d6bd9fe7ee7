import gc

import pytest

from entrenous.client.session import BusyError, ConflictError, RefusedError, StaleError
from entrenous.client.session.calls import Calls
from entrenous.client.session.refusals import error_from
from entrenous.errors import MalformedError, RejectedError, UnavailableError, UsageError
from entrenous.wire import ErrorCode, decode_call, replies, requests

PING = requests.Ping()


async def test_calls_are_numbered_from_one_and_answers_find_them_in_any_order() -> None:
    calls = Calls()
    first, first_answer = calls.start(PING, replies.Done)
    second, second_answer = calls.start(requests.ListRooms(), replies.Rooms)
    assert [decode_call(data)[0] for data in (first, second)] == [1, 2]
    calls.answer(2, replies.Rooms(()))
    calls.answer(1, replies.Done())
    assert (await first_answer, await second_answer) == (replies.Done(), replies.Rooms(()))
    assert len(calls) == 0


async def test_an_error_reply_ends_the_call_in_its_exception() -> None:
    calls = Calls()
    _, answer = calls.start(PING, replies.Done)
    calls.answer(1, replies.Error(ErrorCode.DENIED, "no"))
    with pytest.raises(RefusedError):
        await answer


async def test_an_answer_of_another_kind_is_malformed_and_nobody_waits_on() -> None:
    calls = Calls()
    _, answer = calls.start(PING, replies.Done)
    with pytest.raises(MalformedError):
        calls.answer(1, replies.Rooms(()))
    with pytest.raises(UnavailableError):
        await answer


@pytest.mark.parametrize("number", [1, 2, 99])
async def test_an_answer_that_nobody_waits_for_is_malformed(number: int) -> None:
    calls = Calls()
    _, answer = calls.start(PING, replies.Done)
    calls.answer(1, replies.Done())
    await answer
    with pytest.raises(MalformedError):
        calls.answer(number, replies.Done())


async def test_the_answer_of_a_call_that_was_given_up_is_dropped() -> None:
    calls = Calls()
    for _ in range(2):
        calls.start(PING, replies.Done)[1].cancel()
    calls.answer(1, replies.Done())
    calls.answer(2, replies.Error(ErrorCode.DENIED, "no"))
    assert len(calls) == 0


async def test_a_lost_connection_fails_every_call_in_flight_as_unknown() -> None:
    calls = Calls()
    answers = [calls.start(PING, replies.Done)[1] for _ in range(3)]
    answers[0].cancel()
    calls.fail("the connection was lost")
    for answer in answers[1:]:
        with pytest.raises(UnavailableError, match="lost"):
            await answer
    gc.collect()  # an exception that nobody took would warn here


async def test_asking_for_the_wrong_kind_of_answer_is_our_own_bug() -> None:
    with pytest.raises(UsageError):
        Calls().start(PING, replies.Rooms)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_its_exception(code: ErrorCode) -> None:
    error = error_from(replies.Error(code, "a sentence", 7))
    assert "a sentence" in str(error)
    match code:
        case ErrorCode.CONFLICT:
            assert isinstance(error, ConflictError)
            assert error.newest == 7
        case ErrorCode.STALE:
            assert isinstance(error, StaleError)
            assert error.stored == 7
        case ErrorCode.LIMIT:
            assert isinstance(error, BusyError)
            assert error.retry_after == 7
        case ErrorCode.UNAVAILABLE:
            assert type(error) is UnavailableError
        case _:
            assert type(error) is RefusedError
            assert (error.code, error.number) == (code, 7)
    if isinstance(error, RejectedError):
        assert error.rule == "DS-" + code.value.upper()
