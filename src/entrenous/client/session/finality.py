"""Which errors no amount of trying again can heal, and what to tell a person about each."""

from entrenous.client.session.refusals import refusal_rule
from entrenous.errors import EntrenousError, RejectedError, UsageError
from entrenous.wire import ErrorCode

_OTHER_SERVER = (
    "this is not the server that this profile trusts: it shows another identity. Nothing was sent to it. Somebody may "
    "be in between, or the server was set up anew; ask whoever runs it before you trust another fingerprint"
)

_NEVER_FINISHED = (
    "the server does not know this device: joining or logging in was interrupted before it was done. Nothing is lost; "
    "do it again"
)

#: By rule: the sentence that says what happened, whether anything was lost, and what to do next.
_FINAL = {
    "CHAN-PIN": _OTHER_SERVER,
    "CHAN-CERT-ID": _OTHER_SERVER,
    "CHAN-CERT-ROTATION": _OTHER_SERVER,
    "CHAN-CERT-ROLLBACK": (
        "the server shows an identity key that it has replaced: whoever shows it may have stolen it. Nothing was sent; "
        "ask whoever runs the server"
    ),
    refusal_rule(ErrorCode.BAD_CREDENTIALS): (
        "the server does not know this device any more: it was revoked, or the account was removed. What was read "
        "stays here; log in again on an empty profile to go on"
    ),
    refusal_rule(ErrorCode.CLONED): (
        "this profile is a copy of one that was used since, or was restored from a backup. Using both would break the "
        "encryption of both, so this one stays closed; log in again on an empty profile"
    ),
}


def is_final(error: EntrenousError) -> bool:
    """Whether trying again is of no use."""
    return isinstance(error, UsageError) or (isinstance(error, RejectedError) and error.rule in _FINAL)


def explain(error: EntrenousError, *, is_pending: bool) -> EntrenousError:
    """A final error, with its sentence for people in place of the rule's own.

    Args:
        error: what ended the last attempt.
        is_pending: whether the server was never known to have this device.
    """
    if not isinstance(error, RejectedError) or error.rule not in _FINAL:
        return error
    if is_pending and error.rule == refusal_rule(ErrorCode.BAD_CREDENTIALS):
        return RejectedError(error.rule, _NEVER_FINISHED)
    return RejectedError(error.rule, _FINAL[error.rule])
