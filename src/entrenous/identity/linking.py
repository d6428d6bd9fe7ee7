"""The code that links a second device without the password: 75 random bits, good for one use within minutes.

Both devices derive a mailbox id, to meet at on the server, and a MAC key, so the server cannot put itself between
them. The id tells the server a hash of the code, and 75 bits are too many to guess from that; fewer would need a PAKE.
"""

from dataclasses import dataclass

from entrenous.crypto import Entropy, Hash, Secret, draw, hkdf
from entrenous.errors import MalformedError
from entrenous.identity.labels import Label, labelled

#: RFC 4648's base32, and the digits that people read as its letters.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_MISREAD = str.maketrans("018", "OIB")
#: Characters of a group, groups of a code, and the bits they hold.
GROUP = 5
GROUPS = 3
CODE_BITS = 5 * GROUP * GROUPS
#: Seconds a code is good for.
LIFETIME_SECONDS = 600
#: Characters anybody might type; more is refused unread.
MAX_TEXT = 200

_CODE_SIZE = -(-CODE_BITS // 8)
_MAILBOX_SIZE = 16
_MAC_KEY_SIZE = 32


class LinkingCode(Secret):
    """The 75 bits of a code, big-endian in ten bytes."""

    __slots__ = ()

    @classmethod
    def generate(cls, entropy: Entropy) -> "LinkingCode":
        """A new code."""
        number = int.from_bytes(draw(entropy, _CODE_SIZE), "big") % (1 << CODE_BITS)
        return cls(number.to_bytes(_CODE_SIZE, "big"))


class LinkingMacKey(Secret):
    """Authenticates what the two devices say to each other, 32 bytes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LinkingKeys:
    """What both devices derive from the code."""

    mailbox_id: bytes
    mac_key: LinkingMacKey


def format_linking_code(code: LinkingCode) -> str:
    """The code as people read it: three groups of five characters, joined by hyphens."""
    number = int.from_bytes(code.reveal(), "big")
    shifts = range(CODE_BITS - 5, -1, -5)
    text = "".join(ALPHABET[number >> shift & 31] for shift in shifts)
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def parse_linking_code(text: str) -> LinkingCode:
    """Read what a person typed: any case, any spaces or hyphens, and 0, 1 and 8 for O, I and B.

    Raises:
        MalformedError: says what is wrong with it.
    """
    typed = "".join(text[:MAX_TEXT].replace("-", "").split()).upper().translate(_MISREAD)
    if len(text) > MAX_TEXT or not text.isascii() or len(typed) != GROUP * GROUPS:
        raise MalformedError(f"a linking code has {GROUPS} groups of {GROUP} characters")
    number = 0
    for character in typed:
        value = ALPHABET.find(character)
        if value < 0:
            raise MalformedError(f"“{character}” does not occur in a linking code")
        number = number << 5 | value
    return LinkingCode(number.to_bytes(_CODE_SIZE, "big"))


def linking_keys(code: LinkingCode) -> LinkingKeys:
    """Where the two devices meet and how they know each other."""

    def derive(label: Label, length: int) -> bytes:
        return hkdf(Hash.SHA256, b"", code.reveal(), labelled(label, b""), length)

    mailbox_id = derive(Label.LINKING_MAILBOX, _MAILBOX_SIZE)
    return LinkingKeys(mailbox_id, LinkingMacKey(derive(Label.LINKING_MAC, _MAC_KEY_SIZE)))
