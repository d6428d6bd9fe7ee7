"""From one epoch to the next: the transcript, the key schedule and the confirmation tag of a Commit (RFC 9420 §8)."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrenous.crypto import KEMPrivateKey
from entrenous.errors import CryptoError, RejectedError
from entrenous.mls.group.group import RESUMPTION_EPOCHS, Group
from entrenous.mls.schedule import (
    CommitSecret,
    EncryptionSecret,
    EpochSecrets,
    InitSecret,
    JoinerSecret,
    MemberSecret,
    PskSecret,
    confirmation_tag,
    confirmed_transcript_hash,
    derive_epoch_secret,
    derive_epoch_secrets,
    derive_joiner_secret,
    derive_member_secret,
    interim_transcript_hash,
    verify_confirmation_tag,
)
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import AuthenticatedContent, Extension, GroupContext, ReInit
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a Commit puts into the key schedule, beside its transcript."""

    init_secret: InitSecret
    commit_secret: CommitSecret
    psk_secret: PskSecret


@dataclass(frozen=True, slots=True)
class Advanced:
    """An epoch as a Commit begins it.

    Attributes:
        context: the new GroupContext.
        secrets: the new epoch's.
        encryption_secret: for its secret tree.
        joiner_secret: for its newcomers.
        member_secret: for the key of their Welcome, which only the committer derives.
        confirmation_tag: of the Commit.
        interim_transcript_hash: for the next one.
    """

    context: GroupContext
    secrets: EpochSecrets
    encryption_secret: EncryptionSecret
    joiner_secret: JoinerSecret
    member_secret: MemberSecret
    confirmation_tag: bytes
    interim_transcript_hash: bytes


def provisional_context(before: GroupContext, tree: RatchetTree, extensions: tuple[Extension, ...]) -> GroupContext:
    """The context that path secrets are encrypted under: the new epoch's with the old transcript (RFC 9420 §12.4.1)."""
    return GroupContext(
        before.version,
        before.cipher_suite,
        before.group_id,
        before.epoch + 1,
        tree.tree_hash(),
        before.confirmed_transcript_hash,
        extensions,
    )


def advance(
    suite: CipherSuite,
    provisional: GroupContext,
    interim_before: bytes,
    commit: AuthenticatedContent,
    contribution: Contribution,
    *,
    trace: Trace = SILENT,
) -> Advanced:
    """Run the key schedule for a signed Commit.

    Args:
        suite: the group's.
        provisional: the new context with the old confirmed transcript hash.
        interim_before: the interim transcript hash of the epoch that ends.
        commit: the Commit; its confirmation tag is not looked at.
        contribution: its secrets.
        trace: told what was derived.
    """
    confirmed = confirmed_transcript_hash(
        suite, interim_before, commit.wire_format, commit.content, commit.auth.signature
    )
    context = GroupContext(
        provisional.version,
        provisional.cipher_suite,
        provisional.group_id,
        provisional.epoch,
        provisional.tree_hash,
        confirmed,
        provisional.extensions,
    )
    encoded = context.encode()
    joiner = derive_joiner_secret(suite, contribution.init_secret, contribution.commit_secret, encoded, trace=trace)
    member = derive_member_secret(suite, joiner, contribution.psk_secret, trace=trace)
    new = derive_epoch_secrets(suite, derive_epoch_secret(suite, member, encoded, trace=trace), trace=trace)
    tag = confirmation_tag(suite, new.secrets.confirmation_key, confirmed)
    return Advanced(
        context,
        new.secrets,
        new.encryption_secret,
        joiner,
        member,
        tag,
        interim_transcript_hash(suite, confirmed, tag),
    )


def next_group(
    advanced: Advanced,
    tree: RatchetTree,
    own_leaf: int,
    private_keys: Mapping[int, KEMPrivateKey],
    before: Group | None = None,
    reinit: ReInit | None = None,
    past_epochs: int = RESUMPTION_EPOCHS,
) -> Group:
    """The group that a Commit leads to.

    Args:
        advanced: the epoch.
        tree: its tree.
        own_leaf: our leaf in it.
        private_keys: our keys in it.
        before: the epoch that ended, if we were in it; its resumption PSK is kept.
        reinit: of the Commit, if it holds one: the group ends here.
        past_epochs: whose resumption PSKs are kept at most.
    """
    kept = () if before is None else (*before.resumption, (before.epoch, before.secrets.resumption_psk))
    return Group(
        advanced.context,
        tree,
        advanced.secrets,
        own_leaf,
        private_keys,
        advanced.interim_transcript_hash,
        advanced.confirmation_tag,
        kept[max(len(kept) - past_epochs, 0) :],
        reinit,
    )


def check_epoch_number(context: GroupContext) -> None:
    """Refuse to leave the last epoch that a number exists for.

    Raises:
        RejectedError: there is none after this one.
    """
    if context.epoch == (1 << 64) - 1:
        raise RejectedError("MLS-EPOCH-LAST", "no number is left for another epoch")


def check_confirmation_tag(suite: CipherSuite, advanced: Advanced, tag: bytes | None) -> None:
    """Check that a Commit's sender came to the same epoch.

    Raises:
        RejectedError: rule MLS-CONFIRMATION-TAG: he did not, or he sent others another path (RFC 9420 §16.12).
    """
    try:
        key, confirmed = advanced.secrets.confirmation_key, advanced.context.confirmed_transcript_hash
        verify_confirmation_tag(suite, key, confirmed, tag or b"")
    except CryptoError:
        raise RejectedError("MLS-CONFIRMATION-TAG", "a Commit's sender came to another epoch than we did") from None
