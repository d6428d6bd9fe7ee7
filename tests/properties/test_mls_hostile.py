"""Hostile bytes from outside, from insiders and from those who join: they are refused and change nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.codec import codec_for
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.mls.framing import confirm, protect_from_outside, protect_public, sign, sign_as_member
from entrenous.mls.group import check_group_info, join, make_group_info
from entrenous.mls.tree import TreeChanges, apply_changes, check_tree
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
from mls_members import SUITE, Member, gather

#: What hostile bytes may end in; an UsageError would be a mistake of ours.
REFUSED = (MalformedError, RejectedError, CryptoError)


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
