"""Groups under any course of events: members of one epoch agree, and hostile bytes change nothing."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrenous.codec import codec_for
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.mls.framing import confirm, protect_from_outside, protect_public, sign, sign_as_member
from entrenous.mls.group import Eviction, check_group_info, join, make_group_info, make_update
from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite
from entrenous.mls.tree import RatchetTree, TreeChanges, apply_changes, check_tree
from entrenous.mls.types import (
    Commit,
    FramedContent,
    GroupInfo,
    InlineProposal,
    MLSMessage,
    NewMemberCommit,
    PublicMessage,
    Remove,
    WireFormat,
)
from mls_members import SUITE, Member, agree, everybody_follows, gather

#: What hostile bytes may end in; an UsageError would be a mistake of ours.
REFUSED = (MalformedError, RejectedError, CryptoError)


class Town:
    """A group and those outside of it, as a course of events goes on."""

    def __init__(self, suite: CipherSuite, seed: int) -> None:
        self.random = random.Random(seed)
        self.suite = suite
        self.born = 0
        self.gone: list[Member] = []
        founder = self.newcomer()
        founder.create()
        self.members = [founder]

    def newcomer(self) -> Member:
        self.born += 1
        return Member(f"person {self.born}", self.suite)

    def somebody(self) -> Member:
        return self.random.choice(self.members)

    def add(self) -> None:
        sender, newcomers = self.somebody(), [self.newcomer() for _ in range(self.random.randint(1, 3))]
        own = sender.prepare(*(one.key_package() for one in newcomers), force_path=self.random.random() < 0.5)
        everybody_follows(self.members, sender, own)
        for one in newcomers:
            one.join(own.welcome, sender.group.tree)
        self.members += newcomers

    def remove(self) -> None:
        sender = self.somebody()
        others = [member for member in self.members if member is not sender]
        leaving = self.random.sample(others, min(len(others), self.random.randint(1, 2)))
        own = sender.prepare(*(Remove(member.group.own_leaf) for member in leaving))
        for member in leaving:
            assert isinstance(member.stages(own.message), Eviction)
        self.members = [member for member in self.members if member not in leaving]
        everybody_follows(self.members, sender, own)
        self.gone += leaving

    def renew(self) -> None:
        sender = self.somebody()
        everybody_follows(self.members, sender, sender.prepare())

    def update(self) -> None:
        if len(self.members) < 2:
            return
        proposer, sender = self.random.sample(self.members, 2)
        update = make_update(proposer.group, proposer.signer, proposer.entropy)
        sent = proposer.proposes(update.proposal)
        for member in self.members:
            if member is not proposer:
                member.caches(sent.message)
        keys = {update.proposal.leaf_node.encryption_key: update.private_key}
        everybody_follows(self.members, sender, sender.prepare(by_reference=[sent.cached]), update_keys=keys)

    def come_from_outside(self) -> None:
        inside, newcomer = self.somebody(), self.newcomer()
        info = make_group_info(inside.group, inside.signer, with_external_pub=True)
        joining = newcomer.join_from_outside(info, inside.group.tree)
        for member in self.members:
            member.follows(joining.message)
        self.members.append(newcomer)

    def check(self) -> None:
        assert agree(self.members)
        tree = self.somebody().group.tree
        check_tree(RatchetTree.from_nodes(self.suite.hash, tree.nodes()), self.somebody().group.rules)
        speaker = self.somebody()
        said = speaker.says(b"everybody here?")
        for member in self.members:
            if member is not speaker:
                assert member.reads(said) == b"everybody here?"
        for one in self.gone:
            with pytest.raises(RejectedError):
                one.opens(said)


EVENTS: list[Callable[[Town], None]] = [Town.add, Town.remove, Town.renew, Town.update, Town.come_from_outside]


@pytest.mark.parametrize("suite", [SUITES[1], ROOM_SUITE], ids=["suite 1", "room suite"])
@settings(max_examples=8)
@given(events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=8), seed=st.integers(0, 2**32))
def test_the_members_of_an_epoch_agree_and_the_removed_are_out(
    suite: CipherSuite, events: list[Callable[[Town], None]], seed: int
) -> None:
    town = Town(suite, seed)
    town.add()
    for event in events:
        event(town)
        town.check()


Edits = list[tuple[int, int]]
EDITS = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4)


def edited(data: bytes, edits: Edits) -> bytes:
    changed = bytearray(data)
    for position, byte in edits:
        changed[position % len(changed)] = byte
    return bytes(changed)


@pytest.fixture(scope="module")
def three() -> list[Member]:
    return gather(3)


def commit_in(message: bytes) -> Commit:
    body = MLSMessage.decode(message).body
    assert isinstance(body, PublicMessage)
    assert isinstance(body.content.content, Commit)
    return body.content.content


@given(edits=EDITS)
def test_a_changed_commit_is_refused(three: list[Member], edits: Edits) -> None:
    alice, bob, _ = three
    message = alice.prepare(Member("dave").key_package(), wire_format=WireFormat.PUBLIC_MESSAGE).message
    changed = edited(message, edits)
    if changed != message:
        with pytest.raises(REFUSED):
            bob.stages(changed)


@given(edits=EDITS)
def test_a_commit_that_its_own_sender_changed_ends_in_one_of_our_errors(three: list[Member], edits: Edits) -> None:
    alice, bob, _ = three
    own = alice.prepare(Member("dave").key_package(), Remove(2), wire_format=WireFormat.PUBLIC_MESSAGE)
    honest = commit_in(own.message).encode()
    state, changed = bob.group.encode(), edited(honest, edits)
    try:
        commit = Commit.decode(changed)
    except MalformedError:
        return
    signed = sign_as_member(alice.group, alice.signer, WireFormat.PUBLIC_MESSAGE, commit, b"")
    with pytest.raises(REFUSED):
        bob.stages(protect_public(alice.group, confirm(signed, bytes(32))))
    assert bob.group.encode() == state


@given(edits=EDITS)
def test_an_external_commit_that_its_sender_changed_ends_in_one_of_our_errors(
    three: list[Member], edits: Edits
) -> None:
    alice, bob, _ = three
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    dave = Member("dave")
    honest = commit_in(dave.join_from_outside(info, alice.group.tree).message).encode()
    try:
        commit = Commit.decode(edited(honest, edits))
    except MalformedError:
        return
    framed = FramedContent(alice.group.group_id, alice.group.epoch, NewMemberCommit(), b"", commit)
    signed = sign(SUITE, dave.signer, WireFormat.PUBLIC_MESSAGE, framed, alice.group.encoded_context)
    with pytest.raises(REFUSED):
        bob.stages(protect_from_outside(confirm(signed, bytes(32))))


@given(edits=EDITS)
def test_a_changed_welcome_leads_nowhere(three: list[Member], edits: Edits) -> None:
    alice, eve = three[0], Member("eve")
    own = alice.prepare(eve.key_package())
    assert own.welcome is not None
    changed = edited(own.welcome, edits)
    if changed != own.welcome:
        with pytest.raises(REFUSED):
            join(changed, eve.bundles.get, tree=own.epoch.group.tree)


@given(edits=EDITS)
def test_a_group_info_that_its_signer_changed_ends_in_one_of_our_errors(three: list[Member], edits: Edits) -> None:
    alice = three[0]
    info = make_group_info(alice.group, alice.signer, with_external_pub=True, with_ratchet_tree=True)
    try:
        changed = GroupInfo.decode(edited(info.encode(), edits))
    except MalformedError:
        return
    signature = SUITE.sign_with_label(alice.signer, "GroupInfoTBS", changed.to_be_signed())
    resigned = GroupInfo(changed.group_context, changed.extensions, changed.confirmation_tag, changed.signer, signature)
    try:
        check_group_info(resigned, None)
        Member("dave").join_from_outside(resigned, None)
    except REFUSED:
        return


@given(data=st.binary(max_size=200))
def test_any_bytes_as_tree_changes_make_a_sound_tree_or_are_refused(three: list[Member], data: bytes) -> None:
    try:
        changes = TreeChanges.decode(data)
        after = apply_changes(three[0].group.tree, changes)
        check_tree(after, three[0].group.rules)
    except REFUSED:
        return
    assert len(after.tree_hash()) == SUITE.hash.size


@given(data=st.binary(max_size=100))
def test_any_bytes_as_an_inline_proposal_of_an_insider_end_in_one_of_our_errors(
    three: list[Member], data: bytes
) -> None:
    try:
        proposal = codec_for(InlineProposal).read(data, 0, len(data))[0]
    except MalformedError:
        return
    alice, bob, _ = three
    signed = sign_as_member(alice.group, alice.signer, WireFormat.PUBLIC_MESSAGE, Commit((proposal,), None), b"")
    with pytest.raises(REFUSED):
        bob.stages(protect_public(alice.group, confirm(signed, bytes(32))))
