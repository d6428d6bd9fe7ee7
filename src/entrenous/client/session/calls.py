"""Calls in flight on one connection: numbers out, answers in, each to the one who waits for it."""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from entrenous.client.session.refusals import error_from
from entrenous.errors import MalformedError, UnavailableError, UsageError
from entrenous.wire import encode_call, replies, requests

R = TypeVar("R", bound=replies.Reply)

#: The last number a connection can give to a call.
LAST_NUMBER = (1 << 32) - 1


class Caller(Protocol):
    """Asks the server: a connection, or the session that keeps one."""

    async def call(self, request: requests.Request, expected: type[R]) -> R:
        """Ask and wait for the answer; errors as ``Connection.call``."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    expected: type[replies.Reply]
    future: asyncio.Future[Any]


class Calls:
    """The calls of one connection. Numbers are 1, 2, 3, …; a number is never used twice."""

    def __init__(self) -> None:
        self._last = 0
        self._waiting: dict[int, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self, request: requests.Request, expected: type[R]) -> tuple[bytes, asyncio.Future[R]]:
        """Number a request; returns the bytes to send and the future of its answer.

        Who stops waiting cancels the future; the answer is then dropped when it comes.

        Raises:
            UsageError: ``expected`` is not what this request is answered with, or the numbers are used up.
        """
        if request.REPLY is not expected:
            raise UsageError(f"{type(request).__name__} is answered with {request.REPLY.__name__}")
        if self._last >= LAST_NUMBER:
            raise UsageError("this connection has made as many calls as it can number")
        self._last += 1
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting[self._last] = _Waiting(expected, future)
        return encode_call(self._last, request), future

    def answer(self, number: int, reply: object) -> None:
        """Hand an answer to the one who waits for it; an Error reply ends the wait in an exception.

        Raises:
            MalformedError: nobody waits for this number, or the answer is of another kind than its request's.
        """
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            raise MalformedError(f"the server answered call {number}, which does not wait for an answer")
        if isinstance(reply, replies.Error):
            if not waiting.future.done():
                waiting.future.set_exception(error_from(reply))
            return
        if not isinstance(reply, waiting.expected):
            self._fail_one(waiting, "the server answered with something else")
            raise MalformedError(f"a {type(reply).__name__} where a {waiting.expected.__name__} belongs")
        if not waiting.future.done():
            waiting.future.set_result(reply)

    def fail(self, reason: str) -> None:
        """End every wait: the connection is gone, and whether the server acted on a call is unknown."""
        waiting, self._waiting = list(self._waiting.values()), {}
        for one in waiting:
            self._fail_one(one, reason)

    @staticmethod
    def _fail_one(waiting: _Waiting, reason: str) -> None:
        if not waiting.future.done():
            waiting.future.set_exception(UnavailableError(reason))
