"""One thing said in a room: what travels, encrypted, as the data of an MLS application message.

A kind that this version does not know keeps its bytes, so that a later version can read it from the history.
"""

import dataclasses
import enum
from typing import Annotated, Any, NamedTuple

from entrenous.codec import (
    Bytes32,
    Codec,
    Fixed,
    Struct,
    UInt16,
    UInt32,
    UInt64,
    VarOpaque,
    VarText,
    codec_for,
    struct,
)
from entrenous.errors import UsageError

#: Bytes of a message id, here as in the log's entries.
MESSAGE_ID_SIZE = 12
#: Bytes of a body. It stays below the server's limit for an entry with padding, signature and headers around it.
MAX_BODY_SIZE = 64 << 10
#: Bytes of UTF-8 in one text; longer ones travel as files.
MAX_TEXT_SIZE = 32 << 10

MessageId = Annotated[bytes, Fixed(MESSAGE_ID_SIZE)]


class Kind(enum.IntEnum):
    """What a content is. A number is given once and never again."""

    TEXT = 1
    ROOM_ACCESS_KEY = 2


@struct
class Text(Struct):
    """Words."""

    text: Annotated[str, VarText(MAX_TEXT_SIZE)]


@struct
class RoomAccessKey(Struct):
    """A generation of the key that hides the room's GroupInfo from the server and authorises nothing."""

    generation: UInt32
    key: Bytes32 = dataclasses.field(repr=False)


class Unknown(NamedTuple):
    """A body of a kind that this version does not know."""

    kind: int
    data: bytes


Body = Text | RoomAccessKey | Unknown

_KINDS: dict[int, type[Text | RoomAccessKey]] = {Kind.TEXT: Text, Kind.ROOM_ACCESS_KEY: RoomAccessKey}
_NUMBERS = {cls: int(kind) for kind, cls in _KINDS.items()}


def kind_of(body: Body) -> int:
    """The number of a body's kind, which need not be a ``Kind``."""
    return body.kind if isinstance(body, Unknown) else _NUMBERS[type(body)]


@struct
class Content(Struct):
    """A body with what every message has.

    Attributes:
        message_id: the sender made it; the log's entry must carry the same one, else a message could be shown twice.
        sent_at: milliseconds since 1970 by the sender's clock.
        body: what is said.
    """

    message_id: MessageId
    sent_at: UInt64
    body: Body

    @classmethod
    def __codec__(cls) -> Codec:
        """The body stands as its kind and then opaque bytes, so that an unknown kind has an end."""
        write_head, read_head = codec_for(_Head)

        def write(value: Content, out: bytearray) -> None:
            body = value.body
            if isinstance(body, Unknown) and body.kind in _KINDS:
                raise UsageError(f"kind {body.kind} is known: a second form of it has no place")
            data = body.data if isinstance(body, Unknown) else body.encode()
            write_head(_Head(value.message_id, value.sent_at, kind_of(body), data), out)

        def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
            head, position = read_head(data, position, end)
            known = _KINDS.get(head.kind)
            body = Unknown(head.kind, head.data) if known is None else known.decode(head.data)
            return cls(head.message_id, head.sent_at, body), position

        return Codec(write, read)


@struct
class _Head(Struct):
    """A content whose body is not read yet."""

    message_id: MessageId
    sent_at: UInt64
    kind: UInt16
    data: Annotated[bytes, VarOpaque(MAX_BODY_SIZE)]
