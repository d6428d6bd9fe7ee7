"""Receiving a Commit (RFC 9420 §12.4.2): first judged by what all members see, then by what only we can open."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrenous.crypto import KEMPrivateKey
from entrenous.errors import RejectedError, UsageError
from entrenous.mls.framing import Received, check_open
from entrenous.mls.group.apply import Applied, apply_proposals, check_path_leaf, surviving_keys
from entrenous.mls.group.credentials import CredentialValidator, accept_credentials, presented_by_commit
from entrenous.mls.group.epoch import (
    Contribution,
    advance,
    check_confirmation_tag,
    check_epoch_number,
    next_group,
    provisional_context,
)
from entrenous.mls.group.group import RESUMPTION_EPOCHS, Group, NewEpoch
from entrenous.mls.group.key_package import check_total_lifetime
from entrenous.mls.group.proposals import (
    CachedProposal,
    ProposalList,
    Proposed,
    collect,
    collect_external,
    is_of_epoch,
    resolve,
)
from entrenous.mls.group.psks import PskSource, find_psk_secret, no_psks, only_group, psk_source_of
from entrenous.mls.group.view import CommitView, Policy, accept_all, make_view
from entrenous.mls.schedule import CommitSecret, InitSecret, KeyChanges, external_init_receiver, external_key_pair
from entrenous.mls.tree import (
    RatchetTree,
    TreeChanges,
    TreeEditor,
    changes_between,
    check_members,
    check_path_ciphertexts,
    merge_path,
    open_path,
)
from entrenous.mls.types import Commit, LeafNode, MemberSender, UpdatePath
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class StagedCommit:
    """A received Commit that keeps every rule and that we came through. Only ``stage`` makes one.

    Attributes:
        view: what it does.
        epoch: the epoch that it begins.
        changes: for the KeySource of the epoch that ends, if its messages are still to be read.
    """

    view: CommitView
    epoch: NewEpoch
    changes: KeyChanges

    @property
    def tree_changes(self) -> TreeChanges:
        """What it changed in the tree; found when asked for."""
        return changes_between(self.view.group.tree, self.epoch.group.tree)


@dataclass(frozen=True, slots=True)
class Eviction:
    """A received Commit that keeps every rule and removes us. We can neither read nor check what comes after.

    Attributes:
        view: what it does.
        changes: as in a StagedCommit.
    """

    view: CommitView
    changes: KeyChanges


@dataclass(frozen=True, slots=True)
class _Judged:
    """A Commit after everything that all members can check."""

    view: CommitView
    proposals: ProposalList
    applied: Applied
    commit: Commit
    #: After the proposals, with the leaf of one who joins from outside; what its path was made over.
    before_path: RatchetTree
    after: RatchetTree


def stage(
    group: Group,
    received: Received,
    *,
    cached: Mapping[bytes, CachedProposal] | None = None,
    update_keys: Mapping[bytes, KEMPrivateKey] | None = None,
    psks: PskSource = no_psks,
    credentials: CredentialValidator = accept_credentials,
    max_lifetime: int | None = None,
    policy: Policy = accept_all,
    past_epochs: int = RESUMPTION_EPOCHS,
    trace: Trace = SILENT,
) -> StagedCommit | Eviction:
    """Judge a Commit and derive the epoch that it begins. The group stays as it is, whatever comes out.

    Rules that end in ``RejectedError`` or ``CryptoError`` are the same for every member, with three exceptions that
    depend on secrets or on what we have: MLS-PATH-SECRET, MLS-CONFIRMATION-TAG and MLS-PSK-UNKNOWN. After one of
    those, others may have gone on, and we have to join anew (RFC 9420 §16.12). See ``DIVERGING_RULES``.

    Args:
        group: the epoch that the Commit ends.
        received: the Commit, unprotected with this group.
        cached: proposals of this epoch by their reference.
        update_keys: private keys of Updates that we proposed in this epoch, by their public key.
        psks: pre-shared keys of the application.
        credentials: judges who the leaves say they are that are new to the group.
        max_lifetime: the longest lifetime, in seconds, of a KeyPackage that is added; None for any.
        policy: the application's rules; it sees the Commit before any secret is used.
        past_epochs: how many past epochs' resumption PSKs are kept.
        trace: told what was derived.

    Raises:
        CryptoError: a signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a rule is broken, or a credential or the policy is against it.
        UsageError: the message is no Commit, or not of this group's epoch.
    """
    judged = _judge(group, received, cached or {})
    for _, leaf in judged.view.added:
        check_total_lifetime(leaf, max_lifetime)
    for presented in presented_by_commit(judged.view):
        credentials(presented)
    policy(judged.view)
    if trace is not SILENT:
        committer = judged.view.committer
        trace.step("mls.commit.judged", group=group.group_id.hex(), epoch=group.epoch, committer=committer)
    if group.own_leaf in judged.proposals.removes:
        return Eviction(judged.view, received.changes)
    epoch = _enter(group, received, judged, update_keys or {}, psks, past_epochs, trace)
    return StagedCommit(judged.view, epoch, received.changes)


#: Rules that a Commit can break for some members and keep for others.
DIVERGING_RULES = frozenset({"MLS-PATH-SECRET", "MLS-CONFIRMATION-TAG", "MLS-PSK-UNKNOWN"})


def _judge(group: Group, received: Received, cached: Mapping[bytes, CachedProposal]) -> _Judged:
    """Everything that follows from the group's public state and the Commit's bytes."""
    commit = received.body
    if not isinstance(commit, Commit) or not is_of_epoch(group, received):
        raise UsageError("this is no Commit of the group's epoch")
    check_open(group)
    check_epoch_number(group.context)
    proposed = resolve(group, received.sender, commit.proposals, cached)
    if isinstance(received.sender, MemberSender):
        return _judge_member(group, received, commit, received.sender.leaf_index, proposed)
    return _judge_external(group, received, commit, proposed)


def _judge_member(
    group: Group, received: Received, commit: Commit, committer: int, proposed: list[Proposed]
) -> _Judged:
    if committer == group.own_leaf:
        # Its path is encrypted to everybody but us. The OwnCommit that we stored is what leads on.
        raise RejectedError("MLS-SENDER-SELF", "a Commit of our own came back")
    proposals = collect(group, committer, proposed)
    if proposals.needs_path and commit.path is None:
        # RFC 9420 §12.4: "By default, the path field of a Commit MUST be populated."
        raise RejectedError("MLS-COMMIT-PATH-MISSING", "a Commit lacks the path that its proposals need")
    applied = apply_proposals(group.rules, group.context.extensions, group.tree, proposals)
    after = applied.tree
    if commit.path is not None:
        check_path_leaf(applied, group.tree.member(committer), committer, commit.path)
        after = _merge(applied.tree, committer, commit.path, applied.added)
    leaf = committer, after.member(committer)
    view = make_view(group, received.sender, leaf, proposals, proposed, applied, received.authenticated_data)
    return _Judged(view, proposals, applied, commit, applied.tree, after)


def _judge_external(group: Group, received: Received, commit: Commit, proposed: list[Proposed]) -> _Judged:
    proposals = collect_external(group.suite, [item.proposal for item in proposed])
    if commit.path is None:
        # RFC 9420 §12.4.3.2: "External Commits MUST contain a path field"; its leaf signed this one
        raise UsageError("an external Commit without a path has no sender whom ``unprotect`` could prove")
    replaced = group.tree.member(next(iter(proposals.removes))) if proposals.removes else None
    applied = apply_proposals(group.rules, group.context.extensions, group.tree, proposals)
    before_path, committer = with_joiner(applied.tree, commit.path.leaf_node)
    check_path_leaf(applied, replaced, committer, commit.path)
    after = _merge(before_path, committer, commit.path, ())
    leaf = committer, commit.path.leaf_node
    view = make_view(group, received.sender, leaf, proposals, proposed, applied, received.authenticated_data)
    return _Judged(view, proposals, applied, commit, before_path, after)


def with_joiner(tree: RatchetTree, leaf: LeafNode) -> tuple[RatchetTree, int]:
    """The tree with the leaf of one who joins from outside, and its index (RFC 9420 §12.4.2)."""
    editor = TreeEditor(tree)
    index = editor.add(leaf)
    return editor.finish(), index


def _merge(tree: RatchetTree, committer: int, path: UpdatePath, added: tuple[int, ...]) -> RatchetTree:
    after = merge_path(tree, committer, path)
    check_path_ciphertexts(tree, committer, path, added)
    check_members(after)
    return after


def _enter(
    group: Group,
    received: Received,
    judged: _Judged,
    update_keys: Mapping[bytes, KEMPrivateKey],
    psks: PskSource,
    past_epochs: int,
    trace: Trace,
) -> NewEpoch:
    """Everything that needs our own secrets."""
    suite, path = group.suite, judged.commit.path
    keys = surviving_keys(group.tree, judged.before_path, group.private_keys)
    if group.own_leaf in judged.proposals.updates:
        keys[2 * group.own_leaf] = _update_key(judged.proposals.updates[group.own_leaf], update_keys)
    provisional = provisional_context(group.context, judged.after, judged.applied.extensions)
    commit_secret = CommitSecret(suite.zero_secret)
    if path is not None:
        opened = open_path(
            suite,
            judged.before_path,
            judged.view.committer,
            path,
            group.own_leaf,
            keys,
            provisional.encode(),
            judged.applied.added,
            trace=trace,
        )
        commit_secret = CommitSecret(opened.commit_secret.reveal())
        keys = {**surviving_keys(judged.before_path, judged.after, keys), **opened.private_keys}
    contribution = Contribution(
        _init_secret(group, judged.proposals),
        commit_secret,
        find_psk_secret(suite, judged.proposals.psks, psk_source_of(only_group(group), psks), trace=trace),
    )
    advanced = advance(suite, provisional, group.interim_transcript_hash, received.content, contribution, trace=trace)
    check_confirmation_tag(suite, advanced, received.content.auth.confirmation_tag)
    reinit = judged.proposals.reinit
    after = next_group(advanced, judged.after, group.own_leaf, keys, group, reinit, past_epochs)
    return NewEpoch.of(after, advanced.encryption_secret, trace=trace)


def _init_secret(group: Group, proposals: ProposalList) -> InitSecret:
    if proposals.kem_output is None:
        return group.secrets.init_secret
    private = external_key_pair(group.suite, group.secrets.external_secret).private
    return external_init_receiver(group.suite, private, proposals.kem_output)


def _update_key(leaf: LeafNode, update_keys: Mapping[bytes, KEMPrivateKey]) -> KEMPrivateKey:
    key = update_keys.get(leaf.encryption_key)
    if key is None:
        raise UsageError("a Commit holds an Update of ours whose private key was not given")
    return key
