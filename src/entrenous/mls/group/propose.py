"""Sending single proposals for others to commit (RFC 9420 §12.1)."""

from dataclasses import dataclass

from entrenous.crypto import Entropy, KEMPrivateKey, Signer
from entrenous.errors import RejectedError
from entrenous.mls.framing import (
    EXTERNAL_PROPOSALS,
    Padding,
    no_padding,
    protect_from_outside,
    protect_private,
    protect_public,
    sign,
    sign_as_member,
)
from entrenous.mls.group.group import Group
from entrenous.mls.group.leaf import LeafProfile, check_signer, sign_leaf
from entrenous.mls.group.proposals import CachedProposal
from entrenous.mls.schedule import KeyChanges, KeySource
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import (
    Add,
    ExternalSenderIndex,
    FramedContent,
    FromUpdate,
    InlineProposal,
    LeafPlace,
    NewMemberProposal,
    Proposal,
    Update,
    WireFormat,
)
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class OwnProposal:
    """A proposal of our own, ready to send.

    Attributes:
        message: the encoded MLSMessage.
        cached: the same for the Commit that will name it.
        changes: for the KeySource: to be stored before the message is sent.
    """

    message: bytes
    cached: CachedProposal
    changes: KeyChanges


@dataclass(frozen=True, slots=True)
class OwnUpdate:
    """An Update of our leaf, and the private key to keep until it is committed or the epoch ends."""

    proposal: Update
    private_key: KEMPrivateKey


def propose(
    group: Group,
    keys: KeySource,
    signer: Signer,
    proposal: Proposal,
    entropy: Entropy,
    *,
    authenticated_data: bytes = b"",
    wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE,
    padding: Padding = no_padding,
    trace: Trace = SILENT,
) -> OwnProposal:
    """Protect a proposal. Others judge it when it is committed.

    Raises:
        RejectedError: MLS-GENERATION-EXHAUSTED.
        UsageError: the signer is not our leaf's.
    """
    check_signer(signer, group.own_leaf_node)
    content = sign_as_member(group, signer, wire_format, InlineProposal(proposal), authenticated_data)
    reference = group.suite.proposal_ref(content.encode())
    cached = CachedProposal(reference, group.epoch, content.content.sender, proposal)
    if wire_format is WireFormat.PUBLIC_MESSAGE:
        return OwnProposal(protect_public(group, content), cached, KeyChanges({}, {}))
    protected = protect_private(group, keys, content, padding=padding, entropy=entropy, trace=trace)
    return OwnProposal(protected.message, cached, protected.changes)


def propose_from_outside(
    suite: CipherSuite,
    group_id: bytes,
    epoch: int,
    signer: Signer,
    proposal: Proposal,
    *,
    sender_index: int | None = None,
    authenticated_data: bytes = b"",
) -> bytes:
    """An external proposal (RFC 9420 §12.1.8), as a PublicMessage: whoever sends it is no member.

    Args:
        suite: the group's.
        group_id: the group's.
        epoch: its present one.
        signer: the external sender's signature key, or that of the leaf in the Add.
        proposal: an Add of the sender's own KeyPackage; anything that EXTERNAL_PROPOSALS lists from an external sender.
        sender_index: the sender's place in the group's external_senders; None for one who wants to join.
        authenticated_data: travels beside it.

    Raises:
        RejectedError: rule MLS-SENDER-CONTENT, such a sender may not propose this.
        UsageError: the signer's key is not that of the KeyPackage's leaf, or of another scheme than the suite's.
    """
    # RFC 9420 §12.1.8: proposals of other kinds "MUST be rejected"
    if not isinstance(proposal, (Add,) if sender_index is None else EXTERNAL_PROPOSALS):
        raise RejectedError(
            "MLS-SENDER-CONTENT", f"nobody outside of a group may propose this {type(proposal).__name__}"
        )
    if sender_index is None and isinstance(proposal, Add):
        check_signer(signer, proposal.key_package.leaf_node)
    sender = NewMemberProposal() if sender_index is None else ExternalSenderIndex(sender_index)
    framed = FramedContent(group_id, epoch, sender, authenticated_data, InlineProposal(proposal))
    # Such a sender need not know the GroupContext, and does not sign it.
    return protect_from_outside(sign(suite, signer, WireFormat.PUBLIC_MESSAGE, framed, b""))


def make_update(group: Group, signer: Signer, entropy: Entropy, profile: LeafProfile | None = None) -> OwnUpdate:
    """An Update with a new encryption key for our leaf.

    Args:
        group: the epoch to propose it in.
        signer: signs the leaf: its present key, or the one that it gets.
        entropy: for the new key.
        profile: what the leaf shows from then on; None leaves it as it is.

    Raises:
        UsageError: ``signer`` signs with another scheme than the suite's.
    """
    key = group.suite.hpke.generate(entropy)
    place = LeafPlace(group.group_id, group.own_leaf)
    shown = profile or LeafProfile.of(group.own_leaf_node)
    return OwnUpdate(Update(sign_leaf(group.suite, signer, shown, key.public, FromUpdate(), place)), key.private)
