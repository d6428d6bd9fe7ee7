"""Sentences of RFC 9420 that a group keeps and no other test shows; docs/spec/conformance.md leads here."""

import dataclasses
from collections.abc import Collection

import pytest

from entrenous.crypto import Entropy, Signer
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.mls.framing import protect_public, sign_as_member
from entrenous.mls.group import (
    CachedProposal,
    LeafProfile,
    commit,
    create_key_package,
    join,
    make_group_info,
    name_psk,
)
from entrenous.mls.group.leaf import sign_leaf
from entrenous.mls.group.welcome import Newcomer, make_welcome
from entrenous.mls.schedule import (
    JoinerSecret,
    derive_member_secret,
    derive_psk_secret,
    derive_welcome_key,
    no_psk,
)
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import NewPath
from entrenous.mls.types import (
    GREASE_VALUES,
    PSK,
    BasicCredential,
    Capabilities,
    Commit,
    Extension,
    ExtensionType,
    ExternalPSK,
    FromCommit,
    GroupContextExtensions,
    GroupInfo,
    InlineProposal,
    LeafNode,
    LeafPlace,
    Lifetime,
    MLSMessage,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    PublicMessage,
    Remove,
    RequiredCapabilities,
    UpdatePath,
    WireFormat,
    make_extension,
)
from mls_members import LIFETIME, NOW, ROOM, SUITE, Member, agree, everybody_follows, gather

DAY = 86_400


def test_a_group_begins_as_the_rfc_says() -> None:
    alice = Member("alice")
    alice.create(b"new", [Extension(ROOM, b"any")])
    group = alice.group
    assert (group.group_id, group.epoch, group.context.confirmed_transcript_hash) == (b"new", 0, b"")
    assert group.context.tree_hash == group.tree.tree_hash()
    assert group.context.extensions == (Extension(ROOM, b"any"),)
    assert group.confirmation_tag == SUITE.mac(group.secrets.confirmation_key.reveal(), b"")
    assert [leaf.credential for _, leaf in group.members()] == [BasicCredential(b"alice")]


def test_every_key_package_has_keys_of_its_own() -> None:
    alice = Member("alice")
    packages = [
        create_key_package(SUITE, alice.signer, alice.profile, LIFETIME, alice.entropy).key_package for _ in range(3)
    ]
    keys = [key for package in packages for key in (package.init_key, package.leaf_node.encryption_key)]
    assert len(set(keys)) == 6


@pytest.mark.parametrize("version", [0, 2, 0x0A0A])
def test_what_is_of_another_version_is_malformed(version: int) -> None:
    package = Member("alice").key_package().key_package
    other = version.to_bytes(2, "big")
    with pytest.raises(MalformedError):
        type(package).decode(other + package.encode()[2:])
    with pytest.raises(MalformedError):
        MLSMessage.decode(other + MLSMessage.of(package).encode()[2:])
    # A KeyPackage of another version than its envelope: the envelope's three numbers stand before it.
    message = bytearray(MLSMessage.of(package).encode())
    message[4:6] = other
    with pytest.raises(MalformedError):
        MLSMessage.decode(bytes(message))


@pytest.mark.parametrize("kind", [0, 8, min(GREASE_VALUES), 0xF001])
def test_a_proposal_of_another_kind_is_malformed_wherever_it_stands(kind: int) -> None:
    alice, bob = gather(2)
    other = kind.to_bytes(2, "big")
    encoded = InlineProposal(Remove(1)).encode()
    with pytest.raises(MalformedError):
        InlineProposal.decode(other + encoded[2:])
    committed = alice.forges(Commit((InlineProposal(Remove(1)),), None))
    assert committed.count(encoded) == 1
    with pytest.raises(MalformedError):
        bob.opens(committed.replace(encoded, other + encoded[2:]))


def test_a_commit_changes_nothing_at_its_maker() -> None:
    alice, _ = gather(2)
    state, nodes = alice.group.encode(), repr(alice.keys)
    own = commit(alice.group, alice.keys, alice.signer, alice.entropy)
    assert own.epoch.group.epoch == alice.group.epoch + 1
    assert (alice.group.encode(), repr(alice.keys)) == (state, nodes)


def test_receivers_do_not_insist_that_all_proposals_are_committed() -> None:
    alice, bob, carol = gather(3)
    sent = carol.proposes(Remove(0))
    for member in (alice, bob):
        member.caches(sent.message)
    everybody_follows([alice, bob, carol], alice, alice.prepare())
    assert agree([alice, bob, carol])


def orders(*proposals: Proposal) -> list[tuple[Proposal, ...]]:
    return [proposals, proposals[::-1]]


def test_extensions_come_first_then_removes_then_adds_in_whatever_order_they_stand() -> None:
    seen = set()
    for turn in range(2):
        alice, bob, _ = gather(3)
        newcomer = Member("newcomer")
        proposals = orders(
            newcomer.key_package(), Remove(2), GroupContextExtensions((Extension(ROOM, b"from now on"),))
        )[turn]
        own = alice.prepare(*proposals)
        bob.follows(own.message)
        alice.enter(own.epoch)
        newcomer.join(own.welcome, alice.group.tree)
        assert agree([alice, bob, newcomer])
        assert newcomer.group.own_leaf == 2
        assert newcomer.group.context.extensions == (Extension(ROOM, b"from now on"),)
        seen.add(newcomer.group.context.tree_hash)
    assert len(seen) == 1


def test_a_newcomer_is_measured_by_the_extensions_of_the_same_commit() -> None:
    alice, bob = gather(2)
    plain = Member("plain")
    plain.profile = LeafProfile(BasicCredential(b"plain"), Capabilities((1,), (SUITE.id,), (), (), (1,)))
    needs = GroupContextExtensions(
        (make_extension(ExtensionType.REQUIRED_CAPABILITIES, RequiredCapabilities((ROOM,), (), ())),)
    )
    add = plain.key_package()
    for proposals in orders(add, needs):
        with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
            alice.prepare(*proposals)
        forged = alice.forges(Commit(tuple(map(InlineProposal, proposals)), path_of(alice)))
        with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
            bob.stages(forged)


def path_of(member: Member) -> UpdatePath:
    body = MLSMessage.decode(member.prepare(wire_format=WireFormat.PUBLIC_MESSAGE).message).body
    assert isinstance(body, PublicMessage)
    assert isinstance(body.content.content, Commit)
    assert body.content.content.path is not None
    return body.content.content.path


def test_a_lifetime_that_is_too_long_altogether_is_refused_by_all() -> None:
    alice, bob = gather(2)
    carol = Member("carol")
    add = carol.key_package(Lifetime(NOW - DAY, NOW + 100 * DAY))
    with pytest.raises(RejectedError, match="MLS-LEAF-LIFETIME-TOTAL"):
        alice.prepare(add)
    own = alice.prepare(add, max_lifetime=101 * DAY, force_path=False)
    for limit in (101 * DAY - 1, 0):
        with pytest.raises(RejectedError, match="MLS-LEAF-LIFETIME-TOTAL"):
            bob.stages(alice.forges(Commit((InlineProposal(add),), None)), max_lifetime=limit)
        with pytest.raises(RejectedError, match="MLS-LEAF-LIFETIME-TOTAL"):
            carol.join(own.welcome, own.epoch.group.tree, max_lifetime=limit)
    bob.follows(own.message, max_lifetime=101 * DAY)
    alice.enter(own.epoch)
    carol.join(own.welcome, alice.group.tree, max_lifetime=101 * DAY)
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    with pytest.raises(RejectedError, match="MLS-LEAF-LIFETIME-TOTAL"):
        Member("dave").join_from_outside(info, alice.group.tree, max_lifetime=DAY)


def test_a_path_is_not_encrypted_to_those_whom_its_commit_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob, _ = gather(3)
    honest = NewPath.encrypt

    def to_all(
        path: NewPath, suite: CipherSuite, context: bytes, _new_leaves: Collection[int], entropy: Entropy
    ) -> UpdatePath:
        return honest(path, suite, context, (), entropy)

    monkeypatch.setattr(NewPath, "encrypt", to_all)
    with pytest.raises(RejectedError, match="MLS-PATH-CIPHERTEXTS"):
        bob.stages(alice.prepare(Member("dave").key_package()).message)


NAMES: tuple[PSK, PSK] = ExternalPSK(b"first"), ExternalPSK(b"second")
VALUES: dict[PSK, bytes] = {NAMES[0]: b"one secret", NAMES[1]: b"another secret"}


def test_newcomers_get_the_pre_shared_keys_in_the_order_of_the_commit() -> None:
    alice, bob = gather(2)
    carol = Member("carol")
    names = [name_psk(SUITE, psk, alice.entropy) for psk in NAMES]
    proposals = [PreSharedKey(name) for name in reversed(names)]
    own = alice.prepare(proposals[0], carol.key_package(), proposals[1], psks=VALUES.get)
    bob.follows(own.message, psks=VALUES.get)
    alice.enter(own.epoch)
    carol.join(own.welcome, alice.group.tree, psks=VALUES.get)
    assert agree([alice, bob, carol])


def test_a_welcome_with_its_pre_shared_keys_in_another_order_does_not_open() -> None:
    alice, carol = Member("alice"), Member("carol")
    alice.create()
    own = alice.prepare(carol.key_package())
    info = make_group_info(own.epoch.group, alice.signer, with_ratchet_tree=True)
    (bundle,) = carol.bundles.values()
    names = [PreSharedKeyID(psk, bytes(SUITE.secret_size)) for psk in NAMES]
    joiner = JoinerSecret(bytes(SUITE.secret_size))
    secret = derive_psk_secret(SUITE, [(name, VALUES[name.psk]) for name in names])
    key = derive_welcome_key(SUITE, derive_member_secret(SUITE, joiner, secret))
    newcomer = Newcomer(bundle.key_package, None)
    swapped = make_welcome(SUITE, joiner, key, info, [newcomer], names[::-1], bytes)
    with pytest.raises(CryptoError):
        join(MLSMessage.of(swapped).encode(), carol.bundles.get, psks=VALUES.get)


def forged_info(change: str) -> tuple[Member, bytes]:
    """Bob, and a Welcome for him whose GroupInfo has been changed before it was signed."""
    alice, bob = Member("alice"), Member("bob")
    alice.create()
    own = alice.prepare(bob.key_package())
    info = make_group_info(own.epoch.group, alice.signer, with_ratchet_tree=True)
    if change == "context":
        context = dataclasses.replace(info.group_context, extensions=(Extension(0xF0FF, b""),))
        info = dataclasses.replace(info, group_context=context)
    elif change == "twice":
        info = dataclasses.replace(info, extensions=(*info.extensions, Extension(ROOM, b""), Extension(ROOM, b"")))
    elif change == "signer":
        info = dataclasses.replace(info, signer=9)
    signature = SUITE.sign_with_label(alice.signer, "GroupInfoTBS", info.to_be_signed())
    info = dataclasses.replace(info, signature=signature)
    return bob, welcome_of(info, bob)


def welcome_of(info: GroupInfo, bob: Member) -> bytes:
    (bundle,) = bob.bundles.values()
    joiner = JoinerSecret(bytes(SUITE.secret_size))
    key = derive_welcome_key(SUITE, derive_member_secret(SUITE, joiner, no_psk(SUITE)))
    welcome = make_welcome(SUITE, joiner, key, info, [Newcomer(bundle.key_package, None)], (), bytes)
    return MLSMessage.of(welcome).encode()


@pytest.mark.parametrize(
    ("change", "rule"),
    [("context", "MLS-LEAF-CAPABILITIES"), ("twice", "MLS-EXTENSION-TWICE"), ("signer", "MLS-MEMBER-UNKNOWN")],
)
def test_a_joiner_refuses_a_group_info_that_breaks_a_rule(change: str, rule: str) -> None:
    bob, message = forged_info(change)
    with pytest.raises(RejectedError) as refused:
        join(message, bob.bundles.get)
    assert refused.value.rule == rule


def test_who_joins_from_outside_supports_what_the_group_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    alice, _ = gather(2, extensions=[Extension(ROOM, b"room")])
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    plain = Member("plain")
    plain.profile = LeafProfile(BasicCredential(b"plain"), Capabilities((1,), (SUITE.id,), (), (), (1,)))
    with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
        plain.join_from_outside(info, alice.group.tree)
    monkeypatch.setattr("entrenous.mls.group.external.check_leaf_content", lambda _leaf, _rules: None)
    joining = plain.join_from_outside(info, alice.group.tree)
    with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
        alice.stages(joining.message)


def test_who_replaces_his_leaf_from_outside_brings_another_encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = gather(2)
    again = Member("member 1", seed=99)
    again.signer = bob.signer
    old = bob.group.own_leaf_node
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)

    def keeping_the_key(
        suite: CipherSuite, signer: Signer, profile: LeafProfile, _key: bytes, source: FromCommit, place: LeafPlace
    ) -> LeafNode:
        return sign_leaf(suite, signer, profile, old.encryption_key, source, place)

    monkeypatch.setattr("entrenous.mls.group.external.sign_leaf", keeping_the_key)
    joining = again.join_from_outside(info, alice.group.tree, replaces=1)
    with pytest.raises(RejectedError, match="MLS-LEAF-KEY-UNCHANGED"):
        alice.stages(joining.message)


def test_a_ratchet_tree_is_sent_without_blanks_at_its_end() -> None:
    members = gather(5)
    alice = members[0]
    own = alice.prepare(Remove(4), Remove(2))
    everybody_follows([alice, members[1], members[3]], alice, own)
    assert alice.group.tree.nodes()[-1] is not None
    everybody_follows([alice, members[1], members[3]], alice, alice.prepare(Member("a").key_package()))
    assert len(alice.group.tree.nodes()) == 7
    everybody_follows([alice, members[1], members[3]], alice, alice.prepare(Member("b").key_package()))
    assert len(alice.group.tree.array) == 15
    assert len(alice.group.tree.nodes()) == 9


@pytest.mark.parametrize("wire_format", [WireFormat.PRIVATE_MESSAGE, WireFormat.PUBLIC_MESSAGE])
def test_a_proposal_of_another_epoch_is_not_taken(wire_format: WireFormat) -> None:
    alice, bob, carol = gather(3)
    early: CachedProposal = bob.proposes(Remove(2)).cached
    message = bob.proposes(Remove(0), wire_format=wire_format).message
    everybody_follows([alice, bob, carol], carol, carol.prepare())
    with pytest.raises(RejectedError, match="MLS-EPOCH"):
        alice.caches(message)
    with pytest.raises(RejectedError, match="MLS-PROPOSAL-UNKNOWN"):
        bob.prepare(by_reference=[early])


def test_a_proposal_with_another_signature_is_not_taken() -> None:
    alice, bob = gather(2)
    other = Member("somebody else").signer
    for signer, is_taken in ((alice.signer, True), (other, False)):
        content = sign_as_member(alice.group, signer, WireFormat.PUBLIC_MESSAGE, InlineProposal(Remove(1)), b"")
        message = protect_public(alice.group, content)
        if is_taken:
            assert bob.caches(message).proposal == Remove(1)
        else:
            with pytest.raises(CryptoError):
                bob.caches(message)
