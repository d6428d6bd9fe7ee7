"""Applying a proposal list to the tree, with every check of the leaves that it brings (RFC 9420 §7.3, §12.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrenous.crypto import KEMPrivateKey
from entrenous.errors import RejectedError
from entrenous.mls.group.key_package import check_key_package
from entrenous.mls.group.proposals import ProposalList
from entrenous.mls.tree import (
    GroupRules,
    RatchetTree,
    TreeEditor,
    check_encryption_key,
    check_leaf,
    check_members,
    check_path_keys,
)
from entrenous.mls.types import Extension, FromCommit, FromUpdate, LeafNode, UpdatePath


@dataclass(frozen=True, slots=True)
class Applied:
    """The state between a Commit's proposals and its path.

    Attributes:
        rules: what the group asks of leaves from now on.
        extensions: the new GroupContext extensions.
        tree: with the proposals in it.
        added: the new members' leaf indices, in the order of their Adds.
    """

    rules: GroupRules
    extensions: tuple[Extension, ...]
    tree: RatchetTree
    added: tuple[int, ...]


def apply_proposals(
    rules: GroupRules, extensions: tuple[Extension, ...], tree: RatchetTree, proposals: ProposalList
) -> Applied:
    """Apply a list in the order of RFC 9420 §12.3: extensions, Updates, Removes, Adds.

    Args:
        rules: the group's so far.
        extensions: of the GroupContext so far.
        tree: the group's so far.
        proposals: judged as a list.

    Raises:
        CryptoError: a signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a leaf breaks a rule.
    """
    if proposals.extensions is not None:
        extensions = proposals.extensions
        rules = GroupRules.of(rules.suite, rules.group_id, extensions)
    editor = TreeEditor(tree)
    for index, leaf in proposals.updates.items():
        _check_replacement(tree.member(index), leaf, rules, index, FromUpdate)
        editor.update(index, leaf)
    for index in proposals.removes:
        editor.remove(index)
    if proposals.removes:
        editor.truncate()
    for key_package in proposals.adds:
        check_key_package(key_package, rules)
    added = tuple(editor.add(key_package.leaf_node) for key_package in proposals.adds)
    after = editor.finish()
    if proposals.extensions is not None:
        # RFC 9420 §12.1.7: invalid "if some members of the group do not support some of the required capabilities"
        for capabilities in {leaf.capabilities for _, leaf in after.members()}:
            rules.check_supported_by(capabilities)
    if after is not tree:
        check_members(after)
    return Applied(rules, extensions, after, added)


def check_path_leaf(applied: Applied, old: LeafNode | None, leaf_index: int, path: UpdatePath) -> None:
    """Check what a committer's path brings, before it is merged (RFC 9420 §7.3, §12.4.2).

    Args:
        applied: the state before the path.
        old: the leaf that the path's replaces; None where the committer joins.
        leaf_index: where it stands.
        path: the path.

    Raises:
        CryptoError: a signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a rule is broken.
    """
    _check_replacement(old, path.leaf_node, applied.rules, leaf_index, FromCommit)
    check_path_keys(applied.tree, path)
    for node in path.nodes:
        check_encryption_key(applied.rules.suite, node.encryption_key)


def surviving_keys(
    before: RatchetTree, after: RatchetTree, private_keys: Mapping[int, KEMPrivateKey]
) -> dict[int, KEMPrivateKey]:
    """Those of our private keys whose nodes still have the same public key."""
    if after is before:
        return dict(private_keys)
    return {
        index: key
        for index, key in private_keys.items()
        if (node := after.node(index)) is not None and node.encryption_key == before.encryption_key(index)
    }


def _check_replacement(
    old: LeafNode | None, leaf: LeafNode, rules: GroupRules, leaf_index: int, source: type[FromUpdate | FromCommit]
) -> None:
    # RFC 9420 §7.3: leaf_node_source is "update" in an Update and "commit" in an UpdatePath
    if not isinstance(leaf.source, source):
        raise RejectedError("MLS-LEAF-SOURCE", f"a leaf came otherwise than it says: {type(leaf.source).__name__}")
    # RFC 9420 §7.3, §12.4.2: "encryption_key represents a different public key"
    if old is not None and old.encryption_key == leaf.encryption_key:
        raise RejectedError("MLS-LEAF-KEY-UNCHANGED", f"leaf {leaf_index} keeps its encryption key")
    check_leaf(leaf, rules, leaf_index)
