"""Groups at work: who is added, removed and updated, and what everybody sees of it."""

import pytest

from entrenous.crypto import SigningKey
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.mls.framing import unprotect
from entrenous.mls.group import (
    CommitView,
    Eviction,
    InfoOptions,
    LeafChange,
    LeafProfile,
    make_update,
    stage,
)
from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite
from entrenous.mls.tree import apply_changes
from entrenous.mls.types import (
    PSK,
    BasicCredential,
    Extension,
    ExternalPSK,
    GroupContextExtensions,
    Lifetime,
    MemberSender,
    PreSharedKey,
    PreSharedKeyID,
    Remove,
    ResumptionPSK,
    ResumptionPSKUsage,
    WireFormat,
    find_extension,
)
from mls_members import NOW, ROOM, SUITE, Member, agree, everybody_follows, gather, refusing

BOTH_SUITES = pytest.mark.parametrize("suite", [SUITES[1], ROOM_SUITE], ids=["suite 1", "room suite"])


@BOTH_SUITES
def test_two_people_found_a_group_and_talk(suite: CipherSuite) -> None:
    alice, bob = gather(2, suite)
    assert agree([alice, bob])
    assert alice.reads(bob.says(b"hello")) == b"hello"
    assert bob.reads(alice.says(b"hi")) == b"hi"
    assert [leaf.credential for _, leaf in bob.group.members()] == [
        BasicCredential(b"member 0"),
        BasicCredential(b"member 1"),
    ]
    assert alice.group.export("label", b"context", 40) == bob.group.export("label", b"context", 40)


@BOTH_SUITES
def test_every_member_can_renew_its_keys(suite: CipherSuite) -> None:
    members = gather(5, suite)
    for sender in members:
        before = sender.group.own_leaf_node.encryption_key
        everybody_follows(members, sender, sender.prepare())
        assert agree(members)
        assert sender.group.own_leaf_node.encryption_key != before


@BOTH_SUITES
def test_one_who_is_removed_sees_it_and_can_follow_no_further(suite: CipherSuite) -> None:
    alice, bob, carol = gather(3, suite)
    removal = alice.prepare(Remove(2))
    seen = carol.stages(removal.message)
    assert isinstance(seen, Eviction)
    assert [index for index, _ in seen.view.removed] == [2]
    everybody_follows([alice, bob], alice, removal)
    after = bob.prepare()
    with pytest.raises(RejectedError, match="MLS-EPOCH"):
        carol.opens(after.message)
    everybody_follows([alice, bob], bob, after)
    assert agree([alice, bob])
    assert carol.group.export("x", b"", 32) != alice.group.export("x", b"", 32)


def test_the_removed_cannot_open_the_removal_path_with_any_key_he_holds() -> None:
    alice, bob, carol = gather(3)
    removal = alice.prepare(Remove(2))
    judged = carol.stages(removal.message)
    assert isinstance(judged, Eviction)
    after = removal.epoch.group
    assert after.tree.leaf(2) is None
    assert not {key.reveal() for key in carol.group.private_keys.values()} & {
        key.reveal() for key in after.private_keys.values()
    }
    bob.follows(removal.message)
    assert set(bob.group.private_keys) == {0 + 2 * bob.group.own_leaf, bob.group.tree.root}


def test_a_newcomer_cannot_read_what_was_said_before() -> None:
    alice, bob = gather(2)
    before = alice.says(b"between us")
    carol = Member("carol")
    own = alice.prepare(carol.key_package())
    everybody_follows([alice, bob], alice, own)
    carol.join(own.welcome, alice.group.tree)
    assert agree([alice, bob, carol])
    with pytest.raises(RejectedError, match="MLS-EPOCH"):
        carol.opens(before)
    with pytest.raises(RejectedError, match="MLS-EPOCH"):
        carol.opens(own.message)


def test_newcomers_may_get_the_tree_in_the_welcome_and_what_the_application_adds() -> None:
    alice, bob = Member("alice"), Member("bob")
    alice.create()
    options = InfoOptions(
        extensions=(Extension(0xF0E5, b"both"),),
        welcome_extensions=(Extension(0xF0E6, b"welcome"),),
        ratchet_tree_in_welcome=True,
    )
    own = alice.prepare(bob.key_package(), info=options)
    alice.enter(own.epoch)
    info = bob.join(own.welcome)
    assert agree([alice, bob])
    assert find_extension(info.extensions, 0xF0E5) == b"both"
    assert find_extension(info.extensions, 0xF0E6) == b"welcome"
    assert find_extension(own.group_info.extensions, 0xF0E6) is None


def test_an_add_may_do_without_a_path() -> None:
    alice, bob = gather(2)
    carol = Member("carol")
    own = alice.prepare(carol.key_package(), force_path=False)
    everybody_follows([alice, bob], alice, own)
    carol.join(own.welcome, alice.group.tree)
    assert agree([alice, bob, carol])
    everybody_follows([alice, bob, carol], carol, carol.prepare())
    assert agree([alice, bob, carol])


def test_a_commit_without_proposals_always_has_a_path() -> None:
    alice, bob = gather(2)
    before = alice.group.own_leaf_node
    own = alice.prepare(force_path=False)
    everybody_follows([alice, bob], alice, own)
    assert bob.group.tree.member(0).encryption_key != before.encryption_key


@pytest.mark.parametrize("wire_format", [WireFormat.PRIVATE_MESSAGE, WireFormat.PUBLIC_MESSAGE])
def test_proposals_of_others_are_committed_by_reference(wire_format: WireFormat) -> None:
    members = alice, bob, carol, dave = gather(4)
    eve = Member("eve")
    update = make_update(bob.group, bob.signer, bob.entropy)
    sent = [
        (bob, bob.proposes(update.proposal, wire_format=wire_format)),
        (carol, carol.proposes(Remove(3), wire_format=wire_format)),
        (carol, carol.proposes(eve.key_package(), wire_format=wire_format)),
    ]
    for sender, proposal in sent:
        for member in members:
            assert member is sender or member.caches(proposal.message) == proposal.cached
    own = alice.prepare(by_reference=[proposal.cached for _, proposal in sent])
    keys = {update.proposal.leaf_node.encryption_key: update.private_key}
    assert isinstance(dave.stages(own.message), Eviction)
    bob.follows(own.message, update_keys=keys)
    carol.follows(own.message)
    alice.enter(own.epoch)
    eve.join(own.welcome, alice.group.tree)
    staying = [alice, bob, carol, eve]
    assert agree(staying)
    everybody_follows(staying, bob, bob.prepare())
    assert agree(staying)


def test_an_update_whose_private_key_is_not_given_is_our_own_mistake() -> None:
    alice, bob = gather(2)
    update = make_update(bob.group, bob.signer, bob.entropy)
    own = alice.prepare(by_reference=[alice.caches(bob.proposes(update.proposal).message)])
    with pytest.raises(UsageError):
        bob.stages(own.message)


def test_a_member_may_change_what_its_leaf_shows_and_its_signature_key() -> None:
    alice, bob = gather(2)
    profile = LeafProfile(BasicCredential(b"alice at home"), alice.profile.capabilities, (Extension(ROOM, b"card"),))
    signer = SigningKey.generate(alice.entropy)
    own = alice.prepare(leaf=LeafChange(profile, signer))
    everybody_follows([alice, bob], alice, own)
    leaf = bob.group.tree.member(0)
    assert (leaf.credential, leaf.extensions, leaf.signature_key) == (
        profile.credential,
        profile.extensions,
        signer.public,
    )
    with pytest.raises(UsageError):
        alice.prepare()
    alice.signer = signer
    everybody_follows([alice, bob], alice, alice.prepare())
    assert agree([alice, bob])


def test_the_extensions_of_the_group_are_replaced_for_all() -> None:
    members = gather(3, extensions=[Extension(ROOM, b"old")])
    own = members[1].prepare(GroupContextExtensions((Extension(ROOM, b"new"),)))
    everybody_follows(members, members[1], own)
    assert agree(members)
    assert members[2].group.context.extensions == (Extension(ROOM, b"new"),)


def test_an_external_psk_enters_only_with_those_who_know_it() -> None:
    alice, bob, carol = gather(3)
    dave = Member("dave")
    name = PreSharedKeyID(ExternalPSK(b"spoken"), bytes(SUITE.secret_size))

    def known(psk: PSK) -> bytes | None:
        return b"a secret" if psk == name.psk else None

    own = alice.prepare(PreSharedKey(name), dave.key_package(), psks=known)
    with pytest.raises(RejectedError, match="MLS-PSK-UNKNOWN"):
        carol.stages(own.message)
    bob.follows(own.message, psks=known)
    alice.enter(own.epoch)
    with pytest.raises(RejectedError, match="MLS-PSK-UNKNOWN"):
        dave.join(own.welcome, alice.group.tree)
    dave.join(own.welcome, alice.group.tree, psks=known)
    assert agree([alice, bob, dave])


def test_the_resumption_psk_of_a_past_epoch_proves_membership_in_it() -> None:
    members = alice, bob = gather(2)
    first = alice.group.epoch
    for _ in range(3):
        everybody_follows(members, bob, bob.prepare())
    psk = ResumptionPSK(ResumptionPSKUsage.APPLICATION, alice.group.group_id, first)
    own = alice.prepare(PreSharedKey(PreSharedKeyID(psk, bytes(SUITE.secret_size))))
    everybody_follows(members, alice, own)
    assert agree(members)


@pytest.mark.parametrize("past_epochs", [0, 1, 3])
def test_the_application_says_how_many_past_resumption_psks_are_kept(past_epochs: int) -> None:
    alice, bob = gather(2)
    for _ in range(5):
        own = alice.prepare(past_epochs=past_epochs)
        bob.follows(own.message, past_epochs=past_epochs)
        alice.enter(own.epoch)
    for member in (alice, bob):
        epoch = member.group.epoch
        kept = [past for past in range(epoch) if member.group.resumption_psk(past) is not None]
        assert kept == list(range(epoch - past_epochs, epoch))


def test_past_resumption_psks_are_kept_for_eight_epochs() -> None:
    members = alice, bob = gather(2)
    first = alice.group.epoch
    for _ in range(8):
        everybody_follows(members, bob, bob.prepare(force_path=False))
    assert alice.group.resumption_psk(first) is not None
    everybody_follows(members, bob, bob.prepare())
    assert alice.group.resumption_psk(first) is None
    assert alice.group.resumption_psk(alice.group.epoch) is alice.group.secrets.resumption_psk


def test_a_policy_sees_the_whole_commit_and_its_refusal_changes_nothing() -> None:
    alice, bob, _ = gather(3, extensions=[Extension(ROOM, b"room")])
    dave = Member("dave")
    own = alice.prepare(dave.key_package(), Remove(2), authenticated_data=b"roster")
    seen: list[CommitView] = []
    state, received = bob.group.encode(), bob.opens(own.message)
    stage(bob.group, received, policy=seen.append)
    (view,) = seen
    assert own.view is not None
    assert (view.added, view.removed, view.leaf) == (own.view.added, own.view.removed, own.view.leaf)
    assert (view.sender, view.committer, view.authenticated_data) == (MemberSender(0), 0, b"roster")
    assert [(index, leaf.credential) for index, leaf in view.added] == [(2, BasicCredential(b"dave"))]
    assert [(index, leaf.credential) for index, leaf in view.removed] == [(2, BasicCredential(b"member 2"))]
    assert view.extensions == (Extension(ROOM, b"room"),)
    assert not view.is_external
    assert view.leaf == own.epoch.group.own_leaf_node
    with pytest.raises(RejectedError, match="ROOM-NO"):
        stage(bob.group, received, policy=refusing("ROOM-NO"))
    assert bob.group.encode() == state
    everybody_follows([alice, bob], bob, bob.prepare())
    assert agree([alice, bob])


def test_our_own_policy_stops_a_commit_before_it_is_made() -> None:
    alice, _ = gather(2)
    with pytest.raises(RejectedError, match="ROOM-NO"):
        alice.prepare(policy=refusing("ROOM-NO"))


def test_a_commit_of_our_own_that_lost_is_dropped_and_the_other_one_taken() -> None:
    alice, bob = gather(2)
    lost, won = alice.prepare(), bob.prepare()
    alice.follows(won.message)
    bob.enter(won.epoch)
    assert agree([alice, bob])
    with pytest.raises(RejectedError, match="MLS-EPOCH"):
        bob.opens(lost.message)


def test_a_commit_of_our_own_that_comes_back_is_told_from_all_others() -> None:
    alice, bob = gather(2)
    public = alice.prepare(wire_format=WireFormat.PUBLIC_MESSAGE)
    with pytest.raises(RejectedError, match="MLS-SENDER-SELF"):
        stage(alice.group, unprotect(alice.group, alice.keys, public.message))
    with pytest.raises(RejectedError, match="MLS-SENDER-SELF"):
        alice.opens(alice.prepare().message)
    bob.follows(public.message)


def test_a_replayed_commit_is_refused() -> None:
    alice, bob = gather(2)
    own = alice.prepare()
    bob.opens(own.message)
    with pytest.raises(RejectedError, match="MLS-GENERATION-CONSUMED"):
        bob.opens(own.message)


def test_a_changed_or_longer_commit_is_refused() -> None:
    alice, bob = gather(2)
    own = alice.prepare()
    with pytest.raises(MalformedError):
        bob.opens(own.message + b"\x00")
    with pytest.raises(CryptoError):
        bob.opens(own.message[:-1] + bytes((own.message[-1] ^ 1,)))
    bob.follows(own.message)


def test_the_changes_of_a_commit_lead_from_one_tree_to_the_next() -> None:
    members = gather(5)
    for proposals in ([Member("new").key_package()], [Remove(4)], [Remove(5), Remove(3)], []):
        own = members[0].prepare(*proposals)
        before = members[0].group.tree
        assert apply_changes(before, own.tree_changes) == own.epoch.group.tree
        assert apply_changes(before, own.tree_changes).tree_hash() == own.epoch.group.context.tree_hash
        members[0].enter(own.epoch)


def test_sender_and_receiver_name_the_same_changes() -> None:
    alice, bob = gather(2)
    own = alice.prepare(Member("carol").key_package())
    staged = bob.follows(own.message)
    assert staged.tree_changes == own.tree_changes


def test_a_key_package_is_added_only_within_its_lifetime() -> None:
    alice, _ = gather(2)
    carol = Member("carol")
    for lifetime, rule in (
        (valid(NOW + 1, NOW + 9), "MLS-LEAF-LIFETIME"),
        (valid(NOW - 9, NOW - 1), "MLS-LEAF-LIFETIME"),
        (valid(0, NOW + 9), "MLS-LEAF-LIFETIME-TOTAL"),
    ):
        with pytest.raises(RejectedError) as refused:
            alice.prepare(carol.key_package(lifetime))
        assert refused.value.rule == rule


def valid(start: int, end: int) -> Lifetime:
    return Lifetime(start, end)
