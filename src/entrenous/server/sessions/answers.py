"""What a client is told of what its request came to. The operator is told in counts, and in debug lines."""

from collections.abc import Callable

import structlog

from entrenous.errors import CryptoError, MalformedError, RejectedError, UnavailableError
from entrenous.server.refusal import refusal_of
from entrenous.server.sessions.activity import Activity, Outcome
from entrenous.server.watching.counters import Counters
from entrenous.server.watching.details import shows_details
from entrenous.wire import ErrorCode, replies, requests

_log = structlog.get_logger(__name__)


class Answers:
    """The answers of one server.

    Args:
        counters: told of refusals under a limit's rule.
        activity: told of every answer.
    """

    def __init__(self, counters: Counters, activity: Activity) -> None:
        self._counters = counters
        self._activity = activity

    def to(
        self, request: requests.Request, outcome: replies.Reply | Exception, label: Callable[[], None]
    ) -> replies.Reply:
        """The reply to a request; counted, and logged where debug lines are shown.

        Args:
            request: what was asked.
            outcome: what it came to: a reply, or the error that it ended in.
            label: called before something is logged.
        """
        if isinstance(outcome, Exception):
            label()
            return self._of_error(request, outcome)
        self._activity.done[type(request)] += 1
        if shows_details():
            label()
            _tell(request, outcome)
        return outcome

    def _of_error(self, request: requests.Request, error: Exception) -> replies.Reply:
        match error:
            case RejectedError(rule=rule):
                self._counters.refused(rule)
                self._activity.note(type(request), Outcome.REFUSED)
                _log.debug("request.refused", request=type(request).__name__, rule=rule)
                return refusal_of(error)
            case MalformedError() | CryptoError():
                self._activity.note(type(request), Outcome.INVALID)
                return refusal_of(error)
            case UnavailableError():
                self._activity.note(type(request), Outcome.UNAVAILABLE)
                return refusal_of(error)
        # A bug of ours: one request fails, the server goes on.
        self._activity.note(type(request), Outcome.FAILED)
        _log.error("request.failed", request=type(request).__name__, error=type(error).__name__, exc_info=error)
        return replies.Error(ErrorCode.UNAVAILABLE, "the server made a mistake; the operator finds it in the log")


def _tell(request: requests.Request, reply: replies.Reply) -> None:
    """One debug line for an answered request, with the room and the place in its log where there is one."""
    fields = {name: getattr(request, name) for name in ("room", "account") if hasattr(request, name)}
    if isinstance(reply, replies.Published):
        fields["sequence"] = reply.sequence
    _log.debug("request.answered", request=type(request).__name__, **fields)
