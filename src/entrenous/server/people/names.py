"""Login names: which are allowed, and when two are the same."""

import unicodedata

from entrenous.server.refusal import RefusedError
from entrenous.wire import ErrorCode

#: Characters of a login name.
MIN_LENGTH = 2
MAX_LENGTH = 32
#: Allowed besides letters and digits, though not as the first character.
PUNCTUATION = frozenset("._-")


def name_key(name: str) -> str:
    """What names are compared by: compatibility characters folded, case folded. For any text."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_name(name: str) -> str:
    """The name in NFC, as it is stored.

    Raises:
        RefusedError: it breaks a rule of names.
    """
    normal = unicodedata.normalize("NFC", name)
    if not MIN_LENGTH <= len(normal) <= MAX_LENGTH:
        raise _invalid(f"a name has {MIN_LENGTH} to {MAX_LENGTH} characters")
    if not (normal[0].isalpha() or normal[0].isdecimal()):
        raise _invalid("a name begins with a letter or a digit")
    for character in normal:
        if not (character.isalpha() or character.isdecimal() or character in PUNCTUATION):
            raise _invalid("a name has letters, digits, dots, hyphens and underscores")
    return normal


def _invalid(detail: str) -> RefusedError:
    return RefusedError("AUTH-NAME", ErrorCode.NAME_INVALID, detail)
