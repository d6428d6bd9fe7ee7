"""Changing a ratchet tree: add, update, remove, set a path (RFC 9420 §7.5, §7.7, §12.1).

An editor gathers the changes of one Commit over an unchanged tree and makes one new tree of them.
"""

from entrenous.errors import RejectedError
from entrenous.mls.tree import tree_math
from entrenous.mls.tree.ratchet_tree import MAX_WIDTH, RatchetTree
from entrenous.mls.types import LeafNode, Node, ParentNode


class TreeEditor:
    """The changes of one Commit to one tree; not to be used after ``finish``."""

    __slots__ = ("_before", "_changes", "_next_free", "_width")

    def __init__(self, tree: RatchetTree) -> None:
        self._before = tree
        self._changes: dict[int, Node | None] = {}
        self._width = tree.width
        self._next_free = 0

    def finish(self) -> RatchetTree:
        """The tree with all changes made; a tree that changed nothing is the same object."""
        if not self._changes and self._width == self._before.width:
            return self._before
        end = tree_math.node_count(self._width)
        kept = ((index, node) for index, node in self._changes.items() if index < end)
        return self._before.replaced(kept, self._width)

    def node(self, index: int) -> Node | None:
        """The node at an index, as changed so far."""
        return self._changes[index] if index in self._changes else self._before.node(index)

    def set_node(self, index: int, node: Node | None) -> None:
        """Put a node, or a blank, into its place."""
        self._changes[index] = node

    def blank_path(self, leaf_index: int) -> None:
        """Blank every node above a leaf."""
        for above in tree_math.direct_path(2 * leaf_index, self._width):
            if self.node(above) is not None:
                self._changes[above] = None

    def add(self, leaf: LeafNode) -> int:
        """Put a new member into the leftmost blank leaf (RFC 9420 §12.1.1); returns its leaf index.

        Raises:
            RejectedError: the tree is as large as we allow.
        """
        place = self._free_leaf()
        self._changes[2 * place] = leaf
        for above in tree_math.direct_path(2 * place, self._width):
            parent = self.node(above)
            if isinstance(parent, ParentNode):
                # RFC 9420 §12.1.1: "For each non-blank intermediate node along the path ... add L's leaf index"
                unmerged = tuple(sorted((*parent.unmerged_leaves, place)))
                self._changes[above] = ParentNode(parent.encryption_key, parent.parent_hash, unmerged)
        return place

    def update(self, leaf_index: int, leaf: LeafNode) -> None:
        """Replace a member's leaf and blank the path above it (RFC 9420 §12.1.2)."""
        self._changes[2 * leaf_index] = leaf
        self.blank_path(leaf_index)

    def remove(self, leaf_index: int) -> None:
        """Blank a member's leaf and the path above it (RFC 9420 §12.1.3)."""
        self._changes[2 * leaf_index] = None
        self.blank_path(leaf_index)
        self._next_free = min(self._next_free, leaf_index)

    def truncate(self) -> None:
        """Halve the tree for as long as its right half has no member (RFC 9420 §7.7)."""
        last = self._width - 1
        while last > 0 and self.node(2 * last) is None:
            last -= 1
        self._width = 1 << last.bit_length()

    def _free_leaf(self) -> int:
        place = self._next_free
        while place < self._width and self.node(2 * place) is not None:
            place += 1
        if place == self._width:
            if self._width >= MAX_WIDTH:
                raise RejectedError("MLS-TREE-SIZE", f"a ratchet tree has room for {MAX_WIDTH} members")
            self._width *= 2
        self._next_free = place + 1
        return place
