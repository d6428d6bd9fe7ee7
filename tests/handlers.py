"""A server's table of requests, as tests take it into their hands: every handler in it is a coroutine function."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from entrenous.server.rooms.appending import Caller
from entrenous.server.sessions.services import ByCallback, Services
from entrenous.wire import replies, requests

Handler = Callable[[Caller, Any], Awaitable[Any]]


def handlers(services: Services) -> dict[Any, Handler]:
    """The table of a device's requests, to be changed; also of those that are done by callback otherwise."""
    table = cast("dict[Any, Handler]", services.of_device)
    by_callback = cast("dict[Any, ByCallback]", services.by_callback)
    while by_callback:
        kind, hand_over = by_callback.popitem()
        table[kind] = _awaited(hand_over)
    return table


def _awaited(hand_over: ByCallback) -> Handler:
    async def handler(caller: Caller, request: requests.Request) -> replies.Reply:
        future: asyncio.Future[replies.Reply] = asyncio.get_running_loop().create_future()

        def done(outcome: replies.Reply | Exception) -> None:
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        hand_over(caller, request, done)
        return await future

    return handler
