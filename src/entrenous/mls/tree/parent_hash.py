"""Parent hashes (RFC 9420 §7.9): a leaf's signature covers the keys that its Commit put above it."""

from collections.abc import Collection, Sequence

from entrenous.crypto import Hash
from entrenous.errors import RejectedError
from entrenous.mls.tree import tree_math
from entrenous.mls.tree.ratchet_tree import RatchetTree
from entrenous.mls.tree.tree_hash import node_hash
from entrenous.mls.types import FromCommit, LeafNode, Node, ParentHashInput, ParentNode


def parent_hash(hash_: Hash, node: ParentNode, original_sibling_tree_hash: bytes) -> bytes:
    """The parent hash of a node with a copath child of this original tree hash."""
    return hash_.digest(ParentHashInput(node.encryption_key, node.parent_hash, original_sibling_tree_hash).encode())


def original_tree_hash(tree: RatchetTree, index: int, unmerged: Collection[int]) -> bytes:
    """The tree hash of a node in the tree without these leaves, blank and named in no unmerged_leaves."""
    below = tree_math.leaves_below(index) if unmerged else ()
    here = frozenset(leaf for leaf in unmerged if leaf in below)
    if not here:
        return tree.tree_hash(index)
    node = _without(tree.node(index), here)
    return node_hash(tree.hash, index, node, lambda child: original_tree_hash(tree, child, here))


def _without(node: Node | None, leaves: Collection[int]) -> Node | None:
    """A node of the tree without ``leaves``; a LeafNode here is one of them."""
    if not isinstance(node, ParentNode):
        return None
    unmerged = tuple(leaf for leaf in node.unmerged_leaves if leaf not in leaves)
    return ParentNode(node.encryption_key, node.parent_hash, unmerged)


def carried_parent_hash(node: Node | None) -> bytes | None:
    """The parent_hash that a node holds; None where its kind holds none."""
    match node:
        case ParentNode(parent_hash=value) | LeafNode(source=FromCommit(parent_hash=value)):
            return value
    return None


def check_parent_hashes(tree: RatchetTree) -> None:
    """Check that every parent came into the tree with the path of a Commit (RFC 9420 §7.9.2).

    Raises:
        RejectedError: a parent is not covered by exactly one chain of parent hashes.
    """
    for index, parent in tree.parents():
        left, right = tree_math.left(index), tree_math.right(index)
        covered = _is_covered(tree, parent, left, right) + _is_covered(tree, parent, right, left)
        # RFC 9420 §7.9.2: "exactly one descendant of each non-blank parent node for which the parent is valid"
        if covered != 1:
            raise RejectedError("MLS-TREE-PARENT-HASH", f"the parent hash chain of node {index} is broken")


def _is_covered(tree: RatchetTree, parent: ParentNode, child: int, sibling: int) -> bool:
    """Whether a node below ``child`` holds the parent hash of ``parent`` with copath child ``sibling``."""
    unmerged = set[int]()
    if parent.unmerged_leaves:
        below = tree_math.leaves_below(child)
        unmerged = {2 * leaf for leaf in parent.unmerged_leaves if leaf in below}
    resolution = tree.resolution(child)
    # RFC 9420 §7.9.2: P's unmerged leaves under C are "equal to the resolution of C with D removed"
    if len(resolution) != len(unmerged) + 1:
        return False
    candidates = [node for node in resolution if node not in unmerged]
    if len(candidates) != 1:
        return False
    carried = carried_parent_hash(tree.node(candidates[0]))
    if carried is None:
        return False
    return carried == parent_hash(tree.hash, parent, original_tree_hash(tree, sibling, parent.unmerged_leaves))


def path_parent_hashes(
    tree: RatchetTree, path: Sequence[tuple[int, int]], keys: Sequence[bytes]
) -> tuple[list[ParentNode], bytes]:
    """The ParentNodes that a new path puts above its leaf, each with its parent hash, and the leaf's parent hash.

    Args:
        tree: the tree with the direct path of the leaf blank; the copath's hashes are taken from it.
        path: the leaf's filtered direct path, from the bottom up: nodes with their copath children.
        keys: the new public keys, in the same order.

    Returns:
        The ParentNodes in the order of ``path``, and what belongs into the leaf below them: empty where ``path`` is.
    """
    nodes: list[ParentNode] = []
    above = b""  # RFC 9420 §7.9: "If P is the root, ... a zero-length octet string"
    for (_, copath), key in zip(reversed(path), reversed(keys), strict=True):
        node = ParentNode(key, above, ())
        nodes.append(node)
        above = parent_hash(tree.hash, node, tree.tree_hash(copath))
    nodes.reverse()
    return nodes, above
