"""The ratchet tree against the official vectors: operations, validation, TreeKEM (RFC 9420 §7)."""

import functools
from typing import Any

import pytest

from conftest import Vectors
from entrenous.codec import decode_as, encode_as
from entrenous.crypto import KEMPrivateKey, load_signer, system_entropy
from entrenous.mls.suite import SUITES, CipherSuite
from entrenous.mls.tree import (
    GroupRules,
    RatchetTree,
    TreeEditor,
    TreePathSecret,
    check_leaf_signature,
    check_members,
    check_parent_hashes,
    check_path_ciphertexts,
    check_path_keys,
    create_path,
    derive_path,
    merge_path,
    open_path,
)
from entrenous.mls.tree.validation import LEAF_LABEL, check_unmerged_leaves
from entrenous.mls.types import (
    Add,
    FromCommit,
    GroupContext,
    LeafNode,
    LeafPlace,
    Proposal,
    ProtocolVersion,
    RatchetTreeNodes,
    Remove,
    Update,
    UpdatePath,
)

SUITE_IDS = range(1, 8)


def read_tree(suite: CipherSuite, data: str) -> RatchetTree:
    return RatchetTree.from_nodes(suite.hash, decode_as(RatchetTreeNodes, bytes.fromhex(data)))


def of_suite(cases: list[dict[str, Any]], suite_id: int) -> tuple[CipherSuite, list[dict[str, Any]]]:
    return SUITES[suite_id], [case for case in cases if case["cipher_suite"] == suite_id]


def test_add_update_and_remove_give_the_official_trees(vectors: Vectors) -> None:
    cases = vectors.load("mls/tree-operations.json")
    assert len(cases) == 5
    for case in cases:
        suite = SUITES[case["cipher_suite"]]
        tree = read_tree(suite, case["tree_before"])
        assert tree.tree_hash().hex() == case["tree_hash_before"]
        editor = TreeEditor(tree)
        match decode_as(Proposal, bytes.fromhex(case["proposal"])):
            case Add(key_package):
                editor.add(key_package.leaf_node)
            case Update(leaf_node):
                editor.update(case["proposal_sender"], leaf_node)
            case Remove(removed):
                editor.remove(removed)
                editor.truncate()
            case other:
                pytest.fail(f"no operation on a tree: {other}")
        after = editor.finish()
        assert encode_as(RatchetTreeNodes, after.nodes()).hex() == case["tree_after"]
        assert after.tree_hash().hex() == case["tree_hash_after"]
        assert tree.tree_hash().hex() == case["tree_hash_before"]


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_the_official_trees_are_valid_and_have_these_hashes_and_resolutions(vectors: Vectors, suite_id: int) -> None:
    suite, cases = of_suite(vectors.load("mls/tree-validation.json.gz"), suite_id)
    assert len(cases) == 14
    for case in cases:
        tree = read_tree(suite, case["tree"])
        assert [tree.resolution(index) for index in range(len(tree.array))] == case["resolutions"]
        assert [tree.tree_hash(index).hex() for index in range(len(tree.array))] == case["tree_hashes"]
        check_parent_hashes(tree)
        check_unmerged_leaves(tree)
        check_members(tree)
        rules = GroupRules.of(suite, bytes.fromhex(case["group_id"]), ())
        for index, leaf in tree.members():
            check_leaf_signature(leaf, rules, index)


class Member:
    """One leaf of a TreeKEM vector: the private keys that it holds."""

    def __init__(self, suite: CipherSuite, tree: RatchetTree, given: dict[str, Any]) -> None:
        self.leaf: int = given["index"]
        self.signer = load_signer(suite.signature, bytes.fromhex(given["signature_priv"]))
        self.keys = {2 * self.leaf: KEMPrivateKey(bytes.fromhex(given["encryption_priv"]))}
        for entry in given["path_secrets"]:
            pair = derive_path(suite, TreePathSecret(bytes.fromhex(entry["path_secret"])), 1).keys[0]
            assert pair.public == tree.encryption_key(entry["node"])
            self.keys[entry["node"]] = pair.private


def context_of(case: dict[str, Any], suite: CipherSuite, tree: RatchetTree) -> bytes:
    return GroupContext(
        ProtocolVersion.MLS10,
        suite.id,
        bytes.fromhex(case["group_id"]),
        case["epoch"],
        tree.tree_hash(),
        bytes.fromhex(case["confirmed_transcript_hash"]),
        (),
    ).encode()


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_every_member_opens_every_official_path(vectors: Vectors, suite_id: int) -> None:
    suite, cases = of_suite(vectors.load("mls/treekem.json.gz"), suite_id)
    assert len(cases) == 11
    opened = 0
    for case in cases:
        tree = read_tree(suite, case["ratchet_tree"])
        members = [Member(suite, tree, given) for given in case["leaves_private"]]
        rules = GroupRules.of(suite, bytes.fromhex(case["group_id"]), ())
        for given in case["update_paths"]:
            sender, update = given["sender"], UpdatePath.decode(bytes.fromhex(given["update_path"]))
            check_path_keys(tree, update)
            check_leaf_signature(update.leaf_node, rules, sender)
            after = merge_path(tree, sender, update)
            check_path_ciphertexts(tree, sender, update, ())
            check_parent_hashes(after)
            assert after.tree_hash().hex() == given["tree_hash_after"]
            for member in members:
                if member.leaf == sender:
                    continue
                result = open_path(
                    suite, tree, sender, update, member.leaf, member.keys, context_of(case, suite, after), ()
                )
                assert result.commit_secret.reveal().hex() == given["commit_secret"]
                lowest = min(result.private_keys, key=after_level)
                first = derive_path(suite, TreePathSecret(bytes.fromhex(given["path_secrets"][member.leaf])), 1)
                assert result.private_keys[lowest] == first.keys[0].private
                opened += 1
    assert opened == 328


def after_level(node: int) -> int:
    return (~node & (node + 1)).bit_length()


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_a_path_of_our_own_is_opened_by_all_others(vectors: Vectors, suite_id: int) -> None:
    suite, cases = of_suite(vectors.load("mls/treekem.json.gz"), suite_id)
    for case in cases[:8]:
        tree = read_tree(suite, case["ratchet_tree"])
        members = [Member(suite, tree, given) for given in case["leaves_private"]]
        rules = GroupRules.of(suite, bytes.fromhex(case["group_id"]), ())
        for sender in (members[0], members[-1]):
            sign = functools.partial(resign, suite, rules.group_id, sender, tree.member(sender.leaf))
            path = create_path(suite, tree, sender.leaf, sign, system_entropy)
            context = context_of(case, suite, path.tree)
            update = UpdatePath.decode(path.encrypt(suite, context, (), system_entropy).encode())
            assert merge_path(tree, sender.leaf, update) == path.tree
            check_leaf_signature(update.leaf_node, rules, sender.leaf)
            check_parent_hashes(path.tree)
            for member in members:
                if member is not sender:
                    result = open_path(suite, tree, sender.leaf, update, member.leaf, member.keys, context, ())
                    assert result.commit_secret == path.commit_secret
                    assert all(path.private_keys[node] == key for node, key in result.private_keys.items())


def resign(
    suite: CipherSuite, group_id: bytes, member: Member, old: LeafNode, key: bytes, source: FromCommit
) -> LeafNode:
    unsigned = LeafNode(key, old.signature_key, old.credential, old.capabilities, source, old.extensions, b"")
    content = unsigned.to_be_signed(LeafPlace(group_id, member.leaf))
    signature = suite.sign_with_label(member.signer, LEAF_LABEL, content)
    return LeafNode(key, old.signature_key, old.credential, old.capabilities, source, old.extensions, signature)
