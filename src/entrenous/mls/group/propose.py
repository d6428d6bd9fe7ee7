"""Sending single proposals for others to commit (RFC 9420 §12.1)."""

from dataclasses import dataclass

from entrenous.crypto import Entropy, KEMPrivateKey, Signer
from entrenous.mls.framing import Padding, no_padding, protect_private, protect_public, sign_as_member
from entrenous.mls.group.group import Group
from entrenous.mls.group.leaf import LeafProfile, check_signer, sign_leaf
from entrenous.mls.group.proposals import CachedProposal
from entrenous.mls.schedule import KeyChanges, KeySource
from entrenous.mls.types import FromUpdate, InlineProposal, LeafPlace, Proposal, Update, WireFormat
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
