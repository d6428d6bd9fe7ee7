"""Joining from outside, and what members let in that way (RFC 9420 §12.4.3.2)."""

import dataclasses

import pytest

from entrenous.errors import CryptoError, RejectedError, UsageError
from entrenous.mls.framing import confirm, protect_from_outside, sign
from entrenous.mls.group import CachedProposal, Eviction, make_group_info, make_update, propose_from_outside
from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite
from entrenous.mls.types import (
    Commit,
    ExtensionType,
    ExternalInit,
    ExternalPSK,
    ExternalSender,
    FramedContent,
    InlineProposal,
    MLSMessage,
    NewMemberCommit,
    PreSharedKeyID,
    Proposal,
    ProposalOrRef,
    ProposalReference,
    PublicMessage,
    Remove,
    WireFormat,
    make_extension,
)
from mls_members import SUITE, Member, agree, everybody_follows, gather

BOTH_SUITES = pytest.mark.parametrize("suite", [SUITES[1], ROOM_SUITE], ids=["suite 1", "room suite"])


def commit_of(message: bytes) -> Commit:
    body = MLSMessage.decode(message).body
    assert isinstance(body, PublicMessage)
    assert isinstance(body.content.content, Commit)
    return body.content.content


def resigned(joiner: Member, inside: Member, commit: Commit) -> bytes:
    """Another Commit than the joiner made, correctly signed by it."""
    framed = FramedContent(inside.group.group_id, inside.group.epoch, NewMemberCommit(), b"", commit)
    context = inside.group.encoded_context
    signed = sign(inside.suite, joiner.signer, WireFormat.PUBLIC_MESSAGE, framed, context)
    return protect_from_outside(confirm(signed, bytes(32)))


@BOTH_SUITES
def test_one_joins_from_outside_and_talks(suite: CipherSuite) -> None:
    members = gather(3, suite)
    own = members[0].prepare()
    everybody_follows(members, members[0], own)
    dave = Member("dave", suite)
    joining = dave.join_from_outside(own.group_info, members[0].group.tree, authenticated_data=b"by a link")
    for member in members:
        view = member.follows(joining.message).view
        assert (view.is_external, view.committer, view.authenticated_data) == (True, 3, b"by a link")
        assert view.leaf.credential == dave.profile.credential
    assert agree([*members, dave])
    assert members[1].reads(dave.says(b"I am here")) == b"I am here"
    everybody_follows([*members, dave], members[2], members[2].prepare())
    assert agree([*members, dave])


def test_the_group_info_of_an_external_commit_lets_the_next_one_in() -> None:
    (alice,) = gather(1)
    own = alice.prepare()
    alice.enter(own.epoch)
    members, info = [alice], own.group_info
    for index in range(4):
        newcomer = Member(f"newcomer {index}")
        joining = newcomer.join_from_outside(info, members[0].group.tree)
        for member in members:
            member.follows(joining.message)
        members.append(newcomer)
        info = joining.group_info
    assert agree(members)
    assert alice.group.width == 8


def test_proposals_from_outside_are_committed_where_the_group_takes_them() -> None:
    bot, newcomer = Member("bot"), Member("newcomer")
    senders = make_extension(
        ExtensionType.EXTERNAL_SENDERS, (ExternalSender(bot.signer.public, bot.profile.credential),)
    )
    members = alice, bob, carol = gather(3, extensions=[senders])
    group = alice.group
    messages = [
        propose_from_outside(SUITE, group.group_id, group.epoch, bot.signer, Remove(2), sender_index=0),
        propose_from_outside(SUITE, group.group_id, group.epoch, newcomer.signer, newcomer.key_package()),
    ]
    cached: list[CachedProposal] = []
    for message in messages:
        kept = {member.caches(message) for member in members}
        assert len(kept) == 1
        cached += kept
    own = alice.prepare(by_reference=cached)
    assert isinstance(carol.stages(own.message), Eviction)
    bob.follows(own.message)
    alice.enter(own.epoch)
    newcomer.join(own.welcome, alice.group.tree)
    assert agree([alice, bob, newcomer])


def test_nobody_outside_proposes_what_only_members_may() -> None:
    alice, bob = gather(2)
    group, entropy = alice.group, alice.entropy
    update = make_update(group, alice.signer, entropy).proposal
    attempts: list[tuple[Proposal, int | None]] = [
        (update, 0),
        (ExternalInit(b""), 0),
        (Remove(0), None),
        (update, None),
    ]
    for proposal, index in attempts:
        with pytest.raises(RejectedError, match="MLS-SENDER-CONTENT"):
            propose_from_outside(SUITE, group.group_id, group.epoch, bob.signer, proposal, sender_index=index)
    with pytest.raises(UsageError):
        propose_from_outside(SUITE, group.group_id, group.epoch, bob.signer, Member("carol").key_package())


def test_a_member_that_lost_its_state_replaces_its_own_leaf() -> None:
    members = alice, bob, carol = gather(3)
    again = Member("member 1", seed=99)
    own = alice.prepare()
    everybody_follows(members, alice, own)
    again.signer = bob.signer
    joining = again.join_from_outside(own.group_info, alice.group.tree, replaces=1)
    for member in (alice, carol):
        view = member.follows(joining.message).view
        assert [index for index, _ in view.removed] == [1]
        assert view.committer == 1
    assert agree([alice, carol, again])


def test_a_psk_may_come_with_an_external_commit() -> None:
    alice, bob = gather(2)
    name = PreSharedKeyID(ExternalPSK(b"spoken"), bytes(SUITE.secret_size))
    info = make_group_info(alice.group, alice.signer, with_external_pub=True, with_ratchet_tree=True)
    carol = Member("carol")
    joining = carol.join_from_outside(info, None, use_psks=[name], psks=lambda _: b"a secret")
    alice.follows(joining.message, psks=lambda _: b"a secret")
    with pytest.raises(RejectedError, match="MLS-CONFIRMATION-TAG"):
        bob.follows(joining.message, psks=lambda _: b"another secret")
    assert agree([alice, carol])


def test_a_group_info_without_external_pub_lets_nobody_in() -> None:
    (alice,) = gather(1)
    info = make_group_info(alice.group, alice.signer)
    with pytest.raises(RejectedError, match="MLS-EXTERNAL-PUB"):
        Member("bob").join_from_outside(info, alice.group.tree)


def test_a_group_info_that_was_changed_or_has_another_tree_is_refused() -> None:
    alice, bob = gather(2)
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    with pytest.raises(RejectedError, match="MLS-GROUP-INFO-TREE"):
        Member("carol").join_from_outside(info, None)
    with pytest.raises(CryptoError):
        Member("carol").join_from_outside(dataclasses.replace(info, confirmation_tag=b"other"), alice.group.tree)
    with pytest.raises(CryptoError):
        Member("carol").join_from_outside(dataclasses.replace(info, signer=1), alice.group.tree)
    before = alice.group.tree
    everybody_follows([alice, bob], alice, alice.prepare())
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    with pytest.raises(RejectedError, match="MLS-GROUP-INFO-TREE"):
        Member("carol").join_from_outside(info, before)


def test_members_refuse_external_commits_with_other_proposals() -> None:
    alice, bob = gather(2)
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    carol = Member("carol")
    good = commit_of(carol.join_from_outside(info, alice.group.tree).message)
    (init,) = good.proposals
    again = InlineProposal(ExternalInit(b"again"))
    remove = InlineProposal(Remove(0))
    broken: list[tuple[tuple[ProposalOrRef, ...], str]] = [
        ((), "MLS-EXTERNAL-PROPOSALS"),
        ((init, again), "MLS-EXTERNAL-PROPOSALS"),
        ((init, remove, InlineProposal(Remove(1))), "MLS-EXTERNAL-PROPOSALS"),
        ((init, InlineProposal(Member("dave").key_package())), "MLS-EXTERNAL-PROPOSALS"),
        ((init, ProposalReference(b"reference")), "MLS-EXTERNAL-REFERENCE"),
        ((init, InlineProposal(Remove(9))), "MLS-MEMBER-UNKNOWN"),
    ]
    for proposals, rule in broken:
        with pytest.raises(RejectedError) as refused:
            bob.stages(resigned(carol, alice, Commit(proposals, good.path)))
        assert refused.value.rule == rule


def test_members_refuse_an_external_commit_without_a_path_or_by_another_signer() -> None:
    alice, bob = gather(2)
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    carol = Member("carol")
    good = commit_of(carol.join_from_outside(info, alice.group.tree).message)
    with pytest.raises(RejectedError, match="MLS-SENDER-CONTENT"):
        bob.stages(resigned(carol, alice, Commit(good.proposals, None)))
    with pytest.raises(CryptoError):
        bob.stages(resigned(Member("mallory"), alice, good))
    with pytest.raises(RejectedError, match="MLS-CONFIRMATION-TAG"):
        bob.stages(resigned(carol, alice, good))


def test_an_external_commit_cannot_bring_a_second_leaf_of_one_signature_key() -> None:
    alice, _ = gather(2)
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    twin = Member("twin")
    twin.signer = alice.signer
    with pytest.raises(RejectedError, match="MLS-TREE-SIGNATURE-KEY-TWICE"):
        twin.join_from_outside(info, alice.group.tree)
