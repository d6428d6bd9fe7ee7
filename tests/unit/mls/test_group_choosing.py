"""What a creator, a committer and a speaker choose or leave, as RFC 9420 says (§11, §12.2, §12.4, §13.5)."""

import dataclasses

import pytest

from entrenous.errors import RejectedError, UsageError
from entrenous.mls.framing import no_padding, protect_application
from entrenous.mls.group import (
    CachedProposal,
    InfoOptions,
    best_suite,
    choose_proposals,
    create_key_package,
    grease_extension,
    make_capabilities,
    make_update,
    name_psk,
)
from entrenous.mls.suite import ROOM_SUITE, SUITES
from entrenous.mls.types import (
    GREASE_VALUES,
    PSK,
    Capabilities,
    Extension,
    ExternalPSK,
    GroupContextExtensions,
    LeafNode,
    MemberSender,
    PreSharedKey,
    Proposal,
    ProtocolVersion,
    ReInit,
    Remove,
    Update,
)
from mls_members import LIFETIME, NOW, ROOM, SUITE, Member, agree, everybody_follows, gather

ENDING = ReInit(b"next", ProtocolVersion.MLS10, 3, ())


def supporting(*suites: int) -> LeafNode:
    """The leaf of a KeyPackage, as a service may hand it out, of a client that supports these."""
    leaf = Member("any").key_package().key_package.leaf_node
    return dataclasses.replace(leaf, capabilities=dataclasses.replace(leaf.capabilities, cipher_suites=suites))


def test_the_best_suite_that_all_support_is_chosen() -> None:
    preferred = [ROOM_SUITE, SUITES[3], SUITES[1]]
    everything, classic, least = supporting(ROOM_SUITE.id, 3, 1), supporting(1, 3), supporting(1)
    for leaves, best in (
        ([everything], ROOM_SUITE),
        ([everything, classic], SUITES[3]),
        ([everything, classic, least], SUITES[1]),
        ([], ROOM_SUITE),
    ):
        assert best_suite(preferred, leaves) is best
    with pytest.raises(RejectedError, match="MLS-SUITE-NONE-SHARED"):
        best_suite(preferred, [supporting(7)])
    old = dataclasses.replace(least, capabilities=Capabilities((9,), (1,), (), (), (1,)))
    with pytest.raises(RejectedError, match="MLS-SUITE-NONE-SHARED"):
        best_suite(preferred, [old])


class Proposing:
    """Alice, who received proposals of Bob and Carol."""

    def __init__(self) -> None:
        self.alice, self.bob, self.carol, self.dave = self.members = gather(4)
        self.cached: list[CachedProposal] = []

    def receive(self, sender: Member, *proposals: Proposal) -> list[CachedProposal]:
        got = [self.alice.caches(sender.proposes(proposal).message) for proposal in proposals]
        self.cached += got
        return got

    def update(self, member: Member) -> Update:
        return make_update(member.group, member.signer, member.entropy).proposal

    def chosen(self, now: int | None = NOW) -> list[CachedProposal]:
        chosen = choose_proposals(self.alice.group, self.cached, now=now)
        assert self.alice.prepare(by_reference=chosen).view is not None
        return list(chosen)


def test_all_valid_proposals_are_chosen() -> None:
    given = Proposing()
    (update,) = given.receive(given.bob, given.update(given.bob))
    extensions, add, remove = given.receive(
        given.carol, GroupContextExtensions((Extension(ROOM, b""),)), Member("eve").key_package(), Remove(3)
    )
    assert given.chosen() == [remove, update, extensions, add]


def test_a_remove_wins_over_updates_and_the_last_update_over_the_others() -> None:
    given = Proposing()
    first, second = given.receive(given.bob, given.update(given.bob), given.update(given.bob))
    assert given.chosen() == [second]
    (remove,) = given.receive(given.carol, Remove(1))
    assert given.chosen() == [remove]
    assert first in given.cached


def test_what_is_invalid_is_left_out_and_stops_nothing_else() -> None:
    given = Proposing()
    bad_update = Update(dataclasses.replace(given.update(given.bob).leaf_node, signature=b""))
    given.receive(
        given.bob,
        bad_update,
        Remove(0),
        Remove(99),
        GroupContextExtensions((Extension(0xF0FF, b""),)),
        given.carol.key_package(),
        PreSharedKey(name_psk(SUITE, ExternalPSK(b"nobody knows"), given.bob.entropy)),
    )
    (good,) = given.receive(given.carol, given.update(given.carol))
    assert given.chosen() == [good]


def test_a_member_may_be_replaced_by_another_client_with_its_key() -> None:
    given = Proposing()
    again = Member("again")
    again.signer = given.bob.signer
    (add,) = given.receive(given.carol, again.key_package())
    assert given.chosen() == []
    (remove,) = given.receive(given.carol, Remove(1))
    assert given.chosen() == [remove, add]


def test_an_add_is_chosen_within_its_lifetime_only() -> None:
    given = Proposing()
    given.receive(given.bob, Member("eve").key_package())
    assert [len(given.chosen(now)) for now in (NOW, LIFETIME.not_after + 1)] == [1, 0]
    assert choose_proposals(given.alice.group, given.cached) == ()


def test_a_reinit_waits_for_all_others() -> None:
    given = Proposing()
    reinit, another = given.receive(given.bob, ENDING, dataclasses.replace(ENDING, group_id=b"another"))
    assert given.chosen() == [reinit]
    (update,) = given.receive(given.carol, given.update(given.carol))
    assert given.chosen() == [update]
    assert another in given.cached


def test_proposals_of_an_earlier_epoch_and_of_ourselves_are_not_chosen() -> None:
    given = Proposing()
    own = given.alice.proposes(given.update(given.alice)).cached
    given.cached.append(own)
    (old,) = given.receive(given.bob, Remove(3))
    everybody_follows(given.members, given.carol, given.carol.prepare())
    given.cached = [old, dataclasses.replace(own, epoch=given.alice.group.epoch)]
    assert given.chosen() == []
    assert own.sender == MemberSender(0)


def test_application_data_waits_for_the_commit_of_what_was_proposed() -> None:
    given = Proposing()
    given.receive(given.bob, Remove(3))
    alice = given.alice
    with pytest.raises(RejectedError, match="MLS-PROPOSALS-PENDING"):
        protect_application(
            alice.group,
            alice.keys,
            alice.signer,
            b"not for Dave",
            padding=no_padding,
            entropy=alice.entropy,
            pending=given.cached,
        )
    own = alice.prepare(by_reference=given.chosen())
    alice.enter(own.epoch)
    given.bob.cached |= {one.reference: one for one in given.cached}
    given.bob.follows(own.message)
    assert given.bob.reads(alice.says(b"not for Dave")) == b"not for Dave"


def test_every_use_of_a_pre_shared_key_has_a_fresh_nonce() -> None:
    members = alice, _ = gather(2)
    psk: PSK = ExternalPSK(b"spoken")
    first, second = (name_psk(SUITE, psk, alice.entropy) for _ in range(2))
    assert first.psk_nonce != second.psk_nonce
    assert {len(name.psk_nonce) for name in (first, second)} == {SUITE.secret_size}
    own = alice.prepare(PreSharedKey(first), PreSharedKey(second), psks=lambda _: b"a secret")
    everybody_follows(members, alice, own, psks=lambda _: b"a secret")
    assert agree(members)


def test_grease_extensions_are_ignored_wherever_they_may_stand() -> None:
    alice, bob = Member("alice"), Member("bob")
    alice.create()
    inside = grease_extension(bob.entropy, bob.profile.capabilities)
    assert inside.extension_type in bob.profile.capabilities.extensions
    bob.profile = dataclasses.replace(bob.profile, extensions=(inside,))
    bundle = create_key_package(SUITE, bob.signer, bob.profile, LIFETIME, bob.entropy, extensions=(inside,))
    bob.bundles[bundle.reference] = bundle
    add = dataclasses.replace(bob.key_package(), key_package=bundle.key_package)
    info = InfoOptions(extensions=(grease_extension(alice.entropy),), ratchet_tree_in_welcome=True)
    own = alice.prepare(add, info=info)
    alice.enter(own.epoch)
    shown = bob.join(own.welcome)
    assert {one.extension_type for one in shown.extensions} & GREASE_VALUES
    assert agree([alice, bob])
    everybody_follows([alice, bob], bob, bob.prepare())


def test_no_grease_extension_stands_where_no_capability_lists_it() -> None:
    plain = Capabilities((1,), (1,), (ROOM,), (), (1,))
    with pytest.raises(UsageError):
        grease_extension(bytes, plain)
    listed = make_capabilities([SUITE], Member("any").entropy)
    assert {grease_extension(Member(str(n)).entropy).extension_type for n in range(40)} <= GREASE_VALUES
    assert grease_extension(bytes, listed) == Extension(listed.extensions[-1], b"")


def test_a_key_package_of_last_resort_leads_into_several_groups() -> None:
    carol = Member("carol")
    add = carol.key_package()
    for name in ("one", "another"):
        founder = Member(name)
        founder.create(group_id=name.encode())
        own = founder.prepare(add)
        founder.enter(own.epoch)
        carol.join(own.welcome, founder.group.tree)
        assert agree([founder, carol])
        assert founder.reads(carol.says(name.encode())) == name.encode()
