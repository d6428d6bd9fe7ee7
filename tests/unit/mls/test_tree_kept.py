"""What a tree keeps of the one that it came from, against the same computed anew: hashes, resolutions, the census."""

import random
from typing import Any

import pytest

from entrenous.crypto import Hash
from entrenous.mls.tree import RatchetTree, TreeEditor, apply_changes, changes_between
from entrenous.mls.tree.census import Census
from entrenous.mls.tree.tree_math import is_leaf, leaves_below, left, right, subtree
from entrenous.mls.types import (
    BasicCredential,
    Capabilities,
    Credential,
    FromUpdate,
    LeafNode,
    Node,
    ParentNode,
    X509Credential,
)


def a_leaf(rng: random.Random) -> LeafNode:
    """One of few, so that keys and kinds come twice."""
    credential: Credential = BasicCredential(b"somebody") if rng.random() < 0.5 else X509Credential(())
    capabilities = Capabilities((1,), (1,), (), (), rng.choice([(1,), (1, 2), (1, 2, 0x0A0A)]))
    encryption_key, signature_key = (bytes([rng.randrange(40)]) for _ in range(2))
    return LeafNode(encryption_key, signature_key, credential, capabilities, FromUpdate(), (), b"")


def a_parent(rng: random.Random) -> ParentNode:
    return ParentNode(bytes([rng.randrange(40)]), b"", ())


def grow(rng: random.Random, tree: RatchetTree) -> RatchetTree:
    """A tree after a few random changes of every kind."""
    editor = TreeEditor(tree)
    for _ in range(rng.randint(1, 4)):
        there = [index for index in range(tree.width) if editor.node(2 * index) is not None]
        at = rng.choice(there)
        match rng.randrange(4):
            case 0 | 1:
                editor.add(a_leaf(rng))
            case 2:
                editor.update(at, a_leaf(rng))
            case 3 if len(there) > 1:
                editor.remove(at)
    for index in range(1, 2 * tree.width - 1, 2):
        if rng.random() < 0.1 and any(editor.node(2 * leaf) is not None for leaf in leaves_below(index)):
            editor.set_node(index, a_parent(rng))
    editor.truncate()
    return editor.finish()


def resolution_by_the_book(tree: RatchetTree, index: int) -> list[int]:
    """RFC 9420 §4.1.1, word by word."""
    node = tree.node(index)
    if isinstance(node, ParentNode):
        return [index] + [2 * leaf for leaf in node.unmerged_leaves]
    if node is not None:
        return [index]
    if is_leaf(index):
        return []
    return resolution_by_the_book(tree, left(index)) + resolution_by_the_book(tree, right(index))


def counted(census: Census) -> dict[str, Any]:
    return {name: getattr(census, name) for name in Census.__slots__}


@pytest.mark.parametrize("seed", range(20))
def test_what_a_tree_keeps_is_what_it_would_compute(seed: int) -> None:
    rng = random.Random(seed)
    tree = RatchetTree(Hash.SHA256, (a_leaf(rng),))
    for _ in range(25):
        before, tree = tree, grow(rng, tree)
        if rng.random() < 0.5:  # what was never asked for is not kept
            tree.tree_hash(rng.choice([tree.root, rng.randrange(2 * tree.width - 1)]))
        if rng.random() < 0.5:
            assert counted(tree.census) == counted(Census.of(tree.array))
        fresh = RatchetTree(Hash.SHA256, tree.array)
        for index in range(2 * tree.width - 1):
            assert tree.resolution(index) == resolution_by_the_book(tree, index)
        if rng.random() < 0.5:
            assert [tree.tree_hash(index) for index in range(len(tree.array))] == [
                fresh.tree_hash(index) for index in range(len(tree.array))
            ]
        again = apply_changes(before, changes_between(before, tree))
        assert again == tree
        assert again.tree_hash() == fresh.tree_hash()
        assert counted(again.census) == counted(fresh.census)


def test_a_census_counts_what_comes_twice_and_forgets_what_is_gone() -> None:
    rng = random.Random(0)
    twice = a_leaf(rng)
    nodes: list[Node | None] = [twice, None, twice]
    census = Census.of(nodes)
    assert (census.nodes, census.members, list(census.encryption_keys.values())) == (2, 2, [2])
    less = census.replaced([twice], [None])
    assert (less.nodes, list(less.signature_keys.values())) == (1, [1])
    assert counted(census.replaced([twice, None, twice], [])) == counted(Census())
    assert census.nodes == 2


def test_a_subtree_is_its_node_and_all_below() -> None:
    assert subtree(4) == range(4, 5)
    assert subtree(3) == range(7)
    assert subtree(11) == range(8, 15)
