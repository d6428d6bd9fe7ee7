"""What one Commit changed in a tree, as a value that can be stored or sent (Entrenous' own; no part of RFC 9420).

One who joins takes an older tree and the changes since; the GroupContext's tree_hash proves the result.
"""

import itertools
import operator

from entrenous.codec import Struct, UInt32, Vector, struct
from entrenous.errors import RejectedError
from entrenous.mls.tree import tree_math
from entrenous.mls.tree.ratchet_tree import MAX_WIDTH, RatchetTree
from entrenous.mls.types import Node


@struct
class NodeChange(Struct):
    """A node's new value; None for blank."""

    index: UInt32
    node: Node | None


@struct
class TreeChanges(Struct):
    """Everything that differs between two states of a tree; by rising index, each node once."""

    width: UInt32
    nodes: Vector[NodeChange]


def changes_between(before: RatchetTree, after: RatchetTree) -> TreeChanges:
    """What has to change in ``before`` to make it ``after``; fast, since shared nodes are told by identity."""
    new = after.array
    old = itertools.chain(before.array, itertools.repeat(None))
    changed = itertools.compress(range(len(new)), map(operator.is_not, new, old))
    return TreeChanges(after.width, tuple(NodeChange(index, new[index]) for index in changed))


def apply_changes(before: RatchetTree, changes: TreeChanges) -> RatchetTree:
    """The tree after some changes, whoever told of them. Its hash and its signatures are still to be checked.

    Raises:
        RejectedError: the result is no sound tree.
    """
    width = changes.width
    if not 0 < width <= MAX_WIDTH or width & (width - 1):
        raise RejectedError("MLS-TREE-SIZE", f"no ratchet tree has room for {width} members")
    # Each change costs a walk to the root, so a hostile list must not name one node a million times.
    if any(one.index >= other.index for one, other in itertools.pairwise(changes.nodes)):
        raise RejectedError("MLS-TREE-CHANGES", "changes do not stand by rising index")
    if changes.nodes and changes.nodes[-1].index >= tree_math.node_count(width):
        raise RejectedError("MLS-TREE-CHANGES", "a change names a node outside of its tree")
    after = before.replaced(((change.index, change.node) for change in changes.nodes), width)
    after.check_structure()
    return after
