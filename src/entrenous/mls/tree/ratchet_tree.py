"""The ratchet tree as an immutable value (RFC 9420 §4, §7.8).

A tree is an array of immutable nodes. Changing it copies the array of references, never a node, and keeps every tree
hash whose subtree did not change and the count of all keys: at 1,000 members a change costs microseconds, and a new
tree hash some ten digests.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from entrenous.crypto import Hash
from entrenous.errors import RejectedError, UsageError
from entrenous.mls.tree import tree_math
from entrenous.mls.tree.census import Census
from entrenous.mls.tree.tree_hash import node_hash
from entrenous.mls.types import LeafNode, Node, ParentNode

#: Leaves that a tree may have. Far above any room, and low enough that a hostile tree is judged in seconds.
MAX_WIDTH = 1 << 14


class RatchetTree:
    """One state of a group's tree. Every operation leaves it as it is.

    Its structure is sound: leaves stand at even places, parents at odd ones, and unmerged leaves are real leaves below
    their node. Whether signatures and hashes are right is for ``validation`` to say.
    """

    __slots__ = ("_census", "_hashes", "_last_path", "_nodes", "hash")

    def __init__(self, hash_: Hash, nodes: Sequence[Node | None], hashes: Sequence[bytes | None] | None = None) -> None:
        """Take nodes that are known to be sound: a full tree; see ``from_nodes`` for those of a stranger."""
        self.hash = hash_
        self._nodes = tuple(nodes)
        self._hashes: list[bytes | None] = [None] * len(self._nodes) if hashes is None else list(hashes)
        self._census: Census | None = None
        #: Of one leaf: what makes, merges and opens a path asks for it again and again.
        self._last_path: tuple[int, tuple[tuple[int, int], ...]] | None = None

    @classmethod
    def from_nodes(cls, hash_: Hash, nodes: Sequence[Node | None]) -> "RatchetTree":
        """The tree of a ratchet_tree extension.

        Args:
            hash_: the cipher suite's.
            nodes: from left to right, ending with the last that is not blank (RFC 9420 §12.4.3.3).

        Raises:
            RejectedError: the nodes make no sound tree.
        """
        # RFC 9420 §12.4.3.3: "the client MUST verify that the last node ... is non-blank"
        if not nodes or nodes[-1] is None:
            raise RejectedError("MLS-TREE-LAST-BLANK", "a ratchet tree is empty or ends with a blank node")
        width = tree_math.width_of(len(nodes))
        if width > MAX_WIDTH:
            raise RejectedError("MLS-TREE-SIZE", f"a ratchet tree has room for {width} members")
        tree = cls(hash_, (*nodes, *(None for _ in range(tree_math.node_count(width) - len(nodes)))))
        tree.check_structure()
        return tree

    @property
    def width(self) -> int:
        """Leaves, with the blank ones: a power of two."""
        return (len(self._nodes) + 1) // 2

    @property
    def root(self) -> int:
        """The root's node index."""
        return tree_math.root(self.width)

    @property
    def array(self) -> tuple[Node | None, ...]:
        """Every node of the full tree, by its index."""
        return self._nodes

    def nodes(self) -> tuple[Node | None, ...]:
        """The nodes as the ratchet_tree extension holds them: without the blanks at the end."""
        end = len(self._nodes)
        while end and self._nodes[end - 1] is None:
            end -= 1
        return self._nodes[:end]

    def node(self, index: int) -> Node | None:
        """The node at an index; None for a blank one and for one outside of the tree."""
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def leaf(self, leaf_index: int) -> LeafNode | None:
        """The LeafNode of a member; None where there is no such member."""
        return self.node(2 * leaf_index)  # type: ignore[return-value]  # even places hold leaves, see check_structure

    def member(self, leaf_index: int) -> LeafNode:
        """The LeafNode of a member who must be there.

        Raises:
            RejectedError: there is no such member.
        """
        leaf = self.leaf(leaf_index)
        if leaf is None:
            raise RejectedError("MLS-MEMBER-UNKNOWN", f"leaf {leaf_index} is blank")
        return leaf

    def members(self) -> Iterator[tuple[int, LeafNode]]:
        """Leaf index and LeafNode of every member, from left to right."""
        for place, leaf in enumerate(self._nodes[::2]):
            if leaf is not None:
                yield place, leaf  # type: ignore[misc]  # even places hold leaves, see check_structure

    def parents(self) -> Iterator[tuple[int, ParentNode]]:
        """Node index and ParentNode of every parent that is not blank, from left to right."""
        for place, parent in enumerate(self._nodes[1::2]):
            if parent is not None:
                yield 2 * place + 1, parent  # type: ignore[misc]  # odd places hold parents, see check_structure

    @property
    def census(self) -> Census:
        """What the nodes owe to each other, counted."""
        if self._census is None:
            self._census = Census.of(self._nodes)
        return self._census

    def encryption_key(self, index: int) -> bytes:
        """The HPKE public key of a node that is not blank.

        Raises:
            UsageError: the node is blank.
        """
        node = self.node(index)
        if node is None:
            raise UsageError(f"node {index} is blank and has no key")
        return node.encryption_key

    def resolution(self, index: int) -> list[int]:
        """The nodes that together cover the members under a node (RFC 9420 §4.1.1)."""
        node = self._nodes[index]
        if isinstance(node, ParentNode):
            return [index, *(2 * leaf for leaf in node.unmerged_leaves)]
        if node is not None or tree_math.is_leaf(index):
            return [] if node is None else [index]
        below = tree_math.subtree(index)
        nodes = self._nodes[below.start : below.stop]
        if not any(nodes[1::2]):
            # Blank parents only, as after a large Add: the members themselves, told without a step for each node.
            return list(itertools.compress(below[::2], nodes[::2]))
        return self.resolution(tree_math.left(index)) + self.resolution(tree_math.right(index))

    def filtered_direct_path(self, leaf_index: int) -> tuple[tuple[int, int], ...]:
        """A leaf's filtered direct path (RFC 9420 §4.1.2), each node with its child on the copath."""
        known = self._last_path
        if known is None or known[0] != leaf_index:
            known = self._last_path = leaf_index, tuple(self._filtered_direct_path(leaf_index))
        return known[1]

    def _filtered_direct_path(self, leaf_index: int) -> Iterator[tuple[int, int]]:
        below = 2 * leaf_index
        for above in tree_math.direct_path(below, self.width):
            copath = tree_math.right(above) if below < above else tree_math.left(above)
            if self._is_populated(copath):
                yield above, copath
            below = above

    def parent_above(self, index: int) -> ParentNode | None:
        """The lowest ancestor of a node that is not blank; None where all are."""
        above = (self._nodes[at] for at in tree_math.direct_path(index, self.width))
        return next((node for node in above if isinstance(node, ParentNode)), None)

    def tree_hash(self, index: int | None = None) -> bytes:
        """The tree hash of a node, of the root by default (RFC 9420 §7.8)."""
        at = self.root if index is None else index
        known = self._hashes[at]
        if known is None:
            known = self._hashes[at] = node_hash(self.hash, at, self._nodes[at], self.tree_hash)
        return known

    def replaced(self, changes: Iterable[tuple[int, Node | None]], width: int) -> "RatchetTree":
        """A tree of ``width`` leaves with other nodes at some indices; what did not change keeps its hash."""
        size = tree_math.node_count(width)
        nodes, hashes = list(self._nodes[:size]), self._hashes[:size]
        missing = size - len(nodes)
        nodes += [None] * missing
        hashes += [None] * missing
        gone, come = list(self._nodes[size:]), []
        for index, node in changes:
            gone.append(nodes[index])
            come.append(node)
            nodes[index] = node
            hashes[index] = None
            for above in tree_math.direct_path(index, width):
                # A hash is known only where those of all nodes below are: nothing above this one is known.
                if hashes[above] is None:
                    break
                hashes[above] = None
        after = RatchetTree(self.hash, nodes, hashes)
        if self._census is not None:
            after._census = self._census.replaced(gone, come)
        return after

    def check_structure(self) -> None:
        """Refuse nodes in the wrong place and unmerged leaves that are none.

        Raises:
            RejectedError: the tree is not sound.
        """
        for index, node in enumerate(self._nodes):
            if node is None:
                continue
            if isinstance(node, LeafNode) is not tree_math.is_leaf(index):
                raise RejectedError("MLS-TREE-NODE-TYPE", f"node {index} is of the other kind")
            if isinstance(node, ParentNode) and node.unmerged_leaves:
                self._check_unmerged(index, node.unmerged_leaves)
        # RFC 9420 §7.7: a right half without members does not outlive the Commit that emptied it
        if self.width > 1 and not any(self._nodes[self.width :: 2]):
            raise RejectedError("MLS-TREE-NOT-TRUNCATED", "the right half of a ratchet tree has no member")

    def _check_unmerged(self, index: int, unmerged: tuple[int, ...]) -> None:
        # RFC 9420 §7.1: "entries in the unmerged_leaves vector MUST be sorted in increasing order"
        if any(a >= b for a, b in itertools.pairwise(unmerged)):
            raise RejectedError("MLS-TREE-UNMERGED-ORDER", f"the unmerged leaves of node {index} do not increase")
        # RFC 9420 §12.4.3.1: "a non-blank leaf node that is a descendant of the parent node"
        below = tree_math.leaves_below(index)
        if any(leaf not in below or self._nodes[2 * leaf] is None for leaf in unmerged):
            raise RejectedError("MLS-TREE-UNMERGED-LEAF", f"node {index} names an unmerged leaf that is not below it")

    def _is_populated(self, index: int) -> bool:
        """Whether a node's resolution is not empty."""
        if self._nodes[index] is not None:
            return True
        below = tree_math.subtree(index)
        return any(self._nodes[below.start : below.stop : 2])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RatchetTree):
            return NotImplemented
        return self.hash is other.hash and self._nodes == other._nodes

    def __hash__(self) -> int:
        return hash(self.tree_hash())

    def __repr__(self) -> str:
        return f"RatchetTree({sum(1 for _ in self.members())} members, width {self.width})"
