"""Framed content and its authentication data (RFC 9420 §6, §6.1)."""

import functools
from typing import Annotated, Any

from entrenous.codec import Codec, Opaque, Select, Struct, UInt32, UInt64, codec_for, encode_as, struct
from entrenous.errors import UsageError
from entrenous.mls.types.commit import Commit
from entrenous.mls.types.kept import Kept
from entrenous.mls.types.proposals import InlineProposal
from entrenous.mls.types.registries import MAC, ContentType, ProtocolVersion, SenderType, WireFormat


@struct
class MemberSender(Struct):
    """A member of the group, by its leaf index."""

    leaf_index: UInt32


@struct
class ExternalSenderIndex(Struct):
    """One of the group's external_senders, by its place in that list."""

    sender_index: UInt32


@struct
class NewMemberProposal(Struct):
    """A client that proposes to add itself."""


@struct
class NewMemberCommit(Struct):
    """A client that adds itself with an external Commit."""


_SENDERS = {
    SenderType.MEMBER: MemberSender,
    SenderType.EXTERNAL: ExternalSenderIndex,
    SenderType.NEW_MEMBER_PROPOSAL: NewMemberProposal,
    SenderType.NEW_MEMBER_COMMIT: NewMemberCommit,
}

Sender = Annotated[
    MemberSender | ExternalSenderIndex | NewMemberProposal | NewMemberCommit, Select(SenderType, _SENDERS)
]


@struct
class ApplicationData(Struct):
    """What the application sent."""

    data: Opaque


CONTENTS: dict[ContentType, type[ApplicationData | InlineProposal | Commit]] = {
    ContentType.APPLICATION: ApplicationData,
    ContentType.PROPOSAL: InlineProposal,
    ContentType.COMMIT: Commit,
}
_CONTENT_TYPES = {cls: kind for kind, cls in CONTENTS.items()}

Content = Annotated[ApplicationData | InlineProposal | Commit, Select(ContentType, CONTENTS)]


def content_type(content: Content) -> ContentType:
    """The registry's number of a content's kind."""
    return _CONTENT_TYPES[type(content)]


@struct
class FramedContent(Kept):
    """A message before it is protected (RFC 9420 §6)."""

    group_id: Opaque
    epoch: UInt64
    sender: Sender
    authenticated_data: Opaque
    content: Content

    @property
    def content_type(self) -> ContentType:
        """What kind of content this is."""
        return content_type(self.content)


#: The version and the wire format, which begin a FramedContentTBS.
_TBS_HEADS = {
    wire_format: encode_as(ProtocolVersion, ProtocolVersion.MLS10) + encode_as(WireFormat, wire_format)
    for wire_format in WireFormat
}


def framed_content_tbs(wire_format: WireFormat, content: FramedContent, group_context: bytes) -> bytes:
    """The FramedContentTBS that a signature covers (RFC 9420 §6.1).

    Args:
        wire_format: how the content will travel.
        content: what is signed.
        group_context: the encoded GroupContext; it is left out where the sender does not know it.
    """
    # RFC 9420 §6.1: the context follows for member and new_member_commit only
    context = group_context if isinstance(content.sender, MemberSender | NewMemberCommit) else b""
    return b"".join((_TBS_HEADS[wire_format], content.encode(), context))


@struct
class FramedContentAuthData(Struct):
    """A content's signature and, of a Commit, its confirmation tag (RFC 9420 §6.1).

    Its form depends on the content before it: read and write it with ``auth_codec``.
    """

    signature: Opaque
    confirmation_tag: bytes | None

    @classmethod
    def __codec__(cls) -> Codec:
        raise UsageError("FramedContentAuthData has no form without its content: use auth_codec")


@functools.cache
def auth_codec(kind: ContentType) -> Codec:
    """Both directions of the FramedContentAuthData behind a content of this kind."""
    with_tag = kind is ContentType.COMMIT
    write_bytes, read_bytes = codec_for(MAC)

    def write(auth: FramedContentAuthData, out: bytearray) -> None:
        write_bytes(auth.signature, out)
        if with_tag is (auth.confirmation_tag is None):
            raise UsageError("a Commit has a confirmation tag, and nothing else has one")
        if auth.confirmation_tag is not None:
            write_bytes(auth.confirmation_tag, out)

    def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
        signature, position = read_bytes(data, position, end)
        tag = None
        if with_tag:
            tag, position = read_bytes(data, position, end)
        return FramedContentAuthData(signature, tag), position

    return Codec(write, read)


@struct
class AuthenticatedContent(Struct):
    """Content with its authentication data, as transcript hashes and ProposalRefs cover it (RFC 9420 §6)."""

    wire_format: WireFormat
    content: FramedContent
    auth: FramedContentAuthData

    @classmethod
    def __codec__(cls) -> Codec:
        write_format, read_format = codec_for(WireFormat)
        write_content, read_content = codec_for(FramedContent)

        def write(value: AuthenticatedContent, out: bytearray) -> None:
            write_format(value.wire_format, out)
            write_content(value.content, out)
            auth_codec(value.content.content_type).write(value.auth, out)

        def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
            wire_format, position = read_format(data, position, end)
            content, position = read_content(data, position, end)
            auth, position = auth_codec(content.content_type).read(data, position, end)
            return cls(wire_format, content, auth), position

        return Codec(write, read)


def confirmed_transcript_hash_input(
    wire_format: WireFormat, content: FramedContent, signature: bytes
) -> tuple[bytes, bytes, bytes]:
    """The ConfirmedTranscriptHashInput that a Commit adds to the transcript (RFC 9420 §8.2), in three parts.

    They are hashed as they are: the content may be a megabyte.
    """
    return encode_as(WireFormat, wire_format), content.encode(), encode_as(Opaque, signature)


@struct
class InterimTranscriptHashInput(Struct):
    """What a Commit adds to the interim transcript hash (RFC 9420 §8.2)."""

    confirmation_tag: MAC
