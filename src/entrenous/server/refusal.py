"""How the services say no: a rule for the log, a code for the client's program and a sentence for its person."""

from entrenous.errors import CryptoError, MalformedError, RejectedError, UnavailableError
from entrenous.wire import ErrorCode, replies


class RefusedError(RejectedError):
    """A request that this server does not carry out; nothing was changed by it.

    ``rule`` names a row of ``docs/spec/conformance.md``; ``number`` is what the code's meaning in
    ``wire.ErrorCode`` says, e.g. the newest Commit entry of a conflict.
    """

    def __init__(self, rule: str, code: ErrorCode, detail: str, number: int | None = None) -> None:
        super().__init__(rule, detail)
        self.code = code
        self.number = number

    def reply(self) -> replies.Error:
        """The refusal as it is answered."""
        return replies.Error(self.code, self.detail, self.number)


def refusal_of(error: RejectedError | MalformedError | CryptoError | UnavailableError) -> replies.Error:
    """What a client is told when its request ended in ``error``."""
    match error:
        case RefusedError():
            return error.reply()
        case RejectedError():
            return replies.Error(ErrorCode.DENIED, error.detail)
        case MalformedError():
            return replies.Error(ErrorCode.MALFORMED, str(error))
        case CryptoError():
            return replies.Error(ErrorCode.BAD_CREDENTIALS, "this is not proved")
        case UnavailableError():
            return replies.Error(ErrorCode.UNAVAILABLE, str(error))
