"""The preface: six bytes in clear that open a connection and are the handshake's prologue (protocol §1).

    "ENTR" | u8 protocol version | u8 suite

Both sides hash it into the handshake, so whoever changes a byte on the way ends the connection: there is nothing to
strip and nothing to fall back to.
"""

from entrenous.channel.suites import Suite, suite_by_number
from entrenous.errors import RejectedError

MAGIC = b"ENTR"
VERSION = 1
PREFACE_SIZE = len(MAGIC) + 2


def encode_preface(suite: Suite) -> bytes:
    """What the client sends first."""
    return MAGIC + bytes((VERSION, suite.number))


def parse_preface(data: bytes) -> Suite | None:
    """The suite that ``data`` asks for, or None while it is too short to tell.

    A wrong beginning is refused at its first wrong byte, so a lost web browser does not wait.

    Args:
        data: at most PREFACE_SIZE bytes.

    Raises:
        RejectedError: rule CHAN-PREFACE, CHAN-VERSION or CHAN-SUITE.
    """
    if not MAGIC.startswith(data[: len(MAGIC)]):
        raise RejectedError("CHAN-PREFACE", "the connection does not begin like one of ours")
    if len(data) < PREFACE_SIZE:
        return None
    version, number = data[len(MAGIC) :]
    if version != VERSION:
        raise RejectedError("CHAN-VERSION", f"protocol version {version}, we speak {VERSION}")
    return suite_by_number(number)
