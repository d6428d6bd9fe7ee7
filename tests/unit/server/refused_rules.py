"""The rule behind a refusal. A client is told a code; the rule stands in the server's log, and is read there."""

from typing import Any

from structlog.testing import capture_logs

from entrenous.wire import replies, requests
from server_people import RawClient


def only_rule(logs: list[Any]) -> str:
    """The rule of the one refusal in these lines."""
    (rule,) = [line["rule"] for line in logs if line["event"] == "request.refused"]
    assert isinstance(rule, str)
    return rule


async def rule_of(client: RawClient, request: requests.Request) -> str:
    """The rule under which the server refuses a request."""
    with capture_logs() as logs:
        await client.refused(request)
    return only_rule(logs)


async def rule_of_reply(reply: Any) -> str:
    """The rule behind the last reply of several calls, given as their coroutine."""
    with capture_logs() as logs:
        answered = await reply
    assert isinstance(answered, replies.Error), answered
    return only_rule(logs)
