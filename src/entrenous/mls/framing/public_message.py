"""PublicMessage: handshake content that is signed and, from members, tagged, but not encrypted (RFC 9420 §6.2)."""

import dataclasses

from entrenous.errors import CryptoError, RejectedError, UsageError
from entrenous.mls.framing.content_auth import to_be_signed, verify
from entrenous.mls.framing.view import EpochView
from entrenous.mls.types import (
    ApplicationData,
    AuthenticatedContent,
    FramedContent,
    MemberSender,
    MLSMessage,
    PublicMessage,
    WireFormat,
    auth_codec,
)


def protect_public(view: EpochView, content: AuthenticatedContent) -> bytes:
    """Encode a member's signed handshake content as an MLSMessage with a PublicMessage.

    Raises:
        RejectedError: MLS-PUBLIC-APPLICATION, application data travels encrypted only.
        UsageError: the content was not signed for this wire format, or by no member.
    """
    message = _public_message(content)
    tag = view.suite.mac(view.secrets.membership_key.reveal(), _to_be_tagged(to_be_signed(view, content), content))
    return MLSMessage.of(dataclasses.replace(message, membership_tag=tag)).encode()


def protect_from_outside(content: AuthenticatedContent) -> bytes:
    """The same for a sender who is no member: a newcomer or an external sender. It has no membership tag.

    Raises:
        RejectedError: MLS-PUBLIC-APPLICATION.
        UsageError: the content was not signed for this wire format, or by a member.
    """
    return MLSMessage.of(_public_message(content)).encode()


def unprotect_public(view: EpochView, message: PublicMessage) -> AuthenticatedContent:
    """Check who sent a PublicMessage of the view's epoch. A Commit's confirmation tag is for the next epoch to check.

    Raises:
        CryptoError: the signature or the membership tag is wrong or absent.
        RejectedError: MLS-PUBLIC-APPLICATION, MLS-SENDER-UNKNOWN or MLS-SENDER-CONTENT.
    """
    _refuse_application(message.content)
    content = AuthenticatedContent(WireFormat.PUBLIC_MESSAGE, message.content, message.auth)
    tbs = to_be_signed(view, content)
    if isinstance(message.content.sender, MemberSender):
        # RFC 9420 §6.2: "the application MUST check membership_tag"; cheap, so before the signature
        if message.membership_tag is None:
            raise CryptoError
        key = view.secrets.membership_key.reveal()
        view.suite.verify_mac(key, message.membership_tag, _to_be_tagged(tbs, content))
    verify(view, content, tbs)
    return content


def _public_message(content: AuthenticatedContent) -> PublicMessage:
    if content.wire_format is not WireFormat.PUBLIC_MESSAGE:
        raise UsageError("this content was signed for another wire format")
    _refuse_application(content.content)
    return PublicMessage(content.content, content.auth, None)


def _refuse_application(content: FramedContent) -> None:
    # RFC 9420 §6: "Applications MUST use PrivateMessage to encrypt application messages"
    if isinstance(content.content, ApplicationData):
        raise RejectedError("MLS-PUBLIC-APPLICATION", "application data in a PublicMessage")


def _to_be_tagged(tbs: bytes, content: AuthenticatedContent) -> bytes:
    """The AuthenticatedContentTBM (RFC 9420 §6.2)."""
    out = bytearray(tbs)
    auth_codec(content.content.content_type).write(content.auth, out)
    return bytes(out)
