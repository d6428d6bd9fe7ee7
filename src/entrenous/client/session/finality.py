"""Which errors no amount of trying again can heal, and what to tell a person about each."""

from entrenous.client.session.refusals import refusal_rule
from entrenous.errors import EntrenousError, RejectedError, UsageError
from entrenous.wire import ErrorCode

_OTHER_SERVER = (
    "this is not the server that this profile trusts: it shows another identity. Nothing was sent to it. Somebody may "
    "be in between, or the server was set up anew; ask whoever runs it before you trust another fingerprint"
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


def explain(error: EntrenousError) -> EntrenousError:
    """A final error, with its sentence for people in place of the rule's own."""
    if isinstance(error, RejectedError) and error.rule in _FINAL:
        return RejectedError(error.rule, _FINAL[error.rule])
    return error
