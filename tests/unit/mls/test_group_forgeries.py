"""What a hostile member can send with keys of her own, and which rule it breaks (RFC 9420 §7.3, §12.2, §12.4.2)."""

import dataclasses
import functools
from collections.abc import Callable, Collection
from typing import Any

import pytest

from entrenous.crypto import Entropy, SigningKey
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.mls.framing import Received, confirm, protect_public, sign_as_member
from entrenous.mls.group import (
    DIVERGING_RULES,
    CachedProposal,
    LeafProfile,
    NewEpoch,
    StagedCommit,
    create_key_package,
    make_update,
    stage,
)
from entrenous.mls.group.leaf import sign_leaf
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import NewPath
from entrenous.mls.types import (
    GREASE_VALUES,
    Add,
    BasicCredential,
    Capabilities,
    Commit,
    Extension,
    ExtensionType,
    ExternalInit,
    ExternalPSK,
    ExternalSenderIndex,
    FramedContentAuthData,
    FromCommit,
    FromUpdate,
    GroupContextExtensions,
    HPKECiphertext,
    InlineProposal,
    LeafNode,
    LeafPlace,
    MLSMessage,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    ProposalReference,
    ProtocolVersion,
    PublicMessage,
    ReInit,
    Remove,
    RequiredCapabilities,
    ResumptionPSK,
    ResumptionPSKUsage,
    Source,
    Update,
    UpdatePath,
    WireFormat,
    X509Credential,
    make_extension,
)
from mls_members import LIFETIME, ROOM, SUITE, Member, agree, gather
from x509_chains import Authority

NONCE = bytes(SUITE.secret_size)
SPOKEN = PreSharedKeyID(ExternalPSK(b"spoken"), NONCE)


def resumption(usage: ResumptionPSKUsage) -> PreSharedKeyID:
    return PreSharedKeyID(ResumptionPSK(usage, b"a group", 1), NONCE)


LISTS: list[tuple[str, list[Proposal], str]] = [
    ("its own removal", [Remove(0)], "MLS-PROPOSALS-REMOVE-COMMITTER"),
    ("the removal of nobody", [Remove(77)], "MLS-MEMBER-UNKNOWN"),
    ("two removals of one member", [Remove(1), Remove(1)], "MLS-PROPOSALS-SAME-LEAF"),
    ("an ExternalInit", [ExternalInit(b"")], "MLS-PROPOSALS-EXTERNAL-INIT"),
    (
        "a ReInit and a removal",
        [ReInit(b"new", ProtocolVersion.MLS10, 1, ()), Remove(1)],
        "MLS-PROPOSALS-REINIT",
    ),
    ("one PSK twice", [PreSharedKey(SPOKEN), PreSharedKey(SPOKEN)], "MLS-PROPOSALS-PSK-TWICE"),
    ("a PSK with a short nonce", [PreSharedKey(PreSharedKeyID(SPOKEN.psk, b"short"))], "MLS-PSK-NONCE"),
    ("a PSK for a branch", [PreSharedKey(resumption(ResumptionPSKUsage.BRANCH))], "MLS-PSK-USAGE"),
    ("a PSK for a ReInit", [PreSharedKey(resumption(ResumptionPSKUsage.REINIT))], "MLS-PSK-USAGE"),
    (
        "extensions twice",
        [GroupContextExtensions(()), GroupContextExtensions(())],
        "MLS-PROPOSALS-EXTENSIONS-TWICE",
    ),
    (
        "one extension type twice",
        [GroupContextExtensions((Extension(ROOM, b"a"), Extension(ROOM, b"b")))],
        "MLS-EXTENSION-TWICE",
    ),
    (
        "an extension that nobody supports",
        [GroupContextExtensions((Extension(0xF0FF, b""),))],
        "MLS-LEAF-CAPABILITIES",
    ),
    (
        "a required extension that nobody supports",
        [
            GroupContextExtensions(
                (make_extension(ExtensionType.REQUIRED_CAPABILITIES, RequiredCapabilities((0xF0FF,), (), ())),)
            )
        ],
        "MLS-LEAF-CAPABILITIES",
    ),
    (
        "a required proposal that nobody supports",
        [
            GroupContextExtensions(
                (make_extension(ExtensionType.REQUIRED_CAPABILITIES, RequiredCapabilities((), (0xF0FF,), ())),)
            )
        ],
        "MLS-LEAF-CAPABILITIES",
    ),
    (
        "a required credential that nobody supports",
        [
            GroupContextExtensions(
                (make_extension(ExtensionType.REQUIRED_CAPABILITIES, RequiredCapabilities((), (), (2,))),)
            )
        ],
        "MLS-LEAF-CAPABILITIES",
    ),
]


@pytest.mark.parametrize(("proposals", "rule"), [pytest.param(*case[1:], id=case[0]) for case in LISTS])
def test_a_proposal_list_that_breaks_a_rule_is_neither_made_nor_taken(proposals: list[Proposal], rule: str) -> None:
    alice, bob = gather(2)
    with pytest.raises(RejectedError) as made:
        alice.prepare(*proposals)
    forged = alice.forges(Commit(tuple(InlineProposal(proposal) for proposal in proposals), good_path(alice)))
    state = bob.group.encode()
    with pytest.raises(RejectedError) as taken:
        bob.stages(forged)
    assert (made.value.rule, taken.value.rule) == (rule, rule)
    assert bob.group.encode() == state


def test_an_extension_with_a_broken_body_is_malformed() -> None:
    alice, bob = gather(2)
    broken = InlineProposal(GroupContextExtensions((Extension(ExtensionType.REQUIRED_CAPABILITIES, b"\xff"),)))
    with pytest.raises(MalformedError):
        bob.stages(alice.forges(Commit((broken,), good_path(alice))))


@pytest.mark.parametrize("proposals", [[], [Remove(2)], [GroupContextExtensions(())]])
def test_a_commit_that_needs_a_path_is_refused_without_one(proposals: list[Proposal]) -> None:
    alice, bob, _ = gather(3)
    forged = alice.forges(Commit(tuple(InlineProposal(proposal) for proposal in proposals), None))
    with pytest.raises(RejectedError, match="MLS-COMMIT-PATH-MISSING"):
        bob.stages(forged)


def test_a_reference_to_an_unknown_or_an_older_proposal_is_refused() -> None:
    alice, bob, carol = gather(3)
    with pytest.raises(RejectedError, match="MLS-PROPOSAL-UNKNOWN"):
        bob.stages(alice.forges(Commit((ProposalReference(b"unknown"),), good_path(alice))))
    kept = bob.caches(carol.proposes(Remove(0)).message)
    own = carol.prepare()
    for member in (alice, bob):
        member.follows(own.message)
    bob.cached[kept.reference] = kept
    with pytest.raises(RejectedError, match="MLS-PROPOSAL-UNKNOWN"):
        bob.stages(alice.forges(Commit((ProposalReference(kept.reference),), good_path(alice))))


def test_an_update_from_outside_of_the_group_is_refused() -> None:
    alice, bob, carol = gather(3)
    update = make_update(carol.group, carol.signer, carol.entropy).proposal
    outside = CachedProposal(b"reference", bob.group.epoch, ExternalSenderIndex(0), update)
    bob.cached[outside.reference] = outside
    with pytest.raises(RejectedError, match="MLS-PROPOSAL-SENDER"):
        bob.stages(alice.forges(Commit((ProposalReference(outside.reference),), good_path(alice))))


def test_an_update_is_its_owners_to_propose_and_somebody_elses_to_commit() -> None:
    alice, bob, carol = gather(3)
    update = make_update(alice.group, alice.signer, alice.entropy).proposal
    with pytest.raises(RejectedError, match="MLS-PROPOSALS-OWN-UPDATE"):
        bob.stages(alice.forges(Commit((InlineProposal(update),), good_path(alice))))
    mine = make_update(carol.group, carol.signer, carol.entropy).proposal
    sent = carol.proposes(mine)
    again = carol.proposes(mine)
    for message in (sent.message, again.message):
        bob.caches(message)
    references = tuple(ProposalReference(proposal.cached.reference) for proposal in (sent, again))
    with pytest.raises(RejectedError, match="MLS-PROPOSALS-SAME-LEAF"):
        bob.stages(alice.forges(Commit(references, good_path(alice))))
    stolen = bob.caches(carol.proposes(update).message)
    with pytest.raises(CryptoError):
        bob.stages(alice.forges(Commit((ProposalReference(stolen.reference),), good_path(alice))))


LeafMaker = Callable[[Member, LeafNode], LeafNode]


def leaf_with(member: Member, old: LeafNode, source: Source, **changes: Any) -> LeafNode:
    """The member's leaf with something changed, signed anew."""
    changed = dataclasses.replace(old, **changes)
    place = LeafPlace(member.group.group_id, member.group.own_leaf)
    return sign_leaf(SUITE, member.signer, LeafProfile.of(changed), changed.encryption_key, source, place)


def fresh(member: Member) -> bytes:
    return member.suite.hpke.generate(member.entropy).public


UPDATES: list[tuple[str, LeafMaker, str]] = [
    ("the same encryption key", lambda m, old: leaf_with(m, old, FromUpdate()), "MLS-LEAF-KEY-UNCHANGED"),
    (
        "another source",
        lambda m, old: leaf_with(m, old, FromCommit(b""), encryption_key=fresh(m)),
        "MLS-LEAF-SOURCE",
    ),
    (
        "an unlisted extension",
        lambda m, old: leaf_with(m, old, FromUpdate(), encryption_key=fresh(m), extensions=(Extension(0xF0FF, b""),)),
        "MLS-LEAF-EXTENSION",
    ),
    (
        "an unlisted credential",
        lambda m, old: leaf_with(m, old, FromUpdate(), encryption_key=fresh(m), credential=X509Credential(())),
        "MLS-LEAF-CREDENTIAL",
    ),
    (
        "no support for the version",
        lambda m, old: leaf_with(
            m,
            old,
            FromUpdate(),
            encryption_key=fresh(m),
            capabilities=dataclasses.replace(old.capabilities, versions=(2,)),
        ),
        "MLS-LEAF-VERSION",
    ),
    (
        "a credential that others cannot judge",
        lambda m, old: leaf_with(
            m,
            old,
            FromUpdate(),
            encryption_key=fresh(m),
            credential=Authority().certifies(m.name, m.signer.public),
            capabilities=dataclasses.replace(old.capabilities, credentials=(1, 2)),
        ),
        "MLS-TREE-CREDENTIALS",
    ),
    (
        "somebody's encryption key",
        lambda m, old: leaf_with(m, old, FromUpdate(), encryption_key=m.group.tree.member(1).encryption_key),
        "MLS-TREE-ENCRYPTION-KEY-TWICE",
    ),
]


@pytest.mark.parametrize(("make", "rule"), [pytest.param(*case[1:], id=case[0]) for case in UPDATES])
def test_an_update_that_breaks_a_rule_is_refused(make: LeafMaker, rule: str) -> None:
    alice, bob, carol = gather(3)
    kept = bob.caches(carol.proposes(Update(make(carol, carol.group.own_leaf_node))).message)
    with pytest.raises(RejectedError) as refused:
        bob.stages(alice.forges(Commit((ProposalReference(kept.reference),), good_path(alice))))
    assert refused.value.rule == rule


def test_an_encryption_key_of_low_order_is_refused_before_it_can_stop_others() -> None:
    alice, bob, carol = gather(3)
    bad = leaf_with(carol, carol.group.own_leaf_node, FromUpdate(), encryption_key=bytes(32))
    kept = bob.caches(carol.proposes(Update(bad)).message)
    with pytest.raises(CryptoError):
        bob.stages(alice.forges(Commit((ProposalReference(kept.reference),), good_path(alice))))


def good_path(member: Member) -> UpdatePath:
    """The path of a Commit that the member could send as things are."""
    message = MLSMessage.decode(member.prepare(wire_format=WireFormat.PUBLIC_MESSAGE).message).body
    assert isinstance(message, PublicMessage)
    assert isinstance(message.content.content, Commit)
    path = message.content.content.path
    assert path is not None
    return path


PathMaker = Callable[[Member, UpdatePath], UpdatePath]


def with_leaf(member: Member, path: UpdatePath, **changes: Any) -> UpdatePath:
    source = path.leaf_node.source
    return dataclasses.replace(path, leaf_node=leaf_with(member, path.leaf_node, source, **changes))


def with_first_node(path: UpdatePath, **changes: Any) -> UpdatePath:
    first = dataclasses.replace(path.nodes[0], **changes)
    return dataclasses.replace(path, nodes=(first, *path.nodes[1:]))


PATHS: list[tuple[str, PathMaker, str]] = [
    (
        "the old leaf key",
        lambda m, path: with_leaf(m, path, encryption_key=m.group.own_leaf_node.encryption_key),
        "MLS-LEAF-KEY-UNCHANGED",
    ),
    (
        "a leaf from elsewhere",
        lambda m, path: dataclasses.replace(
            path, leaf_node=leaf_with(m, path.leaf_node, FromUpdate(), encryption_key=fresh(m))
        ),
        "MLS-LEAF-SOURCE",
    ),
    (
        "another parent hash",
        lambda m, path: dataclasses.replace(path, leaf_node=leaf_with(m, path.leaf_node, FromCommit(b"other"))),
        "MLS-PATH-PARENT-HASH",
    ),
    ("one node too few", lambda _, path: dataclasses.replace(path, nodes=path.nodes[1:]), "MLS-PATH-LENGTH"),
    ("one node too many", lambda _, p: dataclasses.replace(p, nodes=(*p.nodes, p.nodes[0])), "MLS-PATH-KEY-REUSED"),
    (
        "a ciphertext too few",
        lambda _, path: with_first_node(path, encrypted_path_secret=()),
        "MLS-PATH-CIPHERTEXTS",
    ),
    (
        "a key of the tree",
        lambda m, path: with_first_node(path, encryption_key=m.group.tree.member(2).encryption_key),
        "MLS-PATH-KEY-REUSED",
    ),
    (
        "the leaf's key again above it",
        lambda _, path: with_first_node(path, encryption_key=path.leaf_node.encryption_key),
        "MLS-PATH-KEY-REUSED",
    ),
    (
        "a secret that does not open",
        lambda _, path: dataclasses.replace(
            path,
            nodes=tuple(
                dataclasses.replace(
                    node,
                    encrypted_path_secret=tuple(
                        HPKECiphertext(sealed.kem_output, bytes(len(sealed.ciphertext)))
                        for sealed in node.encrypted_path_secret
                    ),
                )
                for node in path.nodes
            ),
        ),
        "MLS-PATH-SECRET",
    ),
    ("nothing wrong but the confirmation tag", lambda _, path: path, "MLS-CONFIRMATION-TAG"),
]


@pytest.mark.parametrize(("make", "rule"), [pytest.param(*case[1:], id=case[0]) for case in PATHS])
def test_a_path_that_breaks_a_rule_is_refused(make: PathMaker, rule: str) -> None:
    alice, bob, _ = gather(3)
    forged = alice.forges(Commit((), make(alice, good_path(alice))))
    with pytest.raises(RejectedError) as refused:
        bob.stages(forged)
    assert refused.value.rule == rule


@pytest.mark.parametrize("secret", [b"too short", bytes(SUITE.secret_size)])
def test_a_path_that_is_wrong_for_one_member_only_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch, secret: bytes
) -> None:
    alice, bob, carol, dave = gather(4)
    honest = NewPath.encrypt

    def two_faced(
        path: NewPath, suite: CipherSuite, context: bytes, new_leaves: Collection[int], entropy: Entropy
    ) -> UpdatePath:
        update = honest(path, suite, context, new_leaves, entropy)
        key = bob.group.own_leaf_node.encryption_key
        sealed = HPKECiphertext(*suite.encrypt_with_label(key, "UpdatePathNode", context, secret, entropy))
        return with_first_node(update, encrypted_path_secret=(sealed,))

    monkeypatch.setattr(NewPath, "encrypt", two_faced)
    own = alice.prepare()
    carol.follows(own.message)
    dave.follows(own.message)
    assert agree([carol, dave])
    with pytest.raises(RejectedError, match="MLS-PATH-SECRET") as refused:
        bob.follows(own.message)
    assert refused.value.rule in DIVERGING_RULES


def test_one_who_lost_its_private_keys_has_to_join_anew() -> None:
    alice, bob, _ = gather(3)
    received = bob.opens(alice.prepare().message)
    with pytest.raises(RejectedError, match="MLS-PATH-SECRET"):
        stage(dataclasses.replace(bob.group, private_keys={}), received)


def test_a_leaf_in_a_path_must_be_signed_for_its_group_and_place() -> None:
    alice, bob, _ = gather(3)
    path = good_path(alice)
    for place in (LeafPlace(b"another group", 0), LeafPlace(b"a group", 1)):
        profile = LeafProfile.of(path.leaf_node)
        key, source = path.leaf_node.encryption_key, path.leaf_node.source
        leaf = sign_leaf(SUITE, alice.signer, profile, key, source, place)
        with pytest.raises(CryptoError):
            bob.stages(alice.forges(Commit((), dataclasses.replace(path, leaf_node=leaf))))


def other_key_package(change: Callable[[Member, Add], Add]) -> Add:
    dave = Member("dave")
    return change(dave, dave.key_package())


def repackaged(member: Member, add: Add, **changes: Any) -> Add:
    """A KeyPackage with something changed, signed anew."""
    changed = dataclasses.replace(add.key_package, **changes, signature=b"")
    signature = SUITE.sign_with_label(member.signer, "KeyPackageTBS", changed.to_be_signed())
    return Add(dataclasses.replace(changed, signature=signature))


def two_roles(member: Member) -> LeafNode:
    """A leaf whose two keys are one."""
    return sign_leaf(SUITE, member.signer, member.profile, member.signer.public, LIFETIME, None)


KEY_PACKAGES: list[tuple[str, Callable[[Member, Add], Add], str]] = [
    ("another suite", lambda m, add: repackaged(m, add, cipher_suite=3), "MLS-KEY-PACKAGE-SUITE"),
    (
        "one key in two roles",
        lambda m, add: repackaged(m, add, init_key=add.key_package.leaf_node.encryption_key),
        "MLS-KEY-PACKAGE-INIT-KEY",
    ),
    (
        "a leaf from a Commit",
        lambda m, add: repackaged(
            m,
            add,
            leaf_node=sign_leaf(SUITE, m.signer, m.profile, fresh(m), FromCommit(b""), LeafPlace(b"a group", 2)),
        ),
        "MLS-LEAF-SOURCE",
    ),
    (
        "its signature key for a leaf key",
        lambda m, add: repackaged(m, add, leaf_node=two_roles(m)),
        "MLS-TREE-KEY-IN-TWO-ROLES",
    ),
    (
        "an extension twice",
        lambda m, add: repackaged(m, add, extensions=(Extension(ROOM, b""), Extension(ROOM, b""))),
        "MLS-EXTENSION-TWICE",
    ),
]


@pytest.mark.parametrize(("change", "rule"), [pytest.param(*case[1:], id=case[0]) for case in KEY_PACKAGES])
def test_a_key_package_that_breaks_a_rule_is_refused(change: Callable[[Member, Add], Add], rule: str) -> None:
    alice, bob = gather(2)
    forged = alice.forges(Commit((InlineProposal(other_key_package(change)),), None))
    with pytest.raises(RejectedError) as refused:
        bob.stages(forged)
    assert refused.value.rule == rule


def test_who_adds_a_key_package_sees_where_its_leaf_came_from() -> None:
    alice, _ = gather(2)
    dave = Member("dave")
    leaf = sign_leaf(SUITE, dave.signer, dave.profile, fresh(dave), FromCommit(b""), LeafPlace(b"a group", 2))
    with pytest.raises(RejectedError, match="MLS-LEAF-SOURCE"):
        alice.prepare(repackaged(dave, dave.key_package(), leaf_node=leaf))


def test_a_key_package_with_a_wrong_signature_or_key_is_refused() -> None:
    alice, bob = gather(2)
    changes: list[Callable[[Member, Add], Add]] = [
        lambda _, add: Add(dataclasses.replace(add.key_package, signature=b"")),
        lambda _, add: Add(dataclasses.replace(add.key_package, init_key=bytes(range(32)))),
        lambda m, add: repackaged(m, add, leaf_node=dataclasses.replace(add.key_package.leaf_node, signature=b"")),
        lambda m, add: repackaged(m, add, init_key=b"no key"),
        lambda m, add: repackaged(m, add, init_key=bytes(32)),
    ]
    for change in changes:
        with pytest.raises(CryptoError):
            bob.stages(alice.forges(Commit((InlineProposal(other_key_package(change)),), None)))


def test_one_client_is_not_added_twice_nor_beside_itself() -> None:
    alice, bob, carol = gather(3)
    dave = Member("dave")
    twins: list[list[Proposal]] = [[dave.key_package(), dave.key_package()], [carol.key_package()]]
    for adds in twins:
        with pytest.raises(RejectedError, match="MLS-TREE-SIGNATURE-KEY-TWICE"):
            alice.prepare(*adds)
        with pytest.raises(RejectedError, match="MLS-TREE-SIGNATURE-KEY-TWICE"):
            bob.stages(alice.forges(Commit(tuple(InlineProposal(add) for add in adds), None)))
    own = alice.prepare(Remove(2), carol.key_package())
    bob.follows(own.message)
    carol.join(own.welcome, own.epoch.group.tree)
    assert carol.group.epoch_authenticator == bob.group.epoch_authenticator


def test_a_grease_value_is_supported_by_nobody_though_all_list_it() -> None:
    grease = min(GREASE_VALUES)
    listing = [Member(name) for name in ("alice", "bob")]
    for member in listing:
        capabilities = Capabilities((1,), (SUITE.id, grease), (grease,), (grease,), (1, grease))
        member.profile = LeafProfile(BasicCredential(b""), capabilities, (Extension(grease, b"ignored"),))
    alice, bob = listing
    with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
        alice.create(extensions=[Extension(grease, b"")])
    alice.create()
    own = alice.prepare(bob.key_package())
    alice.enter(own.epoch)
    bob.join(own.welcome, alice.group.tree)
    required = [RequiredCapabilities((grease,), (), ()), RequiredCapabilities((), (grease,), ())]
    required.append(RequiredCapabilities((), (), (grease,)))
    asked = [(make_extension(ExtensionType.REQUIRED_CAPABILITIES, one),) for one in required]
    for extensions in ((Extension(grease, b""),), *asked):
        proposal = GroupContextExtensions(extensions)
        with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
            alice.prepare(proposal)
        with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
            bob.stages(alice.forges(Commit((InlineProposal(proposal),), good_path(alice))))


def test_nobody_publishes_a_key_package_that_uses_what_its_leaf_does_not_list() -> None:
    carol = Member("carol")
    make = functools.partial(create_key_package, SUITE, carol.signer)
    with pytest.raises(RejectedError, match="MLS-KEY-PACKAGE-EXTENSION"):
        make(carol.profile, LIFETIME, carol.entropy, extensions=(Extension(0xF0FF, b""),))
    with pytest.raises(RejectedError, match="MLS-LEAF-SUITE"):
        make(not_listing_the_suite(carol), LIFETIME, carol.entropy)


def not_listing_the_suite(member: Member) -> LeafProfile:
    capabilities = dataclasses.replace(member.profile.capabilities, cipher_suites=(7,))
    return dataclasses.replace(member.profile, capabilities=capabilities)


def test_a_client_whose_lists_are_too_short_is_added_by_nobody_and_taken_where_it_was() -> None:
    alice, bob = gather(2)
    carol = Member("carol")
    unlisted = Extension(0xF0FF, b"")
    leaf = sign_leaf(SUITE, carol.signer, not_listing_the_suite(carol), fresh(carol), LIFETIME, None)
    add = repackaged(carol, carol.key_package(), leaf_node=leaf, extensions=(unlisted,))
    with pytest.raises(RejectedError, match="MLS-LEAF-SUITE"):
        alice.prepare(add)
    with pytest.raises(RejectedError, match="MLS-CONFIRMATION-TAG"):
        bob.stages(alice.forges(Commit((InlineProposal(add),), None)))


def test_a_newcomer_must_support_what_the_group_uses() -> None:
    alice, bob = gather(2, extensions=[Extension(ROOM, b"room")])
    plain = Member("plain")
    capabilities = Capabilities((1,), (SUITE.id,), (), (), (1,))
    plain.profile = LeafProfile(BasicCredential(b"plain"), capabilities)
    with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
        alice.prepare(plain.key_package())
    with pytest.raises(RejectedError, match="MLS-LEAF-CAPABILITIES"):
        bob.stages(alice.forges(Commit((InlineProposal(plain.key_package()),), None)))


def test_an_unsigned_commit_and_one_by_another_key_are_refused() -> None:
    alice, bob = gather(2)
    signed = sign_as_member(alice.group, alice.signer, WireFormat.PUBLIC_MESSAGE, Commit((), good_path(alice)), b"")
    unsigned = dataclasses.replace(signed, auth=FramedContentAuthData(b"", None))
    with pytest.raises(CryptoError):
        bob.stages(protect_public(alice.group, confirm(unsigned, bytes(32))))
    alice.signer = SigningKey.generate(alice.entropy)
    other = sign_as_member(alice.group, alice.signer, WireFormat.PUBLIC_MESSAGE, signed.content.content, b"")
    with pytest.raises(CryptoError):
        bob.stages(protect_public(alice.group, confirm(other, bytes(32))))


def test_what_is_no_commit_or_of_another_epoch_is_our_own_mistake() -> None:
    alice, bob = gather(2)
    with pytest.raises(UsageError):
        bob.stages(alice.says(b"text"))
    own = alice.prepare()
    received = bob.opens(own.message)
    bob.enter(following(bob, received))
    with pytest.raises(UsageError):
        stage(bob.group, received)


def following(bob: Member, received: Received) -> NewEpoch:
    staged = stage(bob.group, received)
    assert isinstance(staged, StagedCommit)
    return staged.epoch
