"""Who a leaf says it is: the Authentication Service is asked at every turn, and X.509 keys fit (RFC 9420 §5.3)."""

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.crypto import SignatureScheme, SigningKey
from entrenous.errors import MalformedError, RejectedError
from entrenous.mls.group import CredentialValidator, LeafChange, LeafProfile, Presented, make_group_info, make_update
from entrenous.mls.suite import SUITES, CipherSuite
from entrenous.mls.types import (
    BasicCredential,
    Certificate,
    Commit,
    Credential,
    ExtensionType,
    ExternalSender,
    GroupContextExtensions,
    InlineProposal,
    X509Credential,
    make_extension,
)
from entrenous.mls.x509 import check_certified_key, subject_public_key
from mls_members import SUITE, Member, agree, gather, signer_of
from x509_chains import Authority

RFC_SUITES = pytest.mark.parametrize("suite", [SUITES[number] for number in range(1, 8)], ids=lambda suite: suite.name)


def certified(authority: Authority, name: str, suite: CipherSuite = SUITE, seed: int | None = None) -> Member:
    """Somebody whose key an authority has certified, and whose client takes both kinds of credential."""
    member = Member(name, suite, seed)
    credential = authority.certifies(name, member.signer.public, suite.signature)
    capabilities = dataclasses.replace(member.profile.capabilities, credentials=(1, 2))
    member.profile = LeafProfile(credential, capabilities)
    return member


@RFC_SUITES
def test_people_with_certificates_talk_in_every_suite(suite: CipherSuite) -> None:
    authority = Authority()
    alice, bob, carol = (certified(authority, name, suite) for name in ("alice", "bob", "carol"))
    alice.create()
    own = alice.prepare(bob.key_package(), credentials=authority.judge)
    alice.enter(own.epoch)
    bob.join(own.welcome, alice.group.tree, credentials=authority.judge)
    info = make_group_info(bob.group, bob.signer, with_external_pub=True)
    joining = carol.join_from_outside(info, bob.group.tree, credentials=authority.judge)
    for member in (alice, bob):
        member.follows(joining.message, credentials=authority.judge)
    assert agree([alice, bob, carol])
    assert alice.reads(bob.says(b"signed and certified")) == b"signed and certified"
    assert [authority.name_in(leaf.credential) for _, leaf in carol.group.members()] == ["alice", "bob", "carol"]


class Recorder:
    """A CredentialValidator that accepts everything and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Credential, Credential | None]] = []

    def __call__(self, presented: Presented) -> None:
        self.asked.append((presented.credential, presented.replaced))
        assert presented.leaf is None or presented.leaf.signature_key == presented.signature_key
        assert presented.scheme is SUITE.signature


def named(name: str) -> Credential:
    return BasicCredential(name.encode())


def test_a_commit_asks_about_what_is_new_in_it_and_nothing_else() -> None:
    alice, bob, carol = gather(3)
    dave = Member("dave")
    renamed = LeafProfile(named("carol"), carol.profile.capabilities)
    update = make_update(carol.group, carol.signer, carol.entropy, renamed)
    sent = carol.proposes(update.proposal)
    for member in (alice, bob):
        member.caches(sent.message)
    made, seen = Recorder(), Recorder()
    own = alice.prepare(dave.key_package(), by_reference=list(alice.cached.values()), credentials=made)
    bob.follows(own.message, credentials=seen)
    assert seen.asked == made.asked == [(named("dave"), None), (named("carol"), named("member 2"))]
    alice.enter(own.epoch)

    for change in (LeafChange(), LeafChange(signer=SigningKey.generate(alice.entropy))):
        asked = Recorder()
        own = alice.prepare(leaf=change)
        bob.follows(own.message, credentials=asked)
        alice.enter(own.epoch)
        alice.signer = change.signer or alice.signer
        # Another key under the same name has to be vouched for anew.
        assert asked.asked == ([(named("member 0"), named("member 0"))] if change.signer else [])


def test_one_who_joins_asks_about_all_who_are_there_and_about_the_senders_outside() -> None:
    bot = Member("bot")
    sender = ExternalSender(bot.signer.public, bot.profile.credential)
    senders = make_extension(ExtensionType.EXTERNAL_SENDERS, (sender,))
    alice, bob = gather(2, extensions=[senders])
    carol, dave = Member("carol"), Member("dave")
    own = alice.prepare(carol.key_package())
    bob.follows(own.message)
    alice.enter(own.epoch)
    welcomed, outside = Recorder(), Recorder()
    carol.join(own.welcome, alice.group.tree, credentials=welcomed)
    present = [named("member 0"), named("member 1")]
    assert welcomed.asked == [(credential, None) for credential in (*present, named("bot"))]
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    joining = dave.join_from_outside(info, alice.group.tree, credentials=outside)
    assert outside.asked == [(credential, None) for credential in (*present, named("carol"), named("bot"))]
    joined = Recorder()
    bob.follows(joining.message, credentials=joined)
    assert joined.asked == [(named("dave"), None)]


def test_a_leaf_that_is_replaced_from_outside_is_judged_as_its_successor() -> None:
    alice, bob = gather(2)
    again = Member("member 1, again")
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    joining = again.join_from_outside(info, alice.group.tree, replaces=1)
    asked = Recorder()
    alice.follows(joining.message, credentials=asked)
    assert asked.asked == [(named("member 1, again"), named("member 1"))]
    assert bob.group.epoch == 1


def test_senders_outside_are_judged_when_they_are_named() -> None:
    alice, bob = gather(2)
    first, second = (ExternalSender(Member(name).signer.public, named(name)) for name in ("first", "second"))
    for senders, new in (((first,), [named("first")]), ((first, second), [named("second")]), ((second,), [])):
        asked = Recorder()
        extension = make_extension(ExtensionType.EXTERNAL_SENDERS, senders)
        own = alice.prepare(GroupContextExtensions((extension,)))
        bob.follows(own.message, credentials=asked)
        alice.enter(own.epoch)
        assert asked.asked == [(credential, None) for credential in new]


def test_a_credential_that_is_refused_changes_nothing_anywhere() -> None:
    authority, impostor = Authority(), Authority("impostor")
    alice, bob = (certified(authority, name) for name in ("alice", "bob"))
    mallory = certified(impostor, "carol")
    alice.create()
    own = alice.prepare(bob.key_package(), credentials=authority.judge)
    alice.enter(own.epoch)
    bob.join(own.welcome, alice.group.tree, credentials=authority.judge)
    add = mallory.key_package()
    state = bob.group.encode()
    attempts: list[Callable[[], object]] = [
        lambda: alice.prepare(add, credentials=authority.judge),
        lambda: bob.stages(alice.prepare(add).message, credentials=authority.judge),
    ]
    for attempt in attempts:
        with pytest.raises(RejectedError, match="APP-CHAIN"):
            attempt()
    assert bob.group.encode() == state
    added = alice.prepare(add)
    with pytest.raises(RejectedError, match="APP-CHAIN"):
        mallory.join(added.welcome, added.epoch.group.tree, credentials=impostor.judge)


def test_nobody_takes_a_certificate_of_somebody_else_into_his_leaf() -> None:
    authority = Authority()
    alice, bob = (certified(authority, name) for name in ("alice", "bob"))
    alice.create()
    own = alice.prepare(bob.key_package())
    alice.enter(own.epoch)
    bob.join(own.welcome, alice.group.tree)
    stolen = LeafChange(LeafProfile(bob.profile.credential, alice.profile.capabilities))
    with pytest.raises(RejectedError, match="MLS-CREDENTIAL-X509-KEY"):
        alice.prepare(leaf=stolen)
    other = LeafChange(LeafProfile(authority.certifies("bob", alice.signer.public), alice.profile.capabilities))
    refused: CredentialValidator = authority.judge
    with pytest.raises(RejectedError, match="APP-SUCCESSOR"):
        bob.stages(alice.prepare(leaf=other).message, credentials=refused)


def test_an_added_leaf_must_have_the_key_of_its_certificate() -> None:
    authority = Authority()
    alice, bob = (certified(authority, name) for name in ("alice", "bob"))
    alice.create()
    own = alice.prepare(bob.key_package())
    alice.enter(own.epoch)
    bob.join(own.welcome, alice.group.tree)
    mallory = certified(authority, "mallory")
    for credential in (bob.profile.credential, X509Credential(())):
        mallory.profile = LeafProfile(credential, mallory.profile.capabilities)
        with pytest.raises(RejectedError, match="MLS-CREDENTIAL-X509-KEY"):
            bob.stages(alice.forges(Commit((InlineProposal(mallory.key_package()),), None)))


@RFC_SUITES
def test_a_certificate_shows_its_key_and_the_keys_algorithm(suite: CipherSuite) -> None:
    authority = Authority()
    public = signer_of(suite, Member("any").entropy).public
    credential = authority.certifies("any", public, suite.signature)
    check_certified_key(credential, public, suite.signature)
    for key, scheme in (
        (bytes(len(public)), suite.signature),
        *((public, other) for other in SignatureScheme if other is not suite.signature),
    ):
        with pytest.raises(RejectedError, match="MLS-CREDENTIAL-X509-KEY"):
            check_certified_key(credential, key, scheme)


def certificate() -> bytes:
    credential = Authority().certifies("any", Member("any").signer.public)
    assert isinstance(credential, X509Credential)
    return credential.certificates[0].cert_data


def test_a_certificate_cut_off_anywhere_or_with_more_behind_it_is_malformed() -> None:
    whole = certificate()
    for broken in (*(whole[:end] for end in range(len(whole))), whole + b"\x00"):
        with pytest.raises(MalformedError):
            subject_public_key(broken)


@pytest.mark.parametrize("length", ["80", "8100", "817f", "820080", "8500000000010000"])
def test_lengths_are_read_in_their_shortest_form_only(length: str) -> None:
    with pytest.raises(MalformedError):
        subject_public_key(bytes.fromhex("30" + length) + bytes(200))


CERTIFICATE = certificate()


@given(st.integers(0, len(CERTIFICATE) - 1), st.binary(min_size=1, max_size=4))
def test_hostile_certificates_are_read_or_malformed_and_nothing_else(at: int, other: bytes) -> None:
    changed = CERTIFICATE[:at] + other + CERTIFICATE[at + len(other) :]
    with pytest.raises((MalformedError, RejectedError)):
        check_certified_key(X509Credential((Certificate(changed),)), b"key", SignatureScheme.ED25519)
