"""Which passwords are good enough, and what a password is in bytes.

OPAQUE keeps a password from the network and from the server's database, but who holds that database *and* the server's
keys can still guess it, one Argon2id at a time. So a weak one is refused, with a better one offered.
"""

import math
import unicodedata
from collections.abc import Sequence

from entrenous.crypto import Entropy
from entrenous.errors import MalformedError, RejectedError
from entrenous.identity.words import random_words

#: The least number of guesses a password must withstand, by estimate, as a power of two.
MIN_GUESSES_LOG2 = 50
#: Words of a suggestion: 5 * 11 = 55 bits.
SUGGESTED_WORDS = 5
#: Bytes of the longest password; nobody types more.
MAX_PASSWORD_SIZE = 1024
#: Characters the estimator sees: its time grows with the square, and 72 strong ones are more than enough.
ESTIMATED_LENGTH = 72


class WeakPassword(RejectedError):  # noqa: N818 it is an answer to a person; the base class says it is an error
    """A password that could be guessed (rule AUTH-WEAK-PASSWORD). ``suggestion`` could not."""

    def __init__(self, guesses_log2: float, suggestion: str) -> None:
        super().__init__(
            "AUTH-WEAK-PASSWORD",
            f"about 2^{guesses_log2:.0f} guesses would find it, it should take 2^{MIN_GUESSES_LOG2}; "
            f"for example: {suggestion}",
        )
        self.guesses_log2 = guesses_log2
        self.suggestion = suggestion


def password_bytes(password: str) -> bytes:
    """What OPAQUE takes: UTF-8 of the NFC form, so that two keyboards spell one password alike.

    Raises:
        MalformedError: the text has no UTF-8 form.
        RejectedError: rule AUTH-PASSWORD-LENGTH, it is longer than 1,024 bytes.
    """
    # Refused before the work of normalising, which shortens no text to a quarter.
    if len(password) > 4 * MAX_PASSWORD_SIZE:
        raise RejectedError("AUTH-PASSWORD-LENGTH", f"a password has at most {MAX_PASSWORD_SIZE} bytes")
    try:
        value = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        raise MalformedError("the password holds half a character") from None
    if len(value) > MAX_PASSWORD_SIZE:
        raise RejectedError("AUTH-PASSWORD-LENGTH", f"a password has at most {MAX_PASSWORD_SIZE} bytes")
    return value


def estimate_guesses_log2(password: str, user_inputs: Sequence[str] = ()) -> float:
    """How many guesses a clever guesser needs, by estimate, as a power of two.

    Args:
        password: what is to be judged.
        user_inputs: words the guesser tries first: the login name, the server's name.
    """
    # Imported here: its frequency lists are megabytes that only a change of password needs.
    from zxcvbn import zxcvbn

    seen = unicodedata.normalize("NFC", password)[:ESTIMATED_LENGTH]
    if not seen:
        return 0.0
    return math.log2(zxcvbn(seen, user_inputs=list(user_inputs))["guesses"])


def suggest_password(entropy: Entropy) -> str:
    """Five random words, joined by hyphens."""
    return "-".join(random_words(SUGGESTED_WORDS, entropy))


def check_password(password: str, user_inputs: Sequence[str], entropy: Entropy) -> None:
    """Refuse a password that could be guessed offline.

    Raises:
        WeakPassword: under 2^50 estimated guesses; carries a suggestion.
        MalformedError: the text has no UTF-8 form.
        RejectedError: rule AUTH-PASSWORD-LENGTH.
    """
    password_bytes(password)
    guesses_log2 = estimate_guesses_log2(password, user_inputs)
    if guesses_log2 < MIN_GUESSES_LOG2:
        raise WeakPassword(guesses_log2, suggest_password(entropy))
