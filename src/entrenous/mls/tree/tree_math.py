"""Indices in a full binary tree that is stored as an array (RFC 9420 appendix C).

Leaf ``i`` is node ``2 * i``; parents are the odd nodes. A tree's width, its number of leaves with the blank ones, is a
power of two. A node of level ``k`` has ``k`` one bits at its low end.
"""

from functools import lru_cache

from entrenous.errors import UsageError

#: Answers of each function below that are kept: every Commit asks for the same ones again.
REMEMBERED = 1 << 12


def node_count(width: int) -> int:
    """Nodes in a tree of ``width`` leaves."""
    return 2 * width - 1


def width_of(nodes: int) -> int:
    """Leaves of the smallest full tree that holds ``nodes`` nodes of the array; at least one."""
    return 1 << (nodes // 2).bit_length()


def level(node: int) -> int:
    """0 for a leaf, 1 for a parent of leaves, and so on."""
    return (~node & (node + 1)).bit_length() - 1


def is_leaf(node: int) -> bool:
    """Whether a node stands at the bottom."""
    return node & 1 == 0


def root(width: int) -> int:
    """The root of a tree of ``width`` leaves."""
    return width - 1


@lru_cache(maxsize=REMEMBERED)
def left(node: int) -> int:
    """The left child of a parent.

    Raises:
        UsageError: ``node`` is a leaf.
    """
    return node ^ (1 << (_parent_level(node) - 1))


@lru_cache(maxsize=REMEMBERED)
def right(node: int) -> int:
    """The right child of a parent.

    Raises:
        UsageError: ``node`` is a leaf.
    """
    return node ^ (3 << (_parent_level(node) - 1))


def parent(node: int, width: int) -> int:
    """The node above.

    Raises:
        UsageError: ``node`` is the root of a tree of ``width`` leaves.
    """
    if node == root(width):
        raise UsageError("the root has no parent")
    bit = 1 << level(node)
    return (node | bit) & ~(bit << 1)


def sibling(node: int, width: int) -> int:
    """The other child of the node's parent.

    Raises:
        UsageError: ``node`` is the root of a tree of ``width`` leaves.
    """
    above = parent(node, width)
    return right(above) if node < above else left(above)


@lru_cache(maxsize=REMEMBERED)
def direct_path(node: int, width: int) -> tuple[int, ...]:
    """The nodes above ``node``, from its parent to the root."""
    path, top = [], root(width)
    while node != top:
        node = parent(node, width)
        path.append(node)
    return tuple(path)


def leaves_below(node: int) -> range:
    """The leaf indices of the subtree under ``node``; of a leaf, its own."""
    half = (1 << level(node)) - 1
    return range((node - half) // 2, (node + half) // 2 + 1)


def subtree(node: int) -> range:
    """The node indices of the subtree under ``node``, its own among them: leaves at even places of the range."""
    half = (1 << level(node)) - 1
    return range(node - half, node + half + 1)


def common_ancestor(leaf: int, other: int) -> int:
    """The lowest node above both leaf indices, or the leaf's node if they are the same."""
    shift = (leaf ^ other).bit_length()
    return (((leaf >> shift) << (shift + 1)) | ((1 << shift) - 1)) if shift else 2 * leaf


def _parent_level(node: int) -> int:
    if is_leaf(node):
        raise UsageError("a leaf has no children")
    return level(node)
