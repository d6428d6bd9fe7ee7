"""Who signed a framed content, and whether he may have sent it (RFC 9420 §6.1)."""

import dataclasses

from entrenous.crypto import Signer
from entrenous.errors import RejectedError
from entrenous.mls.framing.view import EpochView, check_open
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import (
    Add,
    AuthenticatedContent,
    Commit,
    Content,
    ExternalSenderIndex,
    FramedContent,
    FramedContentAuthData,
    GroupContextExtensions,
    InlineProposal,
    MemberSender,
    NewMemberCommit,
    NewMemberProposal,
    PreSharedKey,
    ReInit,
    Remove,
    WireFormat,
    framed_content_tbs,
)

#: The signature label of every framed content (RFC 9420 §6.1).
LABEL = "FramedContentTBS"

#: RFC 9420 §12.1.8: the proposals that an external sender may make.
EXTERNAL_PROPOSALS = (Add, Remove, PreSharedKey, ReInit, GroupContextExtensions)


def sign(
    suite: CipherSuite, signer: Signer, wire_format: WireFormat, content: FramedContent, group_context: bytes
) -> AuthenticatedContent:
    """Sign a content for one wire format. A Commit then needs ``confirm`` before it can be encoded.

    Args:
        suite: the group's.
        signer: holds the private key of the content's sender.
        wire_format: how the content will travel; the signature covers it.
        content: what to sign.
        group_context: the encoded GroupContext; left out by itself where the sender does not know it.

    Raises:
        UsageError: ``signer`` signs with another scheme than the suite's.
    """
    tbs = framed_content_tbs(wire_format, content, group_context)
    return AuthenticatedContent(
        wire_format, content, FramedContentAuthData(suite.sign_with_label(signer, LABEL, tbs), None)
    )


def sign_as_member(
    view: EpochView, signer: Signer, wire_format: WireFormat, body: Content, authenticated_data: bytes
) -> AuthenticatedContent:
    """Frame and sign what the view's own member says in its epoch.

    Args:
        view: the epoch.
        signer: holds the member's signature key.
        wire_format: how the content will travel.
        body: application data, a proposal or a Commit.
        authenticated_data: travels in clear, and is authenticated to the members.

    Raises:
        RejectedError: MLS-GROUP-CLOSED, a ReInit ended the group.
        UsageError: ``signer`` signs with another scheme than the suite's.
    """
    check_open(view)
    content = FramedContent(view.group_id, view.epoch, MemberSender(view.own_leaf), authenticated_data, body)
    return sign(view.suite, signer, wire_format, content, view.encoded_context)


def confirm(commit: AuthenticatedContent, confirmation_tag: bytes) -> AuthenticatedContent:
    """Complete a signed Commit with the confirmation tag of the epoch that it begins."""
    return dataclasses.replace(commit, auth=FramedContentAuthData(commit.auth.signature, confirmation_tag))


def to_be_signed(view: EpochView, content: AuthenticatedContent) -> bytes:
    """The FramedContentTBS of a content in the view's epoch."""
    return framed_content_tbs(content.wire_format, content.content, view.encoded_context)


def verify(view: EpochView, content: AuthenticatedContent, tbs: bytes) -> None:
    """Check a content's signature with the key that its kind of sender signs with.

    Args:
        view: the epoch.
        content: what was received.
        tbs: its ``to_be_signed``, which a caller may need twice.

    Raises:
        CryptoError: the signature is wrong or absent.
        RejectedError: MLS-SENDER-UNKNOWN or MLS-SENDER-CONTENT, see ``sender_key``.
    """
    view.suite.verify_with_label(sender_key(view, content.content), LABEL, tbs, content.auth.signature)


def sender_key(view: EpochView, content: FramedContent) -> bytes:
    """The key that must have signed ``content`` (RFC 9420 §6.1).

    Raises:
        RejectedError: MLS-SENDER-UNKNOWN, the group has no such sender; MLS-SENDER-CONTENT, such a sender may not
            send such a content.
    """
    match content.sender, content.content:
        case MemberSender(leaf_index=leaf), _:
            return _known(view.signature_key(leaf), f"no member at leaf {leaf}")
        case ExternalSenderIndex(sender_index=index), InlineProposal(proposal=proposal) if isinstance(
            proposal, EXTERNAL_PROPOSALS
        ):
            return _known(view.external_sender_key(index), f"no external sender {index}")
        case NewMemberProposal(), InlineProposal(proposal=Add(key_package=key_package)):
            return key_package.leaf_node.signature_key
        case NewMemberCommit(), Commit(path=path) if path is not None:
            return path.leaf_node.signature_key
    # RFC 9420 §6.1: external senders propose, newcomers propose to add themselves or commit with a path
    raise RejectedError(
        "MLS-SENDER-CONTENT", f"a {type(content.sender).__name__} may not send this {type(content.content).__name__}"
    )


def _known(key: bytes | None, otherwise: str) -> bytes:
    if key is None:
        raise RejectedError("MLS-SENDER-UNKNOWN", otherwise)
    return key
