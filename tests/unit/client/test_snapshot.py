import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret, SealedKind
from entrenous.client.rooms.snapshot import NodeChanges, encode_changes, encode_tree, rebuild
from entrenous.codec import Struct
from entrenous.crypto import Hash
from entrenous.errors import UnavailableError
from entrenous.mls.tree import RatchetTree, TreeChanges, TreeEditor, changes_between
from entrenous.mls.tree.changes import NodeChange
from entrenous.mls.types import BasicCredential, Capabilities, FromUpdate, LeafNode, ParentNode

ROOM = bytes(16)
KEY = AccessKey(1, RoomAccessSecret(bytes(32)))


def leaf(name: int) -> LeafNode:
    identity = BasicCredential(bytes([name]) * 4)
    return LeafNode(bytes([name]), bytes([name]), identity, Capabilities((1,), (), (), (), ()), FromUpdate(), (), b"")


def tree_of(*names: int) -> RatchetTree:
    tree = RatchetTree(Hash.SHA384, [leaf(names[0])])
    for name in names[1:]:
        tree = added(tree, name)
    return tree


def added(tree: RatchetTree, name: int) -> RatchetTree:
    editor = TreeEditor(tree)
    editor.add(leaf(name))
    return editor.finish()


def removed(tree: RatchetTree, place: int) -> RatchetTree:
    editor = TreeEditor(tree)
    editor.remove(place)
    editor.truncate()
    return editor.finish()


def with_path(tree: RatchetTree, key: bytes) -> RatchetTree:
    editor = TreeEditor(tree)
    editor.set_node(tree.root, ParentNode(key, b"", ()))
    return editor.finish()


def seal(kind: SealedKind, what: bytes | Struct) -> bytes:
    return KEY.seal(kind, ROOM, 1, what if isinstance(what, bytes) else what.encode(), os.urandom)


def sealed_tree(tree: RatchetTree) -> bytes:
    return seal(SealedKind.TREE, encode_tree(tree))


def sealed_changes(before: RatchetTree, after: RatchetTree) -> bytes:
    return seal(SealedKind.NODE_CHANGES, encode_changes(before, after, changes_between(before, after)))


def rebuilt(tree: bytes, changes: list[bytes], wanted: RatchetTree) -> RatchetTree:
    return rebuild(KEY, ROOM, Hash.SHA384, tree, changes, wanted.tree_hash())


def history() -> list[RatchetTree]:
    """Growth over a power of two, a path, a removal that halves the tree, and growth again."""
    trees = [tree_of(1, 2)]
    trees.append(added(trees[-1], 3))
    trees.append(with_path(trees[-1], b"root"))
    trees.append(removed(trees[-1], 2))
    trees.append(added(trees[-1], 4))
    return trees


def test_a_snapshot_and_the_changes_since_give_every_later_tree() -> None:
    trees = history()
    changes = [sealed_changes(a, b) for a, b in itertools.pairwise(trees)]
    for count, wanted in enumerate(trees):
        assert rebuilt(sealed_tree(trees[0]), changes[:count], wanted) == wanted


def test_what_came_with_a_refused_commit_is_passed_over_whether_true_or_garbage() -> None:
    before = tree_of(1, 2, 3)
    wanted = added(before, 4)
    refused = removed(before, 1)
    noise = [
        sealed_changes(before, refused),
        b"garbage",
        seal(SealedKind.NODE_CHANGES, b"sealed garbage"),
        AccessKey(2, KEY.secret).seal(SealedKind.NODE_CHANGES, ROOM, 1, b"", os.urandom),
        sealed_changes(refused, added(refused, 9)),
    ]
    assert rebuilt(sealed_tree(before), [*noise, sealed_changes(before, wanted), *noise], wanted) == wanted


def test_a_change_that_lies_about_where_it_leads_leads_nowhere() -> None:
    before = tree_of(1, 2, 3)
    wanted = added(before, 4)
    lie = NodeChanges(before.tree_hash(), wanted.tree_hash(), TreeChanges(before.width, (NodeChange(0, leaf(66)),)))
    with pytest.raises(UnavailableError):
        rebuilt(sealed_tree(before), [seal(SealedKind.NODE_CHANGES, lie)], wanted)


@pytest.mark.parametrize("width", [0, 3, 1 << 31])
def test_a_width_that_no_tree_has_is_passed_over_before_anything_is_allocated(width: int) -> None:
    before = tree_of(1, 2)
    change = NodeChanges(before.tree_hash(), bytes(48), TreeChanges(width, ()))
    assert rebuilt(sealed_tree(before), [seal(SealedKind.NODE_CHANGES, change)], before) == before


def test_an_index_outside_the_tree_is_passed_over() -> None:
    before = tree_of(1, 2)
    change = NodeChanges(before.tree_hash(), bytes(48), TreeChanges(2, (NodeChange(3, leaf(7)),)))
    assert rebuilt(sealed_tree(before), [seal(SealedKind.NODE_CHANGES, change)], before) == before


@pytest.mark.parametrize(
    "tree", [b"", b"garbage", seal(SealedKind.TREE, b"\x00")], ids=["nothing", "garbage", "sealed garbage"]
)
def test_a_useless_snapshot_is_said_to_be_one(tree: bytes) -> None:
    with pytest.raises(UnavailableError, match="of no use"):
        rebuilt(tree, [], tree_of(1))


def test_a_missing_change_is_noticed() -> None:
    trees = history()
    with pytest.raises(UnavailableError, match="does not lead"):
        rebuilt(sealed_tree(trees[0]), [sealed_changes(trees[1], trees[2])], trees[2])


@given(st.binary(max_size=300))
def test_hostile_changes_never_do_more_than_lead_nowhere(data: bytes) -> None:
    tree = tree_of(1, 2, 3)
    assert rebuilt(sealed_tree(tree), [data, seal(SealedKind.NODE_CHANGES, data)], tree) == tree
