"""Making a Commit, and the Welcome that goes with it (RFC 9420 §12.4.1)."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from entrenous.crypto import Entropy, Signer
from entrenous.errors import UsageError
from entrenous.mls.framing import (
    Padding,
    check_open,
    confirm,
    no_padding,
    protect_private,
    protect_public,
    sign_as_member,
)
from entrenous.mls.group.apply import Applied, apply_proposals
from entrenous.mls.group.commit_plan import CommitPlan, InfoOptions
from entrenous.mls.group.credentials import CredentialValidator, accept_credentials, presented_by_commit
from entrenous.mls.group.epoch import check_epoch_number
from entrenous.mls.group.group import RESUMPTION_EPOCHS, Group, NewEpoch
from entrenous.mls.group.group_info import make_group_info
from entrenous.mls.group.key_package import MAX_LIFETIME, check_addable
from entrenous.mls.group.leaf import LeafChange, LeafProfile, check_signer, sign_leaf
from entrenous.mls.group.links import Link
from entrenous.mls.group.proposals import CachedProposal, ProposalList, collect, resolve
from entrenous.mls.group.psks import PskSource, find_psk_secret, no_psks, only_group, psk_source_of
from entrenous.mls.group.view import CommitView, Policy, accept_all, make_view
from entrenous.mls.schedule import KeyChanges, KeySource
from entrenous.mls.tree import (
    NewPath,
    TreeChanges,
    changes_between,
    check_leaf_content,
    check_members,
    create_path,
)
from entrenous.mls.types import (
    AuthenticatedContent,
    FromCommit,
    GroupInfo,
    InlineProposal,
    LeafNode,
    LeafPlace,
    MemberSender,
    Proposal,
    ProposalOrRef,
    ProposalReference,
    WireFormat,
)
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class OwnCommit:
    """A Commit of our own. It takes effect when the delivery service took it, and is dropped when it did not.

    Attributes:
        message: the encoded MLSMessage for the group.
        welcome: the encoded MLSMessage for those whom it adds; None where it adds nobody.
        group_info: the new epoch with its external_pub, for those who join from outside later.
        epoch: the new epoch; it can be encoded and stored before the message is sent.
        view: what the Commit does; None where we join with it from outside, and had no group to show.
        changes: for the KeySource of the epoch that ends: to be stored before the message is sent.
        tree_changes: what it changed in the tree.
    """

    message: bytes
    welcome: bytes | None
    group_info: GroupInfo
    epoch: NewEpoch
    view: CommitView | None
    changes: KeyChanges
    tree_changes: TreeChanges


def commit(
    group: Group,
    keys: KeySource,
    signer: Signer,
    entropy: Entropy,
    *,
    proposals: Sequence[Proposal] = (),
    by_reference: Sequence[CachedProposal] = (),
    authenticated_data: bytes = b"",
    now: int | None = None,
    max_lifetime: int = MAX_LIFETIME,
    force_path: bool = True,
    leaf: LeafChange | None = None,
    info: InfoOptions | None = None,
    psks: PskSource = no_psks,
    credentials: CredentialValidator = accept_credentials,
    policy: Policy = accept_all,
    past_epochs: int = RESUMPTION_EPOCHS,
    link: Link | None = None,
    wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE,
    padding: Padding = no_padding,
    trace: Trace = SILENT,
) -> OwnCommit:
    """Make a Commit. The group stays as it is.

    Args:
        group: the epoch to end.
        keys: our handshake ratchet of that epoch.
        signer: holds our leaf's signature key.
        entropy: for all that is fresh in it.
        proposals: to commit by value.
        by_reference: received proposals to commit, before those.
        authenticated_data: travels in clear, and is authenticated to the members.
        now: seconds since 1970, to judge the lifetime of KeyPackages; needed where one is added.
        max_lifetime: the longest lifetime, in seconds, of a KeyPackage that we add.
        force_path: False leaves the path out where the proposals do not need one.
        leaf: what to change in our leaf; needs a path.
        info: what the GroupInfos say.
        psks: pre-shared keys of the application.
        credentials: judges who the leaves say they are that are new to the group.
        policy: the application's rules, so that we send nothing that others must refuse.
        past_epochs: how many past epochs' resumption PSKs are kept.
        link: what the first Commit of a group's creator links it to; ``reinitialize`` and ``branch`` give it.
        wire_format: PRIVATE_MESSAGE or PUBLIC_MESSAGE.
        padding: hides the size of a PrivateMessage.
        trace: told what was derived.

    Raises:
        CryptoError: a signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: the proposals break a rule, a credential or the policy is against it, or a ReInit ended the
            group.
        UsageError: the signer is not our leaf's, ``now`` is missing, or a group that is not new is linked.
    """
    check_signer(signer, group.own_leaf_node)
    check_open(group)
    check_epoch_number(group.context)
    if link is not None and group.epoch != 0:
        raise UsageError("only the first Commit of a group links it to another")
    entries: tuple[ProposalOrRef, ...] = (
        *(ProposalReference(known.reference) for known in by_reference),
        *(InlineProposal(proposal) for proposal in proposals),
    )
    proposed = resolve(group, MemberSender(group.own_leaf), entries, {known.reference: known for known in by_reference})
    listed = collect(group, group.own_leaf, proposed, None if link is None else link.psk)
    _check_addable(listed, now, max_lifetime)
    applied = apply_proposals(group.rules, group.context.extensions, group.tree, listed)
    path = None
    if force_path or leaf is not None or listed.needs_path:
        path = _new_path(group, applied, signer, leaf or LeafChange(), entropy, trace)
    plan = CommitPlan(group, entries, listed, applied, path)
    committer = group.own_leaf, plan.tree.member(group.own_leaf)
    view = make_view(group, MemberSender(group.own_leaf), committer, listed, proposed, applied, authenticated_data)
    for presented in presented_by_commit(view):
        credentials(presented)
    policy(view)
    known = only_group(group if link is None else link.predecessor)
    psk_secret = find_psk_secret(group.suite, listed.psks, psk_source_of(known, psks), trace=trace)
    content = sign_as_member(group, signer, wire_format, plan.commit(entropy), authenticated_data)
    advanced = plan.advance(content, psk_secret, trace)
    message, changes = _protect(group, keys, confirm(content, advanced.confirmation_tag), padding, entropy, trace)
    new = plan.next_group(advanced, past_epochs)
    new_signer = signer if leaf is None or leaf.signer is None else leaf.signer
    options = info or InfoOptions()
    return OwnCommit(
        message=message,
        welcome=plan.welcome(new, new_signer, advanced, options, entropy, trace),
        group_info=make_group_info(new, new_signer, options.extensions, with_external_pub=True),
        epoch=NewEpoch.of(new, advanced.encryption_secret, trace=trace),
        view=view,
        changes=changes,
        tree_changes=changes_between(group.tree, plan.tree),
    )


def _check_addable(proposals: ProposalList, now: int | None, max_lifetime: int) -> None:
    if not proposals.adds:
        return
    if now is None:
        raise UsageError("a KeyPackage is added: the time is needed to judge its lifetime")
    for key_package in proposals.adds:
        check_addable(key_package, now, max_lifetime)


def _new_path(
    group: Group, applied: Applied, signer: Signer, change: LeafChange, entropy: Entropy, trace: Trace
) -> NewPath:
    profile = change.profile or LeafProfile.of(group.own_leaf_node)
    place = LeafPlace(group.group_id, group.own_leaf)
    sign = functools.partial(_sign_path_leaf, group, change.signer or signer, profile, place)
    path = create_path(group.suite, applied.tree, group.own_leaf, sign, entropy, trace=trace)
    check_leaf_content(path.leaf_node, applied.rules)
    check_members(path.tree)
    return path


def _sign_path_leaf(
    group: Group, signer: Signer, profile: LeafProfile, place: LeafPlace, key: bytes, source: FromCommit
) -> LeafNode:
    return sign_leaf(group.suite, signer, profile, key, source, place)


def _protect(
    group: Group,
    keys: KeySource,
    content: AuthenticatedContent,
    padding: Padding,
    entropy: Entropy,
    trace: Trace,
) -> tuple[bytes, KeyChanges]:
    if content.wire_format is WireFormat.PUBLIC_MESSAGE:
        return protect_public(group, content), KeyChanges({}, {})
    protected = protect_private(group, keys, content, padding=padding, entropy=entropy, trace=trace)
    return protected.message, protected.changes
