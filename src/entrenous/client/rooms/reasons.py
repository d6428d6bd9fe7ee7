"""Why an entry could not be read: sentences for people, and rule ids for programs and logs."""

from entrenous.errors import CryptoError, MalformedError, RejectedError

#: The rules under which failures without a rule of their own are told.
CRYPTO_RULE = "ENTRY-CRYPTO"
MALFORMED_RULE = "ENTRY-MALFORMED"

#: Why an own message has failed that the server says it stored: the log shows another entry there.
SWAPPED = "the server says that it stored it, and shows something else in its place"
#: The same, where what the log shows there can no longer be had.
NOT_SEEN = "the server says that it stored it, in a part of the log that is gone: whether anybody read it is not known"

_SENTENCES = {
    "MLS-EPOCH": "it was made with keys of another moment than its place in the log says",
    "MLS-GROUP": "it belongs to another room",
    "MLS-SENDER-SELF": "the server shows it as this device's, which did not send it",
    "MLS-SENDER-UNKNOWN": "its sender is not in the room",
    "MLS-GENERATION-CONSUMED": "its key was used before: the server shows an old message again",
    "MLS-GENERATION-TOO-FAR": "too many of its sender's messages are missing before it",
    "ENTRY-MESSAGE-ID": "it stands under another message's id",
    "ENTRY-REPEATED": "it repeats a message that was said before",
    "ENTRY-KIND": "it is of a kind that rooms do not use",
}


def rule_of(error: Exception) -> str:
    """The rule id of a refusal."""
    if isinstance(error, RejectedError):
        return error.rule
    return MALFORMED_RULE if isinstance(error, MalformedError) else CRYPTO_RULE


def reason_of(error: Exception) -> str:
    """A sentence on a refusal, without a full stop."""
    if isinstance(error, CryptoError):
        return "it is not genuine, or was changed on its way"
    if isinstance(error, MalformedError):
        return "it is damaged"
    return _SENTENCES.get(rule_of(error), str(error))
