"""How the services say no: a rule for the log, a code for the client's program and a sentence for its person."""

from entrenous.errors import RejectedError
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
