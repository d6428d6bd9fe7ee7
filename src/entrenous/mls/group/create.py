"""Creating a group of one (RFC 9420 §11)."""

from entrenous.crypto import Entropy, Signer
from entrenous.mls.group.group import Group, NewEpoch
from entrenous.mls.group.leaf import LeafProfile, sign_leaf
from entrenous.mls.schedule import (
    EMPTY_TRANSCRIPT,
    confirmation_tag,
    derive_epoch_secrets,
    first_epoch_secret,
    interim_transcript_hash,
)
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import GroupRules, RatchetTree, check_leaf
from entrenous.mls.types import Extension, FromCommit, GroupContext, LeafPlace, ProtocolVersion
from entrenous.trace import SILENT, Trace


def create_group(
    suite: CipherSuite,
    group_id: bytes,
    signer: Signer,
    profile: LeafProfile,
    entropy: Entropy,
    *,
    extensions: tuple[Extension, ...] = (),
    trace: Trace = SILENT,
) -> NewEpoch:
    """Begin a group with ourselves as its only member.

    Args:
        suite: for the life of the group.
        group_id: random, so that no two groups share it; KDF.Nh bytes is the RFC's suggestion.
        signer: our signature key.
        profile: what our leaf shows.
        entropy: for our leaf's key and the first epoch secret.
        extensions: of the GroupContext.
        trace: told what was derived.

    Raises:
        RejectedError: the profile does not support what the group's extensions ask.
        UsageError: ``signer`` signs with another scheme than the suite's.
    """
    rules = GroupRules.of(suite, group_id, extensions)
    key = suite.hpke.generate(entropy)
    # The creator's leaf is in no path; with an empty parent hash it is as after a path in a tree of one.
    leaf = sign_leaf(suite, signer, profile, key.public, FromCommit(b""), LeafPlace(group_id, 0))
    check_leaf(leaf, rules, 0)
    tree = RatchetTree(suite.hash, (leaf,))
    context = GroupContext(ProtocolVersion.MLS10, suite.id, group_id, 0, tree.tree_hash(), EMPTY_TRANSCRIPT, extensions)
    new = derive_epoch_secrets(suite, first_epoch_secret(suite, entropy), trace=trace)
    tag = confirmation_tag(suite, new.secrets.confirmation_key, EMPTY_TRANSCRIPT)
    interim = interim_transcript_hash(suite, EMPTY_TRANSCRIPT, tag)
    group = Group(context, tree, new.secrets, 0, {0: key.private}, interim, tag)
    return NewEpoch.of(group, new.encryption_secret, trace=trace)
