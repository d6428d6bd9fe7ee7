"""Tree indices beyond what the vectors name."""

from hypothesis import given
from hypothesis import strategies as st

from entrenous.mls.tree import tree_math

LEAF = st.integers(0, 63)


@given(LEAF, LEAF)
def test_the_common_ancestor_is_the_lowest_node_over_both_leaves(leaf: int, other: int) -> None:
    above = [2 * leaf, *tree_math.direct_path(2 * leaf, 64)]
    expected = next(node for node in above if other in tree_math.leaves_below(node))
    assert tree_math.common_ancestor(leaf, other) == expected


def test_a_direct_path_leads_from_the_parent_to_the_root() -> None:
    assert list(tree_math.direct_path(4, 8)) == [5, 3, 7]
    assert list(tree_math.direct_path(0, 1)) == []


def test_a_width_is_the_next_power_of_two() -> None:
    assert [tree_math.width_of(nodes) for nodes in (0, 1, 2, 3, 4, 5, 9)] == [1, 1, 2, 2, 4, 4, 8]


def test_a_subtree_has_the_leaves_between_its_edges() -> None:
    assert list(tree_math.leaves_below(6)) == [3]
    assert list(tree_math.leaves_below(11)) == [4, 5, 6, 7]
