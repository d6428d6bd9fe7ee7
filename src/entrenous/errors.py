"""The few ways anything in Entrenous can fail.

Every failure that bytes, a person or a network can cause is one of these, so a caller knows from the type
alone whose fault it is and whether trying again can help.
"""


class EntrenousError(Exception):
    """The base of every error below; never raised itself."""


class MalformedError(EntrenousError):
    """Bytes that are not an encoding of what was asked for."""


class RejectedError(EntrenousError):
    """A well-formed message that breaks a rule we must enforce.

    ``rule`` names a row of ``docs/spec/conformance.md``, so a log line leads to the sentence of the
    standard and to the test that proves we check it.
    """

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"[{rule}] {detail}")
        self.rule = rule
        self.detail = detail


class CryptoError(EntrenousError):
    """A tag, a signature or a group element was wrong. It never says why."""

    def __init__(self, detail: str = "verification failed") -> None:
        super().__init__(detail)


class UsageError(EntrenousError):
    """We called something wrongly: a bug of ours or of a caller of the library, never a peer's doing."""


class UnavailableError(EntrenousError):
    """Something we depend on did not answer; trying again may help.

    ``remedy`` is what to do next, a sentence for people.
    """

    def __init__(self, detail: str = "", *, remedy: str = "Try again.") -> None:
        super().__init__(detail)
        self.remedy = remedy
