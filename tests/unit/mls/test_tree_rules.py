"""Trees that nobody may join with, and the rule that each breaks (RFC 9420 §7, §12.4.3.1)."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from entrenous.codec import decode_as, encode_as
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.mls.group import check_group_info, make_group_info
from entrenous.mls.tree import (
    MAX_WIDTH,
    NodeChange,
    RatchetTree,
    TreeChanges,
    TreeEditor,
    apply_changes,
    changes_between,
    check_tree,
)
from entrenous.mls.types import GroupContext, GroupInfo, LeafNode, Node, ParentNode, RatchetTreeNodes
from mls_members import SUITE, Member, everybody_follows, gather

Nodes = list[Node | None]


def settled(count: int = 4) -> list[Member]:
    """A group whose every parent has been set by a Commit."""
    members = gather(count)
    for member in members:
        everybody_follows(members, member, member.prepare())
    return members


def parent_at(nodes: Sequence[Node | None], index: int) -> ParentNode:
    node = nodes[index]
    assert isinstance(node, ParentNode)
    return node


def leaf_at(nodes: Sequence[Node | None], index: int) -> LeafNode:
    node = nodes[2 * index]
    assert isinstance(node, LeafNode)
    return node


def changed(nodes: Nodes, index: int, **changes: Any) -> Nodes:
    node = nodes[index]
    assert node is not None
    copy = list(nodes)
    copy[index] = dataclasses.replace(node, **changes)
    return copy


def replaced(nodes: Nodes, index: int, node: Node | None) -> Nodes:
    copy = list(nodes)
    copy[index] = node
    return copy


BROKEN: list[tuple[str, Callable[[Nodes], Nodes], str]] = [
    ("no node at all", lambda _: [], "MLS-TREE-LAST-BLANK"),
    ("a blank at its end", lambda nodes: [*nodes, None], "MLS-TREE-LAST-BLANK"),
    ("a leaf where a parent belongs", lambda nodes: replaced(nodes, 1, nodes[0]), "MLS-TREE-NODE-TYPE"),
    ("a parent where a leaf belongs", lambda nodes: replaced(nodes, 0, nodes[1]), "MLS-TREE-NODE-TYPE"),
    (
        "a right half without members",
        lambda nodes: replaced(replaced(nodes, 4, None), 6, None)[:6],
        "MLS-TREE-NOT-TRUNCATED",
    ),
    (
        "unmerged leaves out of order",
        lambda nodes: changed(nodes, 3, unmerged_leaves=(2, 1)),
        "MLS-TREE-UNMERGED-ORDER",
    ),
    ("an unmerged leaf twice", lambda nodes: changed(nodes, 3, unmerged_leaves=(1, 1)), "MLS-TREE-UNMERGED-ORDER"),
    ("an unmerged leaf elsewhere", lambda nodes: changed(nodes, 1, unmerged_leaves=(3,)), "MLS-TREE-UNMERGED-LEAF"),
    (
        "an unmerged leaf far away",
        lambda nodes: changed(nodes, 1, unmerged_leaves=(2**32 - 1,)),
        "MLS-TREE-UNMERGED-LEAF",
    ),
    (
        "an unmerged leaf that is blank",
        lambda nodes: replaced(changed(nodes, 3, unmerged_leaves=(1,)), 2, None),
        "MLS-TREE-UNMERGED-LEAF",
    ),
    (
        "an unmerged leaf that a node below knows",
        lambda nodes: changed(nodes, 3, unmerged_leaves=(1,)),
        "MLS-TREE-UNMERGED-BETWEEN",
    ),
    (
        "two members with one signature key",
        lambda nodes: changed(nodes, 2, signature_key=leaf_at(nodes, 0).signature_key),
        "MLS-TREE-SIGNATURE-KEY-TWICE",
    ),
    (
        "two nodes with one encryption key",
        lambda nodes: changed(nodes, 1, encryption_key=leaf_at(nodes, 3).encryption_key),
        "MLS-TREE-ENCRYPTION-KEY-TWICE",
    ),
    ("another parent key", lambda nodes: changed(nodes, 1, encryption_key=bytes(range(32))), "MLS-TREE-PARENT-HASH"),
    ("another parent hash", lambda nodes: changed(nodes, 1, parent_hash=b"other"), "MLS-TREE-PARENT-HASH"),
    ("a parent above blank leaves", lambda nodes: replaced(replaced(nodes, 0, None), 2, None), "MLS-TREE-PARENT-HASH"),
]


@pytest.mark.parametrize(("break_it", "rule"), [pytest.param(*case[1:], id=case[0]) for case in BROKEN])
def test_a_broken_tree_is_refused(break_it: Callable[[Nodes], Nodes], rule: str) -> None:
    alice = settled()[0]
    nodes = break_it(list(alice.group.tree.nodes()))
    with pytest.raises(RejectedError) as refused:
        check_tree(RatchetTree.from_nodes(SUITE.hash, nodes), alice.group.rules)
    assert refused.value.rule == rule


def test_the_tree_of_a_living_group_is_valid() -> None:
    alice = settled(5)[0]
    check_tree(RatchetTree.from_nodes(SUITE.hash, alice.group.tree.nodes()), alice.group.rules)


def test_a_leaf_with_another_signature_is_refused() -> None:
    alice = settled()[0]
    nodes = changed(list(alice.group.tree.nodes()), 6, signature=bytes(64))
    with pytest.raises(CryptoError):
        check_tree(RatchetTree.from_nodes(SUITE.hash, nodes), alice.group.rules)


def test_a_tree_beyond_our_bound_is_refused() -> None:
    leaf = gather(1)[0].group.own_leaf_node
    nodes: Nodes = [None] * (2 * MAX_WIDTH + 1)
    nodes[-1] = leaf
    with pytest.raises(RejectedError, match="MLS-TREE-SIZE"):
        RatchetTree.from_nodes(SUITE.hash, nodes)


def test_a_tree_grows_to_its_bound_and_no_further() -> None:
    leaf = gather(1)[0].group.own_leaf_node
    full = RatchetTree(SUITE.hash, [leaf, *([None, leaf] * (MAX_WIDTH - 1))])
    with pytest.raises(RejectedError, match="MLS-TREE-SIZE"):
        TreeEditor(full).add(leaf)


def test_a_tree_shrinks_and_grows_again_as_if_it_had_been_small() -> None:
    members = gather(5)
    alice = members[0]
    editor = TreeEditor(alice.group.tree)
    for index in (4, 3, 2):
        editor.remove(index)
    editor.truncate()
    assert editor.finish().width == 2
    newcomer = Member("new").key_package().key_package.leaf_node
    assert editor.add(newcomer) == 2
    after = editor.finish()
    assert (after.width, after.leaf(3), after.leaf(2)) == (4, None, newcomer)
    fresh = RatchetTree.from_nodes(SUITE.hash, after.nodes())
    assert fresh.tree_hash() == after.tree_hash()


def test_a_blank_node_has_no_key() -> None:
    with pytest.raises(UsageError):
        gather(2)[0].group.tree.encryption_key(99)


def test_an_untouched_tree_stays_the_same_object() -> None:
    tree = gather(2)[0].group.tree
    assert TreeEditor(tree).finish() is tree
    assert changes_between(tree, tree) == TreeChanges(tree.width, ())


def test_the_tree_hash_is_the_same_with_and_without_what_was_kept() -> None:
    members = settled(6)
    own = members[3].prepare(Member("new").key_package())
    tree = own.epoch.group.tree
    again = RatchetTree.from_nodes(SUITE.hash, decode_as(RatchetTreeNodes, encode_as(RatchetTreeNodes, tree.nodes())))
    assert again == tree
    assert [again.tree_hash(index) for index in range(len(again.array))] == [
        tree.tree_hash(index) for index in range(len(tree.array))
    ]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (TreeChanges(3, ()), "MLS-TREE-SIZE"),
        (TreeChanges(0, ()), "MLS-TREE-SIZE"),
        (TreeChanges(2**31, ()), "MLS-TREE-SIZE"),
        (TreeChanges(2, (NodeChange(3, None),)), "MLS-TREE-CHANGES"),
        (TreeChanges(2, (NodeChange(2**32 - 1, None),)), "MLS-TREE-CHANGES"),
        (TreeChanges(2, (NodeChange(1, None), NodeChange(1, None))), "MLS-TREE-CHANGES"),
        (TreeChanges(2, (NodeChange(1, None), NodeChange(0, None))), "MLS-TREE-CHANGES"),
        (TreeChanges(2, (NodeChange(2, None),)), "MLS-TREE-NOT-TRUNCATED"),
        (TreeChanges(2, (NodeChange(0, ParentNode(b"", b"", ())),)), "MLS-TREE-NODE-TYPE"),
    ],
)
def test_hostile_changes_are_refused(changes: TreeChanges, rule: str) -> None:
    tree = gather(2)[0].group.tree
    with pytest.raises(RejectedError) as refused:
        apply_changes(tree, TreeChanges.decode(changes.encode()))
    assert refused.value.rule == rule


def with_context(member: Member, **changes: Any) -> GroupInfo:
    """A GroupInfo of the member's group with something changed in its context, signed anew."""
    info = make_group_info(member.group, member.signer)
    context = dataclasses.replace(info.group_context, **changes)
    unsigned = dataclasses.replace(info, group_context=context)
    signature = SUITE.sign_with_label(member.signer, "GroupInfoTBS", unsigned.to_be_signed())
    return dataclasses.replace(unsigned, signature=signature)


def test_a_group_info_names_the_tree_the_suite_and_the_group_that_it_belongs_to() -> None:
    alice, _ = gather(2)
    tree = alice.group.tree
    assert isinstance(with_context(alice).group_context, GroupContext)
    check_group_info(with_context(alice), tree)
    with pytest.raises(RejectedError, match="MLS-GROUP-INFO-TREE"):
        check_group_info(with_context(alice, tree_hash=bytes(32)), tree)
    with pytest.raises(RejectedError, match="MLS-SUITE-UNKNOWN"):
        check_group_info(with_context(alice, cipher_suite=0x0A0A), tree)
    with pytest.raises(CryptoError):
        check_group_info(with_context(alice, group_id=b"another group"), tree)
    with pytest.raises(RejectedError, match="MLS-MEMBER-UNKNOWN"):
        check_group_info(dataclasses.replace(with_context(alice), signer=9), tree)


def test_the_errors_of_a_tree_out_of_bytes_are_malformed() -> None:
    with pytest.raises(MalformedError):
        decode_as(RatchetTreeNodes, b"\x01\x02")
