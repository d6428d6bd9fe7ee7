"""Tree hashes (RFC 9420 §7.8)."""

from collections.abc import Callable

from entrenous.codec import codec_for
from entrenous.crypto import Hash
from entrenous.mls.tree import tree_math
from entrenous.mls.types import LeafNode, LeafNodeHashInput, Node, ParentNode, ParentNodeHashInput, TreeHashInput

_write = codec_for(TreeHashInput).write


def node_hash(hash_: Hash, index: int, node: Node | None, hash_of: Callable[[int], bytes]) -> bytes:
    """The tree hash of one node.

    Args:
        hash_: the cipher suite's.
        index: the node's.
        node: its value, None where it is blank.
        hash_of: gives the tree hash of a child by its index; not called for a leaf.
    """
    out = bytearray()
    if tree_math.is_leaf(index):
        leaf = node if isinstance(node, LeafNode) else None
        _write(LeafNodeHashInput(index // 2, leaf), out)
    else:
        parent = node if isinstance(node, ParentNode) else None
        children = hash_of(tree_math.left(index)), hash_of(tree_math.right(index))
        _write(ParentNodeHashInput(parent, *children), out)
    return hash_.digest(bytes(out))
