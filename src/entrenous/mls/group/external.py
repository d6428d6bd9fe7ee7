"""Joining from outside, by a Commit of one's own (RFC 9420 §8.3, §12.4.3.2)."""

import functools
from collections.abc import Sequence

from entrenous.crypto import Entropy, Signer
from entrenous.errors import RejectedError
from entrenous.mls.framing import confirm, protect_from_outside, sign
from entrenous.mls.group.apply import Applied, apply_proposals
from entrenous.mls.group.commit import OwnCommit
from entrenous.mls.group.credentials import CredentialValidator, accept_credentials
from entrenous.mls.group.epoch import Contribution, advance, check_epoch_number, next_group, provisional_context
from entrenous.mls.group.group import NewEpoch
from entrenous.mls.group.group_info import CheckedGroupInfo, check_group_info, judge_members, make_group_info
from entrenous.mls.group.leaf import LeafProfile, sign_leaf
from entrenous.mls.group.process import with_joiner
from entrenous.mls.group.proposals import collect_external
from entrenous.mls.group.psks import GroupSource, PskSource, check_not_in, find_psk_secret, no_groups, no_psks
from entrenous.mls.schedule import CommitSecret, KeyChanges, external_init_sender, interim_transcript_hash
from entrenous.mls.tree import NewPath, RatchetTree, changes_between, check_leaf_content, check_members, create_path
from entrenous.mls.types import (
    AuthenticatedContent,
    Commit,
    Extension,
    ExternalInit,
    FramedContent,
    FromCommit,
    GroupInfo,
    InlineProposal,
    LeafNode,
    LeafPlace,
    NewMemberCommit,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    Remove,
    UpdatePath,
    WireFormat,
    external_pub,
)
from entrenous.trace import SILENT, Trace


def external_commit(
    group_info: GroupInfo,
    tree: RatchetTree | None,
    signer: Signer,
    profile: LeafProfile,
    entropy: Entropy,
    *,
    replaces: int | None = None,
    use_psks: Sequence[PreSharedKeyID] = (),
    psks: PskSource = no_psks,
    groups: GroupSource = no_groups,
    credentials: CredentialValidator = accept_credentials,
    max_lifetime: int | None = None,
    authenticated_data: bytes = b"",
    info_extensions: tuple[Extension, ...] = (),
    trace: Trace = SILENT,
) -> OwnCommit:
    """Join a group by an external Commit, a PublicMessage.

    Args:
        group_info: of the group's newest epoch, with its external_pub.
        tree: of that epoch; None takes it out of the GroupInfo.
        signer: our signature key.
        profile: what our leaf shows.
        entropy: for all that is fresh in it.
        replaces: leaf index of an earlier leaf of ours, removed by the same Commit.
        use_psks: pre-shared keys to prove, by their name.
        psks: their values.
        groups: those that we take part in.
        credentials: judges who the members say they are.
        max_lifetime: the longest lifetime, in seconds, of a KeyPackage that was added; None for any.
        authenticated_data: travels in clear, and is authenticated to the members.
        info_extensions: of the new epoch's GroupInfo.
        trace: told what was derived.

    Raises:
        CryptoError: a signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a rule is broken, or the GroupInfo allows no external Commit.
    """
    checked = check_group_info(group_info, tree)
    suite, before = checked.suite, group_info.group_context
    check_epoch_number(before)
    if replaces is None:
        check_not_in(before.group_id, groups)
    judge_members(checked, replaces, credentials, max_lifetime)
    public = external_pub(group_info.extensions)
    if public is None:
        raise RejectedError("MLS-EXTERNAL-PUB", "a GroupInfo without an external_pub lets nobody join from outside")
    kem_output, init_secret = external_init_sender(suite, public, entropy)
    proposals: list[Proposal] = [ExternalInit(kem_output), *(PreSharedKey(psk) for psk in use_psks)]
    if replaces is not None:
        proposals.append(Remove(replaces))
    listed = collect_external(suite, proposals)
    applied = apply_proposals(checked.rules, before.extensions, checked.tree, listed)
    path = _new_path(checked, applied, signer, profile, entropy, trace)
    provisional = provisional_context(before, path.tree, before.extensions)
    update = path.encrypt(suite, provisional.encode(), (), entropy)
    content = _sign(checked, signer, proposals, update, authenticated_data)
    contribution = Contribution(
        init_secret,
        CommitSecret(path.commit_secret.reveal()),
        find_psk_secret(suite, listed.psks, psks, trace=trace),
    )
    interim = interim_transcript_hash(suite, before.confirmed_transcript_hash, group_info.confirmation_tag)
    advanced = advance(suite, provisional, interim, content, contribution, trace=trace)
    new = next_group(advanced, path.tree, path.leaf_index, path.private_keys)
    return OwnCommit(
        message=protect_from_outside(confirm(content, advanced.confirmation_tag)),
        welcome=None,
        group_info=make_group_info(new, signer, info_extensions, with_external_pub=True),
        epoch=NewEpoch.of(new, advanced.encryption_secret, trace=trace),
        view=None,
        changes=KeyChanges({}, {}),
        tree_changes=changes_between(checked.tree, path.tree),
    )


def _new_path(
    checked: CheckedGroupInfo, applied: Applied, signer: Signer, profile: LeafProfile, entropy: Entropy, trace: Trace
) -> NewPath:
    # Only the place of this leaf matters: the path replaces it before anything is hashed.
    stand_in = LeafNode(b"", b"", profile.credential, profile.capabilities, FromCommit(b""), (), b"")
    tree, index = with_joiner(applied.tree, stand_in)
    sign_at = functools.partial(_sign_leaf_at, checked, signer, profile, index)
    path = create_path(checked.suite, tree, index, sign_at, entropy, trace=trace)
    check_leaf_content(path.leaf_node, applied.rules)
    check_members(path.tree)
    return path


def _sign_leaf_at(
    checked: CheckedGroupInfo, signer: Signer, profile: LeafProfile, index: int, key: bytes, source: FromCommit
) -> LeafNode:
    return sign_leaf(checked.suite, signer, profile, key, source, LeafPlace(checked.rules.group_id, index))


def _sign(
    checked: CheckedGroupInfo,
    signer: Signer,
    proposals: Sequence[Proposal],
    update: UpdatePath,
    authenticated_data: bytes,
) -> AuthenticatedContent:
    context = checked.info.group_context
    commit = Commit(tuple(InlineProposal(proposal) for proposal in proposals), update)
    framed = FramedContent(context.group_id, context.epoch, NewMemberCommit(), authenticated_data, commit)
    return sign(checked.suite, signer, WireFormat.PUBLIC_MESSAGE, framed, context.encode())
