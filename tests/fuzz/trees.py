"""Ratchet trees from strangers: whole, as changes, and as what a server keeps sealed for joiners."""

from entrenous.client.rooms.sealed import Sealed, SealedKind
from entrenous.client.rooms.snapshot import NodeChanges, rebuild
from entrenous.codec import decode_as, encode_as
from entrenous.errors import UnavailableError
from entrenous.mls.tree import RatchetTree, TreeChanges, apply_changes, check_tree
from entrenous.mls.types import (
    RatchetTreeNodes,
)
from fuzz import official, rooms
from fuzz.target import REFUSED, Shape, Target, chosen
from mls_members import SUITE


def ratchet_tree(data: bytes) -> None:
    """Any tree, judged as one who joins judges it; and any changes to a tree of ours."""
    if not data:
        return
    group = rooms.room().alice.group
    try:
        if data[0] % 2:
            changes = TreeChanges.decode(data[1:])
            tree = apply_changes(group.tree, changes)
            assert len({change.index for change in changes.nodes}) == len(changes.nodes), "a node was changed twice"
        else:
            tree = RatchetTree.from_nodes(SUITE.hash, decode_as(RatchetTreeNodes, data[1:]))
        assert RatchetTree.from_nodes(SUITE.hash, tree.nodes()).tree_hash() == tree.tree_hash()
        for leaf, _ in tree.members():
            for node, copath in tree.filtered_direct_path(leaf):
                assert tree.resolution(copath), f"node {node} should be filtered out"
        check_tree(tree, group.rules)
    except REFUSED:
        return


_SEALED = (SealedKind.TREE, SealedKind.NODE_CHANGES)


def sealed_state(data: bytes) -> None:
    """What a joiner gets from the server: as the server likes it, or sealed by a member who lies."""
    here = rooms.room()
    group = here.alice.group
    how = data[0] % 4 if data else 0
    plain = data[1:]
    tree = rooms.sealed(SealedKind.TREE, encode_as(RatchetTreeNodes, group.tree.nodes()))
    changes = [rooms.sealed(SealedKind.NODE_CHANGES, rooms.node_changes().encode())]
    match how:
        case 0:
            tree = plain
        case 1:
            changes.insert(0, plain)
        case 2:
            tree = rooms.sealed(SealedKind.TREE, plain)
        case _:
            changes.insert(0, rooms.sealed(SealedKind.NODE_CHANGES, plain))
    wanted = here.own.epoch.group.tree.tree_hash()
    try:
        found = rebuild(rooms.ACCESS_KEY, rooms.ROOM_ID, SUITE.hash, tree, changes, wanted)
    except UnavailableError:
        assert not how % 2, "a change that leads nowhere kept a joiner from the tree"
        return
    assert found.tree_hash() == wanted


def _sealed_seeds() -> list[bytes]:
    tree = encode_as(RatchetTreeNodes, rooms.room().alice.group.tree.nodes())
    changes = rooms.node_changes().encode()
    sealed = (rooms.sealed(SealedKind.TREE, tree), rooms.sealed(SealedKind.NODE_CHANGES, changes))
    return [bytes([how]) + data for how, data in enumerate((*sealed, tree, changes))]


def _sealed_shape(data: bytes) -> Shape:
    kinds = (Sealed, Sealed, RatchetTreeNodes, NodeChanges)
    return chosen(kinds)(data)


def _tree_seeds() -> list[bytes]:
    here = rooms.room()
    trees = (here.alice.group.tree, here.own.epoch.group.tree)
    changes = rooms.node_changes().changes.encode()
    nodes = [*(encode_as(RatchetTreeNodes, tree.nodes()) for tree in trees), *official.ratchet_trees()]
    return [*(b"\0" + each for each in nodes), b"\1" + changes]


TARGETS = (
    Target("mls-ratchet-tree", ratchet_tree, _tree_seeds, chosen((RatchetTreeNodes, TreeChanges))),
    Target("sealed-room-state", sealed_state, _sealed_seeds, _sealed_shape),
)
