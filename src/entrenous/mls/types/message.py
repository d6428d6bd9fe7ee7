"""Messages as they travel: PublicMessage, PrivateMessage and MLSMessage (RFC 9420 §6, §6.2, §6.3)."""

from typing import Annotated, Any, NamedTuple

from entrenous.codec import Codec, Fixed, Opaque, Select, Struct, UInt32, UInt64, codec_for, struct
from entrenous.errors import MalformedError, UsageError
from entrenous.mls.types.framing import (
    CONTENTS,
    Content,
    FramedContent,
    FramedContentAuthData,
    MemberSender,
    auth_codec,
    content_type,
)
from entrenous.mls.types.key_package import KeyPackage
from entrenous.mls.types.registries import MAC, ContentType, ProtocolVersion, WireFormat
from entrenous.mls.types.welcome import GroupInfo, Welcome

REUSE_GUARD_SIZE = 4


@struct
class PublicMessage(Struct):
    """Content that is signed and not encrypted (RFC 9420 §6.2)."""

    content: FramedContent
    auth: FramedContentAuthData
    membership_tag: bytes | None

    @classmethod
    def __codec__(cls) -> Codec:
        write_content, read_content = codec_for(FramedContent)
        write_mac, read_mac = codec_for(MAC)

        def write(value: PublicMessage, out: bytearray) -> None:
            write_content(value.content, out)
            auth_codec(value.content.content_type).write(value.auth, out)
            if isinstance(value.content.sender, MemberSender) is (value.membership_tag is None):
                raise UsageError("a member's PublicMessage has a membership tag, and no other has one")
            if value.membership_tag is not None:
                write_mac(value.membership_tag, out)

        def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
            content, position = read_content(data, position, end)
            auth, position = auth_codec(content.content_type).read(data, position, end)
            tag = None
            if isinstance(content.sender, MemberSender):
                tag, position = read_mac(data, position, end)
            return cls(content, auth, tag), position

        return Codec(write, read)


@struct
class PrivateMessage(Struct):
    """Content that is signed and encrypted; the fields in clear are authenticated (RFC 9420 §6.3)."""

    group_id: Opaque
    epoch: UInt64
    content_type: ContentType
    authenticated_data: Opaque
    encrypted_sender_data: Opaque
    ciphertext: Opaque


@struct
class PrivateContentAAD(Struct):
    """The associated data of a PrivateMessage's ciphertext (RFC 9420 §6.3.1)."""

    group_id: Opaque
    epoch: UInt64
    content_type: ContentType
    authenticated_data: Opaque


@struct
class SenderData(Struct):
    """Who sent a PrivateMessage, and with which key (RFC 9420 §6.3.2)."""

    leaf_index: UInt32
    generation: UInt32
    reuse_guard: Annotated[bytes, Fixed(REUSE_GUARD_SIZE)]


@struct
class SenderDataAAD(Struct):
    """The associated data of the encrypted sender data (RFC 9420 §6.3.2)."""

    group_id: Opaque
    epoch: UInt64
    content_type: ContentType


def encode_private_content(content: Content, auth: FramedContentAuthData, padding: int) -> bytes:
    """The PrivateMessageContent that is encrypted, with ``padding`` zero bytes at its end (RFC 9420 §6.3.1)."""
    out = bytearray()
    kind = content_type(content)
    codec_for(CONTENTS[kind]).write(content, out)
    auth_codec(kind).write(auth, out)
    return bytes(out) + bytes(padding)


def decode_private_content(kind: ContentType, data: bytes) -> tuple[Content, FramedContentAuthData]:
    """Read a decrypted PrivateMessageContent.

    Raises:
        MalformedError: the bytes are no content of that kind, or a byte of the padding is not zero.
    """
    content, position = codec_for(CONTENTS[kind]).read(data, 0, len(data))
    auth, position = auth_codec(kind).read(data, position, len(data))
    # RFC 9420 §6.3.1: "The padding field ... MUST be filled with all zero bytes"; a receiver refuses anything else
    if data.count(0, position) != len(data) - position:
        raise MalformedError("the padding of a PrivateMessage is not all zero")
    return content, auth


_BODIES = {
    WireFormat.PUBLIC_MESSAGE: PublicMessage,
    WireFormat.PRIVATE_MESSAGE: PrivateMessage,
    WireFormat.WELCOME: Welcome,
    WireFormat.GROUP_INFO: GroupInfo,
    WireFormat.KEY_PACKAGE: KeyPackage,
}

Body = Annotated[PublicMessage | PrivateMessage | Welcome | GroupInfo | KeyPackage, Select(WireFormat, _BODIES)]


@struct
class MLSMessage(Struct):
    """Anything that MLS sends (RFC 9420 §6)."""

    version: ProtocolVersion
    body: Body

    @classmethod
    def of(cls, body: Body) -> "MLSMessage":
        """Wrap a body for sending."""
        return MLSMessage(ProtocolVersion.MLS10, body)


class MessageHeader(NamedTuple):
    """What a delivery service may know of a group's message: the part that travels in clear."""

    wire_format: WireFormat
    group_id: bytes
    epoch: int
    content_type: ContentType
    authenticated_data: bytes


def message_header(message: MLSMessage) -> MessageHeader | None:
    """The header of a PublicMessage or PrivateMessage, None for the messages that belong to no epoch."""
    match message.body:
        case PrivateMessage() as body:
            return MessageHeader(
                WireFormat.PRIVATE_MESSAGE, body.group_id, body.epoch, body.content_type, body.authenticated_data
            )
        case PublicMessage(content=content):
            return MessageHeader(
                WireFormat.PUBLIC_MESSAGE,
                content.group_id,
                content.epoch,
                content.content_type,
                content.authenticated_data,
            )
    return None
