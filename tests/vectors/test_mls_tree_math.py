"""Tree indices against the official tree-math vectors (RFC 9420 appendix C)."""

from collections.abc import Callable

from conftest import Vectors
from entrenous.errors import UsageError
from entrenous.mls.tree import tree_math


def _or_none(function: Callable[..., int], *arguments: int) -> int | None:
    try:
        return function(*arguments)
    except UsageError:
        return None


def test_every_node_of_every_tree_has_the_official_neighbours(vectors: Vectors) -> None:
    cases = vectors.load("mls/tree-math.json")
    assert [case["n_leaves"] for case in cases] == [2**k for k in range(10)]
    for case in cases:
        width = case["n_leaves"]
        nodes = range(tree_math.node_count(width))
        assert len(nodes) == case["n_nodes"]
        assert tree_math.width_of(len(nodes)) == width
        assert tree_math.root(width) == case["root"]
        assert [_or_none(tree_math.left, node) for node in nodes] == case["left"]
        assert [_or_none(tree_math.right, node) for node in nodes] == case["right"]
        assert [_or_none(tree_math.parent, node, width) for node in nodes] == case["parent"]
        assert [_or_none(tree_math.sibling, node, width) for node in nodes] == case["sibling"]
