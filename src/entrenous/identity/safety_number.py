"""Safety numbers: sixty digits that two people compare once, to know that nobody stands between them.

Each account gives thirty digits, from 2^100 possibilities and 5,200 rounds of SHA-512, so that finding a second key
with the same digits is out of reach. The halves are sorted: both people see the same number.
"""

from entrenous.crypto import Hash, constant_time_equal
from entrenous.errors import UsageError
from entrenous.identity.account import AccountCredential
from entrenous.identity.labels import Label, labelled

#: Rounds of SHA-512 for each half.
ROUNDS = 5200
#: Digits of a group, and groups of one account's half.
GROUP = 5
GROUPS = 6
_BYTES_PER_GROUP = 5


def safety_number(one: AccountCredential, other: AccountCredential) -> str:
    """The number of two accounts, in either order: twelve groups of five digits.

    Raises:
        UsageError: both are the same account.
    """
    if one == other:
        raise UsageError("an account has no safety number with itself")
    halves = sorted((_digits(one), _digits(other)))
    digits = "".join(halves)
    return " ".join(digits[at : at + GROUP] for at in range(0, len(digits), GROUP))


def same_safety_number(typed: str, expected: str) -> bool:
    """Whether a typed or scanned number is the expected one; spaces and line breaks do not matter."""
    return constant_time_equal("".join(typed.split()).encode(), "".join(expected.split()).encode())


def _digits(credential: AccountCredential) -> str:
    identity = credential.encode()
    digest = labelled(Label.SAFETY_NUMBER, identity)
    for _ in range(ROUNDS):
        digest = Hash.SHA512.digest(digest, identity)
    chunks = (digest[at : at + _BYTES_PER_GROUP] for at in range(0, GROUPS * _BYTES_PER_GROUP, _BYTES_PER_GROUP))
    return "".join(f"{int.from_bytes(chunk, 'big') % 10**GROUP:0{GROUP}}" for chunk in chunks)
