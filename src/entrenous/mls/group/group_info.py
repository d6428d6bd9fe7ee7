"""GroupInfo: one epoch as a member describes it to those outside (RFC 9420 §12.4.3)."""

import dataclasses

from entrenous.codec import decode_as, encode_as
from entrenous.crypto import Signer
from entrenous.errors import RejectedError
from entrenous.mls.group.credentials import CredentialValidator, presented_by_group
from entrenous.mls.group.group import Group
from entrenous.mls.group.key_package import check_total_lifetime
from entrenous.mls.group.leaf import check_signer
from entrenous.mls.schedule import external_key_pair
from entrenous.mls.suite import CipherSuite, cipher_suite
from entrenous.mls.tree import GroupRules, RatchetTree, check_extensions, check_tree
from entrenous.mls.types import (
    Extension,
    ExtensionType,
    ExternalPub,
    GroupInfo,
    RatchetTreeNodes,
    find_extension,
    make_extension,
)

#: The signature label of GroupInfo (RFC 9420 §12.4.3).
LABEL = "GroupInfoTBS"


def make_group_info(
    group: Group,
    signer: Signer,
    extensions: tuple[Extension, ...] = (),
    *,
    with_external_pub: bool = False,
    with_ratchet_tree: bool = False,
) -> GroupInfo:
    """Describe the group's epoch, signed with our leaf's key.

    Args:
        group: the epoch.
        signer: holds our leaf's signature key.
        extensions: of the application.
        with_external_pub: add the key that external Commits need.
        with_ratchet_tree: add the whole tree; without it, a joiner gets the tree from elsewhere.

    Raises:
        UsageError: ``signer`` is not our leaf's.
    """
    check_signer(signer, group.own_leaf_node)
    more = list(extensions)
    if with_external_pub:
        public = external_key_pair(group.suite, group.secrets.external_secret).public
        more.append(make_extension(ExtensionType.EXTERNAL_PUB, ExternalPub(public)))
    if with_ratchet_tree:
        more.append(Extension(ExtensionType.RATCHET_TREE, encode_as(RatchetTreeNodes, group.tree.nodes())))
    unsigned = GroupInfo(group.context, tuple(more), group.confirmation_tag, group.own_leaf, b"")
    signature = group.suite.sign_with_label(signer, LABEL, unsigned.to_be_signed())
    return dataclasses.replace(unsigned, signature=signature)


@dataclasses.dataclass(frozen=True, slots=True)
class CheckedGroupInfo:
    """A GroupInfo with its tree, all of whose signatures and hashes are right."""

    info: GroupInfo
    suite: CipherSuite
    rules: GroupRules
    tree: RatchetTree


def check_group_info(info: GroupInfo, tree: RatchetTree | None) -> CheckedGroupInfo:
    """Check a GroupInfo and its tree, as one who joins must (RFC 9420 §12.4.3.1).

    Args:
        info: what a member sent or a service kept.
        tree: the tree from elsewhere; None takes it out of the GroupInfo.

    Raises:
        CryptoError: a signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a rule is broken, or there is no tree.
    """
    context = info.group_context
    suite = cipher_suite(context.cipher_suite)
    check_extensions(info.extensions)
    if tree is None:
        tree = _tree_of(suite, info)
    # RFC 9420 §12.4.3.1: "the tree hash of the ratchet tree matches the tree_hash field in GroupInfo"
    if tree.hash is not suite.hash or tree.tree_hash() != context.tree_hash:
        raise RejectedError("MLS-GROUP-INFO-TREE", "the ratchet tree is not that of the GroupInfo")
    signer = tree.member(info.signer)
    suite.verify_with_label(signer.signature_key, LABEL, info.to_be_signed(), info.signature)
    rules = GroupRules.of(suite, context.group_id, context.extensions)
    check_tree(tree, rules)
    return CheckedGroupInfo(info, suite, rules, tree)


def judge_members(
    checked: CheckedGroupInfo, own_leaf: int | None, credentials: CredentialValidator, max_lifetime: int | None
) -> None:
    """Ask the application about everybody whom one who joins finds in a group.

    Args:
        checked: the group.
        own_leaf: our own leaf, if it is there already.
        credentials: judges who they say they are.
        max_lifetime: the longest lifetime of a leaf that it accepts, in seconds; None for any.

    Raises:
        RejectedError: MLS-LEAF-LIFETIME-TOTAL, or as ``credentials`` says.
    """
    for _, leaf in checked.tree.members():
        check_total_lifetime(leaf, max_lifetime)
    extensions = checked.info.group_context.extensions
    for presented in presented_by_group(checked.suite, checked.tree, extensions, own_leaf):
        credentials(presented)


def _tree_of(suite: CipherSuite, info: GroupInfo) -> RatchetTree:
    data = find_extension(info.extensions, ExtensionType.RATCHET_TREE)
    if data is None:
        raise RejectedError("MLS-GROUP-INFO-TREE", "neither the GroupInfo nor anybody else brought a ratchet tree")
    return RatchetTree.from_nodes(suite.hash, decode_as(RatchetTreeNodes, data))
