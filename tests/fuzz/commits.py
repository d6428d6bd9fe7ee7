"""Commits and proposals of a hostile insider: correctly signed and framed, with anything inside.

Nobody outside can make a member read a forged Commit: signature, membership tag or AEAD fail first. So the input here
is what an insider signs. The state of who receives it stays as it was, to the byte, whatever comes out.
"""

import contextlib
import dataclasses
import functools

from entrenous.client.policy import judge
from entrenous.content import ROOM_SETTINGS_EXTENSION, RoomSettings
from entrenous.errors import MalformedError
from entrenous.mls.framing import (
    confirm,
    no_padding,
    protect_from_outside,
    protect_private,
    protect_public,
    sign,
    sign_as_member,
    unprotect,
)
from entrenous.mls.group import CachedProposal, Eviction, Policy, cache_proposal, stage
from entrenous.mls.group.view import accept_all
from entrenous.mls.types import (
    Add,
    Commit,
    FramedContent,
    FromCommit,
    GroupContextExtensions,
    InlineProposal,
    LeafNode,
    LeafPlace,
    Lifetime,
    NewMemberCommit,
    ProposalReference,
    UpdatePath,
    WireFormat,
    find_extension,
)
from entrenous.wire import CommitData
from fuzz import rooms
from fuzz.target import REFUSED, Shape, Target
from mls_members import SUITE, Member

#: Bits of the first byte: what the insider does with the rest of the input.
_SIGNS_LEAVES = 1  # signs anew each leaf and KeyPackage that it changed, so that more than the signature is judged
_PRIVATELY = 2  # sends a PrivateMessage
_UNDER_POLICY = 4  # the receiver is a client with the rules of rooms, not the bare library


def commit_of_insider(data: bytes) -> None:
    """Alice signs any Commit; Bob judges it."""
    how, commit = _read(data)
    if commit is None:
        return
    here = rooms.room()
    if how & _SIGNS_LEAVES:
        commit = _signed_anew(commit, here.alice, LeafPlace(here.alice.group.group_id, 0))
    told = _told_of(commit).encode()
    wire_format = WireFormat.PRIVATE_MESSAGE if how & _PRIVATELY else WireFormat.PUBLIC_MESSAGE
    signed = sign_as_member(here.alice.group, here.alice.signer, wire_format, commit, told)
    complete = confirm(signed, bytes(SUITE.hash.size))
    if how & _PRIVATELY:
        message = protect_private(
            here.alice.group, here.alice.keys, complete, padding=no_padding, entropy=here.alice.entropy
        ).message
    else:
        message = protect_public(here.alice.group, complete)
    _check_judged(here.bob, message, _policy(how), here.cached)


def _told_of(commit: Commit) -> CommitData:
    """What the server is to be told of the settings in a Commit, so that a lie is not all that there is to refuse."""
    for entry in commit.proposals:
        if isinstance(entry, InlineProposal) and isinstance(entry.proposal, GroupContextExtensions):
            settings = find_extension(entry.proposal.extensions, ROOM_SETTINGS_EXTENSION)
            with contextlib.suppress(MalformedError):
                return rooms.commit_data(RoomSettings.decode(settings or b""))
    return rooms.commit_data()


def commit_from_outside(data: bytes) -> None:
    """Dave signs any external Commit; Bob judges it."""
    how, commit = _read(data)
    if commit is None:
        return
    here = rooms.room()
    group = here.bob.group
    if how & _SIGNS_LEAVES:
        commit = _signed_anew(commit, here.dave, LeafPlace(group.group_id, 3))
    framed = FramedContent(group.group_id, group.epoch, NewMemberCommit(), b"", commit)
    signed = sign(SUITE, here.dave.signer, WireFormat.PUBLIC_MESSAGE, framed, group.encoded_context)
    _check_judged(here.bob, protect_from_outside(confirm(signed, bytes(SUITE.hash.size))), _policy(how), {})


def proposal_of_insider(data: bytes) -> None:
    """Carol proposes anything; Alice commits it by reference; Bob judges that."""
    if not data:
        return
    how = data[0]
    try:
        proposal = InlineProposal.decode(data[1:])
    except MalformedError:
        return
    here = rooms.room()
    carol, bob = here.carol, here.bob
    if how & _SIGNS_LEAVES:
        proposal = InlineProposal(_add_signed_anew(proposal).proposal)
    signed = sign_as_member(carol.group, carol.signer, WireFormat.PUBLIC_MESSAGE, proposal, b"")
    before = bob.group.encode()
    try:
        cached = cache_proposal(bob.group, unprotect(bob.group, bob.keys, protect_public(carol.group, signed)))
    except REFUSED:
        assert bob.group.encode() == before
        return
    commit = Commit((ProposalReference(cached.reference),), _honest_path())
    signed = sign_as_member(here.alice.group, here.alice.signer, WireFormat.PUBLIC_MESSAGE, commit, b"")
    message = protect_public(here.alice.group, confirm(signed, bytes(SUITE.hash.size)))
    _check_judged(bob, message, _policy(how), {cached.reference: cached})


def _read(data: bytes) -> tuple[int, Commit | None]:
    try:
        return (data[0], Commit.decode(data[1:])) if data else (0, None)
    except MalformedError:
        return data[0], None


def _policy(how: int) -> Policy:
    return judge if how & _UNDER_POLICY else accept_all


def _check_judged(receiver: Member, message: bytes, policy: Policy, cached: dict[bytes, CachedProposal]) -> None:
    """It is refused, or it removes the receiver; the zeros in place of a confirmation tag let nothing else through."""
    before = receiver.group.encode(), keys_of(receiver)
    update = rooms.room().update
    update_keys = {update.proposal.leaf_node.encryption_key: update.private_key}
    try:
        received = unprotect(receiver.group, receiver.keys, message)
        outcome = stage(receiver.group, received, cached=cached, update_keys=update_keys, policy=policy)
    except REFUSED:
        pass
    else:
        assert isinstance(outcome, Eviction), "a Commit without a confirmation tag was taken"
    assert (receiver.group.encode(), keys_of(receiver)) == before, "a Commit that is not merged changed something"


def keys_of(member: Member) -> object:
    """The member's secret tree, to compare it with a later state."""
    return dict(member.keys._nodes), dict(member.keys._ratchets)


def _signed_anew(commit: Commit, member: Member, place: LeafPlace) -> Commit:
    """The Commit with all that its sender can sign: the leaf of its path, and the KeyPackages of Dave, a friend."""
    path = commit.path
    if path is not None and isinstance(path.leaf_node.source, FromCommit):
        leaf = _leaf_signed_anew(path.leaf_node, member, place)
        path = UpdatePath(leaf, path.nodes)
    proposals = tuple(_add_signed_anew(each) if isinstance(each, InlineProposal) else each for each in commit.proposals)
    return Commit(proposals, path)


def _add_signed_anew(proposal: InlineProposal) -> InlineProposal:
    if not isinstance(proposal.proposal, Add):
        return proposal
    dave, package = rooms.room().dave, proposal.proposal.key_package
    if isinstance(package.leaf_node.source, Lifetime):
        package = dataclasses.replace(package, leaf_node=_leaf_signed_anew(package.leaf_node, dave, None))
    signature = SUITE.sign_with_label(dave.signer, "KeyPackageTBS", package.to_be_signed())
    return InlineProposal(Add(dataclasses.replace(package, signature=signature)))


def _leaf_signed_anew(leaf: LeafNode, member: Member, place: LeafPlace | None) -> LeafNode:
    signature = SUITE.sign_with_label(member.signer, "LeafNodeTBS", leaf.to_be_signed(place))
    return dataclasses.replace(leaf, signature=signature)


@functools.cache
def _honest_path() -> UpdatePath | None:
    return rooms.commits()[1].path


def _shape(data: bytes) -> Shape:
    return Shape(1, Commit)


TARGETS = (
    Target(
        "mls-commit-of-insider",
        commit_of_insider,
        lambda: [bytes([how]) + each.encode() for each in rooms.commits() for how in (0, 7)],
        _shape,
    ),
    Target(
        "mls-commit-from-outside",
        commit_from_outside,
        lambda: [bytes([how]) + rooms.external_commit().encode() for how in (0, 1, 5)],
        _shape,
    ),
    Target(
        "mls-proposal-of-insider",
        proposal_of_insider,
        lambda: [bytes([how]) + InlineProposal(each).encode() for each in rooms.proposals() for how in (0, 1, 5)],
        lambda data: Shape(1, InlineProposal),
    ),
)
