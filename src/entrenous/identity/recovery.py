"""The recovery code: 128 random bits and a checksum as twelve words, written down once and typed rarely.

Its OPAQUE record is a second way to the vault, so it opens the account when the password is forgotten.
"""

import difflib

from entrenous.crypto import Entropy, Secret, draw
from entrenous.errors import MalformedError, UsageError
from entrenous.identity.labels import Label, fingerprint
from entrenous.identity.words import WORD_BITS, WORD_COUNT, word_numbers, words

#: Bytes of a code, words it is written as, and bits of the checksum that fill them up.
CODE_SIZE = 16
CODE_WORDS = 12
CHECKSUM_BITS = CODE_WORDS * WORD_BITS - 8 * CODE_SIZE
#: Characters anybody might type for twelve words; more is refused unread.
MAX_TEXT = 1000


class RecoveryCode(Secret):
    """The 16 random bytes behind the words; they are the password of the recovery code's OPAQUE record."""

    __slots__ = ()

    @classmethod
    def generate(cls, entropy: Entropy) -> "RecoveryCode":
        """A new code."""
        return cls(draw(entropy, CODE_SIZE))


def format_recovery_code(code: RecoveryCode) -> str:
    """Twelve words, separated by spaces, to show once and never to store."""
    value = code.reveal()
    if len(value) != CODE_SIZE:
        raise UsageError(f"a recovery code has {CODE_SIZE} bytes, not {len(value)}")
    number = int.from_bytes(value, "big") << CHECKSUM_BITS | _checksum(value)
    shifts = range((CODE_WORDS - 1) * WORD_BITS, -1, -WORD_BITS)
    return " ".join(words()[number >> shift & (WORD_COUNT - 1)] for shift in shifts)


def parse_recovery_code(text: str) -> RecoveryCode:
    """Read what a person typed: any case, any spaces, hyphens or commas, and four letters of a word are enough.

    Raises:
        MalformedError: says which word is wrong and what it might be, or that the words do not belong together.
    """
    if len(text) > MAX_TEXT:
        raise MalformedError(f"a recovery code has {CODE_WORDS} words")
    typed = text.casefold().replace("-", " ").replace(",", " ").split()
    if len(typed) != CODE_WORDS:
        raise MalformedError(f"a recovery code has {CODE_WORDS} words, this has {len(typed)}")
    number = 0
    for position, word in enumerate(typed, start=1):
        number = number << WORD_BITS | _number(position, word)
    value = (number >> CHECKSUM_BITS).to_bytes(CODE_SIZE, "big")
    if number & ((1 << CHECKSUM_BITS) - 1) != _checksum(value):
        raise MalformedError("every word is in the list, but they do not belong together: is the order right?")
    return RecoveryCode(value)


def _number(position: int, word: str) -> int:
    number = word_numbers().get(word)
    if number is not None:
        return number
    close = difflib.get_close_matches(word[:20], words(), n=1)
    hint = f"; did you mean “{close[0]}”?" if close else ""
    raise MalformedError(f"word {position}, “{word[:20]}”, is not in the list{hint}")


def _checksum(value: bytes) -> int:
    return fingerprint(Label.RECOVERY_CODE, value)[0] >> (8 - CHECKSUM_BITS)
