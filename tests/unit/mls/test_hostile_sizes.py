"""What an insider can make long: it must cost time in proportion, and end in one of our errors."""

import dataclasses

import pytest

from entrenous.errors import RejectedError
from entrenous.mls.group.psks import check_psk_ids
from entrenous.mls.schedule import MAX_PSKS
from entrenous.mls.tree import RatchetTree
from entrenous.mls.tree.parent_hash import original_tree_hash
from entrenous.mls.tree.tree_math import leaves_below
from entrenous.mls.tree.validation import check_unmerged_leaves
from entrenous.mls.types import (
    Commit,
    ExternalPSK,
    InlineProposal,
    Node,
    ParentNode,
    PreSharedKey,
    PreSharedKeyID,
    Remove,
)
from mls_members import SUITE, gather


def psk_id(index: int) -> PreSharedKeyID:
    return PreSharedKeyID(ExternalPSK(b"one"), index.to_bytes(SUITE.secret_size, "big"))


def test_more_pre_shared_keys_than_can_be_counted_are_refused() -> None:
    with pytest.raises(RejectedError, match="MLS-PSK-COUNT"):
        check_psk_ids(SUITE, [psk_id(0)] * (MAX_PSKS + 1))
    with pytest.raises(RejectedError, match="MLS-PSK-COUNT"):
        check_psk_ids(SUITE, [psk_id(0)], already=MAX_PSKS)


def test_a_commit_of_ten_thousand_proposals_is_judged_to_its_end() -> None:
    alice, bob = gather(2)
    many = tuple(InlineProposal(PreSharedKey(psk_id(index))) for index in range(10_000))
    with pytest.raises(RejectedError, match="MLS-PSK-UNKNOWN"):
        bob.stages(alice.forges(Commit(many, None)))
    with pytest.raises(RejectedError, match="MLS-PROPOSALS-PSK-TWICE"):
        bob.stages(alice.forges(Commit((*many, many[5000]), None)))
    removals = tuple(InlineProposal(Remove(1)) for _ in range(10_000))
    with pytest.raises(RejectedError, match="MLS-PROPOSALS-SAME-LEAF"):
        bob.stages(alice.forges(Commit(removals, None)))


def test_a_tree_full_of_unmerged_leaves_is_judged_to_its_end() -> None:
    width = 1 << 10
    leaf = gather(1)[0].group.own_leaf_node
    nodes: list[Node | None] = []
    for index in range(2 * width - 1):
        if index % 2 == 0:
            nodes.append(dataclasses.replace(leaf, encryption_key=index.to_bytes(32, "big")))
            continue
        nodes.append(ParentNode(index.to_bytes(32, "big"), b"", tuple(leaves_below(index))))
    tree = RatchetTree.from_nodes(SUITE.hash, nodes)
    check_unmerged_leaves(tree)
    everybody = range(width)
    assert original_tree_hash(tree, tree.root, everybody) != tree.tree_hash()
