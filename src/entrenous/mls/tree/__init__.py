"""The ratchet tree of RFC 9420: its shape, its hashes, what makes it valid, and TreeKEM."""

from entrenous.mls.tree.changes import NodeChange, TreeChanges, apply_changes, changes_between
from entrenous.mls.tree.editor import TreeEditor
from entrenous.mls.tree.parent_hash import check_parent_hashes
from entrenous.mls.tree.ratchet_tree import MAX_WIDTH, RatchetTree
from entrenous.mls.tree.treekem import (
    DerivedPath,
    NewPath,
    OpenedPath,
    PathCommitSecret,
    TreePathSecret,
    check_path_ciphertexts,
    create_path,
    derive_path,
    merge_path,
    open_path,
)
from entrenous.mls.tree.validation import (
    GroupRules,
    check_encryption_key,
    check_extensions,
    check_leaf,
    check_leaf_content,
    check_leaf_signature,
    check_members,
    check_path_keys,
    check_tree,
    lists_extensions,
)

__all__ = [
    "MAX_WIDTH",
    "DerivedPath",
    "GroupRules",
    "NewPath",
    "NodeChange",
    "OpenedPath",
    "PathCommitSecret",
    "RatchetTree",
    "TreeChanges",
    "TreeEditor",
    "TreePathSecret",
    "apply_changes",
    "changes_between",
    "check_encryption_key",
    "check_extensions",
    "check_leaf",
    "check_leaf_content",
    "check_leaf_signature",
    "check_members",
    "check_parent_hashes",
    "check_path_ciphertexts",
    "check_path_keys",
    "check_tree",
    "create_path",
    "derive_path",
    "lists_extensions",
    "merge_path",
    "open_path",
]
