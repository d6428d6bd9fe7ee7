"""What the server reads of an entry: the MLS header in clear, nothing else (docs/spec: delivery)."""

from entrenous.codec import UInt64, encode_as, encode_length, read_span
from entrenous.errors import MalformedError
from entrenous.mls.types import ContentType, MessageHeader, MLSMessage, ProtocolVersion, WireFormat, message_header
from entrenous.server.refusal import RefusedError
from entrenous.wire import CommitData, ErrorCode, RosterAction, RosterChange
from entrenous.wire.limits import ID_SIZE, MAX_COMMIT_SIZE, MAX_MESSAGE_SIZE

_MLS10 = encode_as(ProtocolVersion, ProtocolVersion.MLS10)
_PRIVATE = _MLS10 + encode_as(WireFormat, WireFormat.PRIVATE_MESSAGE)
_PUBLIC = _MLS10 + encode_as(WireFormat, WireFormat.PUBLIC_MESSAGE)
_APPLICATION = encode_as(ContentType, ContentType.APPLICATION)
#: Bytes of an epoch's number.
_EPOCH_SIZE = len(encode_as(UInt64, 0))

#: Bytes of one change of a roster: an account's id and what becomes of it.
_CHANGE_SIZE = len(RosterChange(bytes(ID_SIZE), RosterAction.REMOVE).encode())


def check_application(entry: bytes, room: bytes) -> None:
    """Judge an entry that is published as a message.

    Raises:
        RefusedError: it is no PrivateMessage of this room with application content, or too long.
    """
    if len(entry) > MAX_MESSAGE_SIZE:
        raise RefusedError("DS-SIZE", ErrorCode.TOO_LARGE, f"a message has at most {MAX_MESSAGE_SIZE} bytes")
    if not _is_application(entry, room):
        _header(entry, room, ContentType.APPLICATION)


def commit_clear_text(entry: bytes, room: bytes) -> bytes:
    """Judge an entry that is published as a Commit; returns what it says in clear, for ``read_commit``.

    Raises:
        RefusedError: it is no PrivateMessage of this room with a Commit in it, or too long.
    """
    if len(entry) > MAX_COMMIT_SIZE:
        raise RefusedError("DS-SIZE", ErrorCode.TOO_LARGE, f"a Commit has at most {MAX_COMMIT_SIZE} bytes")
    return _header(entry, room, ContentType.COMMIT).authenticated_data


def changes_in(clear_text: bytes) -> int:
    """How many changes of the roster it can hold at the most, without reading it: thousands take milliseconds."""
    return len(clear_text) // _CHANGE_SIZE


def read_commit(clear_text: bytes, message_id: bytes) -> CommitData:
    """Read what a Commit says in clear.

    Raises:
        RefusedError: it cannot be read, or says another message id.
    """
    try:
        data = CommitData.decode(clear_text)
    except MalformedError as error:
        raise RefusedError("DS-COMMIT-DATA", ErrorCode.MALFORMED, f"the Commit's roster delta: {error}") from None
    if data.message_id != message_id:
        raise RefusedError("DS-COMMIT-ID", ErrorCode.MALFORMED, "the Commit was made under another message id")
    return data


def _is_application(entry: bytes, room: bytes) -> bool:
    """Whether an entry is a well-formed PrivateMessage (RFC 9420 §6.3) of this room with application content.

    It reads the fields without keeping them, in a quarter of the decoder's time. False is no judgement: the decoder
    gives that, and knows the reason.
    """
    start, end = _PRIVATE + encode_length(len(room)) + room, len(entry)
    kind = len(start) + _EPOCH_SIZE
    position = kind + len(_APPLICATION)
    if not entry.startswith(start) or entry[kind:position] != _APPLICATION:
        return False
    try:
        _, position = read_span(entry, position, end)  # authenticated_data
        _, position = read_span(entry, position, end)  # encrypted_sender_data
        _, position = read_span(entry, position, end)  # ciphertext
    except MalformedError:
        return False
    return position == end


def _header(entry: bytes, room: bytes, content: ContentType) -> MessageHeader:
    # Judged before it is parsed: only a PrivateMessage is cheap to parse at any size.
    if entry.startswith(_PUBLIC):
        raise RefusedError("DS-EXTERNAL", ErrorCode.DENIED, "external commits come later")
    if not entry.startswith(_PRIVATE):
        raise RefusedError("DS-ENTRY", ErrorCode.MALFORMED, "an entry is an MLS PrivateMessage")
    try:
        header = message_header(MLSMessage.decode(entry))
    except MalformedError as error:
        raise RefusedError("DS-ENTRY", ErrorCode.MALFORMED, f"not an MLSMessage: {error}") from None
    if header is None or header.content_type is not content:
        raise RefusedError("DS-CONTENT", ErrorCode.MALFORMED, f"this request takes {content.name.lower()} content")
    if header.group_id != room:
        raise RefusedError("DS-ROOM", ErrorCode.MALFORMED, "the entry belongs to another group")
    return header
