"""Proposals on their way into a Commit: cached, collected and judged as a list (RFC 9420 §12.1, §12.2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from entrenous.codec import Opaque, Struct, UInt64, struct
from entrenous.errors import RejectedError, UsageError
from entrenous.mls.framing import Received
from entrenous.mls.group.group import Group
from entrenous.mls.group.psks import check_psk_ids
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import check_extensions
from entrenous.mls.types import (
    Add,
    Extension,
    ExternalInit,
    GroupContextExtensions,
    InlineProposal,
    KeyPackage,
    LeafNode,
    MemberSender,
    NewMemberCommit,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    ProposalOrRef,
    ReInit,
    Remove,
    ResumptionPSK,
    Sender,
    Update,
    proposal_type,
)


@struct
class CachedProposal(Struct):
    """A proposal that was received in an epoch, to be committed by reference; it encodes, for a store."""

    reference: Opaque
    epoch: UInt64
    sender: Sender
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal of a Commit, and who made it: the committer himself where it stands there by value."""

    sender: Sender
    proposal: Proposal


@dataclass(slots=True)
class ProposalList:
    """A Commit's proposals, judged and sorted by kind; each kind in the order of the Commit.

    A dict without values is an ordered set, so that a long hostile list costs no quadratic search.
    """

    adds: list[KeyPackage] = field(default_factory=list)
    updates: dict[int, LeafNode] = field(default_factory=dict)
    removes: dict[int, None] = field(default_factory=dict)
    psks: dict[PreSharedKeyID, None] = field(default_factory=dict)
    extensions: tuple[Extension, ...] | None = None
    kem_output: bytes | None = None
    reinit: ReInit | None = None

    @property
    def needs_path(self) -> bool:
        """Whether one of them is of a kind that must come with a path, or there are none at all (RFC 9420 §12.4)."""
        needs = self.updates or self.removes or self.extensions is not None or self.kem_output is not None
        return bool(needs) or not (self.adds or self.psks or self.reinit)


def cache_proposal(group: Group, received: Received) -> CachedProposal:
    """Keep a received proposal for the Commit that will name it. It is judged only there, with all the others.

    Raises:
        UsageError: the message is no proposal, or not of this group's epoch.
    """
    content = received.content.content
    if not isinstance(content.content, InlineProposal) or not is_of_epoch(group, received):
        raise UsageError("this is no proposal of the group's epoch")
    reference = group.suite.proposal_ref(received.content.encode())
    return CachedProposal(reference, group.epoch, content.sender, content.content.proposal)


def is_of_epoch(group: Group, received: Received) -> bool:
    """Whether a message was unprotected with this very epoch."""
    content = received.content.content
    return (content.group_id, content.epoch) == (group.group_id, group.epoch)


def resolve(
    group: Group, committer: Sender, entries: Iterable[ProposalOrRef], cached: Mapping[bytes, CachedProposal]
) -> list[Proposed]:
    """A Commit's proposals with those behind its references.

    Raises:
        RejectedError: MLS-PROPOSAL-UNKNOWN, a reference names none of this epoch's proposals;
            MLS-EXTERNAL-REFERENCE, an external Commit has a reference.
    """
    found = []
    for entry in entries:
        if isinstance(entry, InlineProposal):
            found.append(Proposed(committer, entry.proposal))
            continue
        # RFC 9420 §12.4.3.2: an external Commit "MUST NOT include any proposals by reference"
        if isinstance(committer, NewMemberCommit):
            raise RejectedError("MLS-EXTERNAL-REFERENCE", "an external Commit names a proposal by reference")
        kept = cached.get(entry.reference)
        if kept is None or kept.epoch != group.epoch:
            raise RejectedError("MLS-PROPOSAL-UNKNOWN", "a Commit names a proposal that we have not received")
        found.append(Proposed(kept.sender, kept.proposal))
    return found


def collect(
    group: Group, committer: int, proposed: Sequence[Proposed], link: ResumptionPSK | None = None
) -> ProposalList:
    """Judge a member's proposal list as a list (RFC 9420 §12.2); leaves are judged when it is applied.

    Args:
        group: the epoch that the Commit ends.
        committer: his leaf index.
        proposed: the proposals in the order of the Commit.
        link: the resumption PSK of the group that this one succeeds or branches from, in its first Commit.

    Raises:
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: the list is invalid.
    """
    found = ProposalList()
    for item in proposed:
        match item.proposal:
            case Update(leaf_node=leaf):
                _take_update(found, committer, item.sender, leaf)
            case Remove(removed=removed):
                _take_remove(found, group, committer, removed)
            case ExternalInit():
                # RFC 9420 §12.2: a member's list is invalid if "It contains an ExternalInit proposal"
                raise RejectedError("MLS-PROPOSALS-EXTERNAL-INIT", "a member's Commit holds an ExternalInit")
            case other:
                _take_common(found, group.suite, other, link)
    # RFC 9420 §12.2: invalid is "a ReInit proposal together with any other proposal"
    if found.reinit is not None and len(proposed) > 1:
        raise RejectedError("MLS-PROPOSALS-REINIT", "a Commit holds a ReInit and something else")
    return found


def collect_external(group_suite: CipherSuite, proposals: Sequence[Proposal]) -> ProposalList:
    """Judge the proposal list of an external Commit (RFC 9420 §12.2).

    Raises:
        RejectedError: the list is invalid.
    """
    found = ProposalList()
    for proposal in proposals:
        match proposal:
            case ExternalInit(kem_output=kem_output) if found.kem_output is None:
                found.kem_output = kem_output
            case Remove(removed=removed) if not found.removes:
                found.removes[removed] = None
            case PreSharedKey():
                _take_common(found, group_suite, proposal)
            case other:
                # RFC 9420 §12.2: one ExternalInit, at most one Remove, PreSharedKeys, "No other proposals"
                raise RejectedError("MLS-EXTERNAL-PROPOSALS", f"a {proposal_type(other).name} too many")
    if found.kem_output is None:
        raise RejectedError("MLS-EXTERNAL-PROPOSALS", "an external Commit without an ExternalInit")
    return found


def _take_update(found: ProposalList, committer: int, sender: Sender, leaf: LeafNode) -> None:
    if not isinstance(sender, MemberSender):
        raise RejectedError("MLS-PROPOSAL-SENDER", "an Update from outside of the group")
    # RFC 9420 §12.2: invalid is "an Update proposal generated by the committer"
    if sender.leaf_index == committer:
        raise RejectedError("MLS-PROPOSALS-OWN-UPDATE", "a Commit holds its sender's own Update")
    _refuse_second(found, sender.leaf_index)
    found.updates[sender.leaf_index] = leaf


def _take_remove(found: ProposalList, group: Group, committer: int, removed: int) -> None:
    # RFC 9420 §12.2: invalid is "a Remove proposal that removes the committer"
    if removed == committer:
        raise RejectedError("MLS-PROPOSALS-REMOVE-COMMITTER", "a Commit removes its own sender")
    group.tree.member(removed)
    _refuse_second(found, removed)
    found.removes[removed] = None


def _refuse_second(found: ProposalList, leaf: int) -> None:
    # RFC 9420 §12.2: invalid are "multiple Update and/or Remove proposals that apply to the same leaf"
    if leaf in found.updates or leaf in found.removes:
        raise RejectedError("MLS-PROPOSALS-SAME-LEAF", f"a Commit changes leaf {leaf} twice")


def _take_common(
    found: ProposalList, suite: CipherSuite, proposal: Proposal, link: ResumptionPSK | None = None
) -> None:
    match proposal:
        case Add(key_package=key_package):
            found.adds.append(key_package)
        case PreSharedKey(psk=psk):
            check_psk_ids(suite, (psk,), already=len(found.psks), link=link)
            # RFC 9420 §12.2: invalid are "multiple PreSharedKey proposals that reference the same PreSharedKeyID"
            if psk in found.psks:
                raise RejectedError("MLS-PROPOSALS-PSK-TWICE", "a Commit uses one pre-shared key twice")
            found.psks[psk] = None
        case GroupContextExtensions(extensions=extensions):
            # RFC 9420 §12.2: invalid are "multiple GroupContextExtensions proposals"
            if found.extensions is not None:
                raise RejectedError("MLS-PROPOSALS-EXTENSIONS-TWICE", "a Commit replaces the extensions twice")
            found.extensions = extensions
        case ReInit(extensions=extensions):
            check_extensions(extensions)
            found.reinit = proposal
        case _:
            raise UsageError(f"{type(proposal).__name__} is judged elsewhere")
