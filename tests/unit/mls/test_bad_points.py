"""Encryption keys that nobody honest has, at every place of MLS where one comes in: each ends in a CryptoError.

Whoever put such a key into the tree would stop every later Commit, since no path secret can be sealed to it.
"""

import dataclasses

import pytest

from bad_points import LOW_ORDER_X25519, MLKEM768_COEFFICIENTS, unreduced_keys
from entrenous.crypto import MLKEM768
from entrenous.errors import CryptoError, RejectedError
from entrenous.mls.group import check_group_info, check_key_package, join, make_group_info
from entrenous.mls.suite import ROOM_SUITE, CipherSuite
from entrenous.mls.tree import GroupRules
from entrenous.mls.tree.editor import TreeEditor
from entrenous.mls.types import (
    Add,
    Commit,
    ExtensionType,
    ExternalInit,
    ExternalPub,
    FromUpdate,
    HPKECiphertext,
    InlineProposal,
    KeyPackage,
    MLSMessage,
    ProposalReference,
    Update,
    Welcome,
    make_extension,
)
from mls_members import SUITE, Member, gather
from unit.mls.test_group_external import commit_of, resigned
from unit.mls.test_group_forgeries import good_path, leaf_with, with_first_node, with_leaf

SUITES = pytest.mark.parametrize("suite", [SUITE, ROOM_SUITE], ids=["X25519", "X-Wing"])


def bad_keys(suite: CipherSuite, honest: bytes) -> list[bytes]:
    """What stands where ``honest`` should: of low order, not reduced, of another length."""
    keys = [honest[:-32] + point for point in LOW_ORDER_X25519]
    keys += [b"", honest[:-1], honest + b"\0"]
    if suite is ROOM_SUITE:
        mlkem = honest[: MLKEM768.public_size]
        keys += [key + honest[-32:] for key in unreduced_keys(mlkem, places=(0, MLKEM768_COEFFICIENTS - 1))]
    return keys


def bad_outputs(honest: bytes) -> list[bytes]:
    """The same for an encapsulation, whose ML-KEM half has no bad value of its size."""
    return [*(honest[:-32] + point for point in LOW_ORDER_X25519), b"", honest[:-1], honest + b"\0"]


def rebuilt_leaf(member: Member, package: KeyPackage, key: bytes) -> KeyPackage:
    """The KeyPackage with another key in its leaf, which its owner has signed."""
    unsigned = dataclasses.replace(package.leaf_node, encryption_key=key)
    signature = member.suite.sign_with_label(member.signer, "LeafNodeTBS", unsigned.to_be_signed(None))
    return signed_again(
        member, dataclasses.replace(package, leaf_node=dataclasses.replace(unsigned, signature=signature))
    )


def signed_again(member: Member, package: KeyPackage) -> KeyPackage:
    signature = member.suite.sign_with_label(member.signer, "KeyPackageTBS", package.to_be_signed())
    return dataclasses.replace(package, signature=signature)


def refuses(receiver: Member, sender: Member, commit: Commit) -> None:
    """The receiver does not take it, and is left as it was."""
    state = receiver.group.encode()
    with pytest.raises(CryptoError):
        receiver.stages(sender.forges(commit))
    assert receiver.group.encode() == state


@SUITES
@pytest.mark.parametrize("place", ["init key", "leaf key"])
def test_a_key_package_with_a_bad_key_is_neither_added_nor_taken(suite: CipherSuite, place: str) -> None:
    alice, bob = gather(2, suite)
    mallory = Member("mallory", suite)
    honest = mallory.key_package().key_package
    rules = GroupRules.of(suite, alice.group.group_id, ())
    path = good_path(alice)
    check_key_package(honest, rules)
    for key in bad_keys(suite, honest.init_key):
        package = (
            signed_again(mallory, dataclasses.replace(honest, init_key=key))
            if place == "init key"
            else rebuilt_leaf(mallory, honest, key)
        )
        with pytest.raises(CryptoError):
            check_key_package(package, rules)
        with pytest.raises(CryptoError):
            alice.prepare(Add(package))
        refuses(bob, alice, Commit((InlineProposal(Add(package)),), path))


@SUITES
def test_an_update_to_a_bad_key_is_refused(suite: CipherSuite) -> None:
    alice, bob, carol = gather(3, suite)
    old = carol.group.own_leaf_node
    for key in bad_keys(suite, old.encryption_key):
        kept = bob.caches(carol.proposes(Update(leaf_with(carol, old, FromUpdate(), encryption_key=key))).message)
        refuses(bob, alice, Commit((ProposalReference(kept.reference),), good_path(alice)))


@SUITES
@pytest.mark.parametrize("place", ["leaf", "node"])
def test_a_path_with_a_bad_key_is_refused(suite: CipherSuite, place: str) -> None:
    alice, bob, _ = gather(3, suite)
    path = good_path(alice)
    for key in bad_keys(suite, path.leaf_node.encryption_key):
        bad = (
            with_leaf(alice, path, encryption_key=key) if place == "leaf" else with_first_node(path, encryption_key=key)
        )
        refuses(bob, alice, Commit((), bad))


@SUITES
def test_a_path_secret_in_a_bad_encapsulation_is_refused_as_one_that_does_not_open(suite: CipherSuite) -> None:
    alice, bob = gather(2, suite)
    path = good_path(alice)
    sealed = path.nodes[0].encrypted_path_secret[0]
    for output in bad_outputs(sealed.kem_output):
        bad = with_first_node(path, encrypted_path_secret=(HPKECiphertext(output, sealed.ciphertext),))
        with pytest.raises(RejectedError) as refused:
            bob.stages(alice.forges(Commit((), bad)))
        assert refused.value.rule == "MLS-PATH-SECRET"


@SUITES
def test_a_welcome_in_a_bad_encapsulation_leads_nowhere(suite: CipherSuite) -> None:
    alice, bob = Member("alice", suite), Member("bob", suite)
    alice.create()
    own = alice.prepare(bob.key_package())
    assert own.welcome is not None
    welcome = MLSMessage.decode(own.welcome).body
    assert isinstance(welcome, Welcome)
    entry = welcome.secrets[0]
    sealed = entry.encrypted_group_secrets
    for output in bad_outputs(sealed.kem_output):
        changed = dataclasses.replace(entry, encrypted_group_secrets=HPKECiphertext(output, sealed.ciphertext))
        message = MLSMessage.of(dataclasses.replace(welcome, secrets=(changed,))).encode()
        with pytest.raises(CryptoError):
            join(message, bob.bundles.get, tree=own.epoch.group.tree)
    bob.join(own.welcome, own.epoch.group.tree)


@SUITES
def test_nobody_joins_from_outside_by_a_bad_key_or_with_a_bad_encapsulation(suite: CipherSuite) -> None:
    alice, _ = gather(2, suite)
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    mallory = Member("mallory", suite)
    public = next(
        ExternalPub.decode(e.extension_data) for e in info.extensions if e.extension_type == ExtensionType.EXTERNAL_PUB
    )
    for key in bad_keys(suite, public.external_pub):
        unsigned = dataclasses.replace(info, extensions=(make_extension(ExtensionType.EXTERNAL_PUB, ExternalPub(key)),))
        signature = suite.sign_with_label(alice.signer, "GroupInfoTBS", unsigned.to_be_signed())
        with pytest.raises(CryptoError):
            mallory.join_from_outside(dataclasses.replace(unsigned, signature=signature), alice.group.tree)


@SUITES
def test_members_take_no_external_commit_with_a_bad_encapsulation(suite: CipherSuite) -> None:
    alice, bob = gather(2, suite)
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    mallory = Member("mallory", suite)
    honest = commit_of(mallory.join_from_outside(info, alice.group.tree).message)
    init, *others = honest.proposals
    assert isinstance(init, InlineProposal)
    assert isinstance(init.proposal, ExternalInit)
    for output in bad_outputs(init.proposal.kem_output):
        bad = dataclasses.replace(honest, proposals=(InlineProposal(ExternalInit(output)), *others))
        state = bob.group.encode()
        with pytest.raises(CryptoError):
            bob.stages(resigned(mallory, alice, bad))
        assert bob.group.encode() == state


@SUITES
def test_nobody_joins_a_tree_with_a_bad_key_in_it_where_he_could_never_commit(suite: CipherSuite) -> None:
    alice, _ = gather(2, suite)
    info = make_group_info(alice.group, alice.signer)
    old = alice.group.own_leaf_node
    for key in bad_keys(suite, old.encryption_key):
        editor = TreeEditor(alice.group.tree)
        editor.update(0, leaf_with(alice, old, old.source, encryption_key=key))
        tree = editor.finish()
        context = dataclasses.replace(info.group_context, tree_hash=tree.tree_hash())
        unsigned = dataclasses.replace(info, group_context=context)
        signature = suite.sign_with_label(alice.signer, "GroupInfoTBS", unsigned.to_be_signed())
        with pytest.raises(CryptoError):
            check_group_info(dataclasses.replace(unsigned, signature=signature), tree)
    check_group_info(info, alice.group.tree)
