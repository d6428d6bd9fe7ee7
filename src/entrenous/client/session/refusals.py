"""The server's typed errors as exceptions: what is final, what a Commit in between explains, what time heals."""

from entrenous.errors import EntrenousError, RejectedError, UnavailableError
from entrenous.wire import ErrorCode, replies

#: The rule of a refusal is this and the wire's code, e.g. DS-NAME-TAKEN.
_PREFIX = "DS-"


class RefusedError(RejectedError):
    """The server refused a request, which changed nothing. The same request will be refused again.

    Attributes:
        code: why, for programs.
        number: what the code's line in ``wire.ErrorCode`` says, e.g. the stored version; None where it says nothing.
    """

    def __init__(self, reply: replies.Error) -> None:
        super().__init__(refusal_rule(reply.code), reply.detail)
        self.code = reply.code
        self.number = reply.number


class ConflictError(RefusedError):
    """A Commit came between: fetch what was missed, then make the request again.

    Attributes:
        newest: the sequence number of the room's newest Commit entry.
    """

    def __init__(self, reply: replies.Error) -> None:
        super().__init__(reply)
        self.newest = reply.number or 0


class StaleError(RefusedError):
    """What is stored is of another version than the request expected.

    Attributes:
        stored: that version.
    """

    def __init__(self, reply: replies.Error) -> None:
        super().__init__(reply)
        self.stored = reply.number or 0


class BusyError(UnavailableError):
    """Too much was asked at once.

    Attributes:
        retry_after: seconds until asking again may help.
    """

    def __init__(self, reply: replies.Error) -> None:
        super().__init__(reply.detail)
        self.retry_after = float(reply.number or 0)


def refusal_rule(code: ErrorCode) -> str:
    """The rule id under which a refusal with ``code`` is told."""
    return _PREFIX + code.value.upper()


def error_from(reply: replies.Error) -> EntrenousError:
    """The exception that a call answered with ``reply`` ends in."""
    match reply.code:
        case ErrorCode.CONFLICT:
            return ConflictError(reply)
        case ErrorCode.STALE:
            return StaleError(reply)
        case ErrorCode.LIMIT:
            return BusyError(reply)
        case ErrorCode.UNAVAILABLE:
            return UnavailableError(reply.detail)
        case _:
            return RefusedError(reply)
