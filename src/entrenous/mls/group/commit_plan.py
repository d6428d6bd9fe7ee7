"""What is made of a Commit once its proposals are judged: itself, its epoch and its Welcome (RFC 9420 §12.4.1)."""

from dataclasses import dataclass

from entrenous.crypto import Entropy, Signer
from entrenous.mls.group.apply import Applied, surviving_keys
from entrenous.mls.group.epoch import Advanced, Contribution, advance, next_group, provisional_context
from entrenous.mls.group.group import Group
from entrenous.mls.group.group_info import make_group_info
from entrenous.mls.group.proposals import ProposalList
from entrenous.mls.group.welcome import Newcomer, make_welcome
from entrenous.mls.schedule import CommitSecret, PskSecret, derive_welcome_key
from entrenous.mls.tree import NewPath, RatchetTree
from entrenous.mls.types import (
    AuthenticatedContent,
    Commit,
    Extension,
    GroupContext,
    MLSMessage,
    ProposalOrRef,
)
from entrenous.trace import Trace


@dataclass(frozen=True, slots=True)
class InfoOptions:
    """What a Commit's GroupInfos say beside the group itself.

    Attributes:
        extensions: of both, the newcomers' and the one for joining from outside.
        welcome_extensions: of the newcomers' only.
        ratchet_tree_in_welcome: whether newcomers get the tree in the Welcome or fetch it.
    """

    extensions: tuple[Extension, ...] = ()
    welcome_extensions: tuple[Extension, ...] = ()
    ratchet_tree_in_welcome: bool = False


@dataclass(frozen=True, slots=True)
class CommitPlan:
    """A Commit whose proposals were judged and whose path has its keys, and what is made of it."""

    group: Group
    entries: tuple[ProposalOrRef, ...]
    listed: ProposalList
    applied: Applied
    path: NewPath | None

    @property
    def tree(self) -> RatchetTree:
        """The new epoch's."""
        return self.applied.tree if self.path is None else self.path.tree

    @property
    def provisional(self) -> GroupContext:
        """The new epoch's, with the old transcript."""
        return provisional_context(self.group.context, self.tree, self.applied.extensions)

    def commit(self, entropy: Entropy) -> Commit:
        """The Commit itself, its path encrypted to the others."""
        if self.path is None:
            return Commit(self.entries, None)
        context = self.provisional.encode()
        return Commit(self.entries, self.path.encrypt(self.group.suite, context, self.applied.added, entropy))

    def advance(self, content: AuthenticatedContent, psk_secret: PskSecret, trace: Trace) -> Advanced:
        """The epoch that it leads to."""
        group = self.group
        commit_secret = group.suite.zero_secret if self.path is None else self.path.commit_secret.reveal()
        contribution = Contribution(group.secrets.init_secret, CommitSecret(commit_secret), psk_secret)
        interim = group.interim_transcript_hash
        return advance(group.suite, self.provisional, interim, content, contribution, trace=trace)

    def next_group(self, advanced: Advanced, past_epochs: int) -> Group:
        """The same as a group, with the private keys that are ours in it."""
        keys = surviving_keys(self.group.tree, self.tree, self.group.private_keys)
        if self.path is not None:
            keys.update(self.path.private_keys)
        return next_group(advanced, self.tree, self.group.own_leaf, keys, self.group, self.listed.reinit, past_epochs)

    def welcome(
        self, new: Group, signer: Signer, advanced: Advanced, options: InfoOptions, entropy: Entropy, trace: Trace
    ) -> bytes | None:
        """The encoded Welcome for all whom it adds; None where it adds nobody."""
        if not self.listed.adds:
            return None
        newcomers = [
            Newcomer(key_package, None if self.path is None else self.path.secret_for(index))
            for key_package, index in zip(self.listed.adds, self.applied.added, strict=True)
        ]
        extensions = options.extensions + options.welcome_extensions
        with_tree = options.ratchet_tree_in_welcome
        info = make_group_info(new, signer, extensions, with_ratchet_tree=with_tree)
        key = derive_welcome_key(new.suite, advanced.member_secret, trace=trace)
        joiner, psks = advanced.joiner_secret, self.listed.psks
        return MLSMessage.of(make_welcome(new.suite, joiner, key, info, newcomers, psks, entropy)).encode()
