"""A real room of three, somebody outside, and what they have said: what inputs begin with.

Made once per process, from fixed seeds. Targets must leave it as it is.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret, SealedKind
from entrenous.client.rooms.snapshot import NodeChanges
from entrenous.client.rosters import roster_delta
from entrenous.content import (
    ROOM_SETTINGS_EXTENSION,
    Content,
    Role,
    RoomLink,
    RoomSettings,
    Text,
    new_settings,
    with_banned,
    with_link,
    with_member,
    without_member,
)
from entrenous.mls.framing import sign_as_member
from entrenous.mls.group import CachedProposal, OwnCommit, OwnUpdate, make_group_info, make_update
from entrenous.mls.tree import changes_between
from entrenous.mls.types import (
    Add,
    ApplicationData,
    AuthenticatedContent,
    Commit,
    ContentType,
    Extension,
    ExternalPSK,
    GroupContextExtensions,
    GroupInfo,
    InlineProposal,
    MLSMessage,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    ProposalReference,
    PublicMessage,
    Remove,
    WireFormat,
    encode_private_content,
)
from entrenous.testing import SeededEntropy
from entrenous.wire import CommitData, LogPosition, MessageData
from identity_people import account, device
from mls_members import SUITE
from room_devices import Device

ALICE, BOB, CAROL, DAVE = (account(number) for number in (1, 2, 3, 4))
MESSAGE_ID = bytes(12)
ROOM_ID = b"the garden's id."
ACCESS_KEY = AccessKey(1, RoomAccessSecret(bytes(range(32))))


def settings() -> RoomSettings:
    """Of a room with Alice as its admin, Bob and Carol."""
    of_one = new_settings("garden", ALICE.account_id, topic="tomatoes")
    return with_member(with_member(of_one, BOB.account_id, Role.MEMBER), CAROL.account_id, Role.MEMBER)


def commit_data(after: RoomSettings | None = None) -> CommitData:
    """What a Commit tells the server, if it leads from ``settings()`` to ``after``."""
    after = after or settings()
    delta = roster_delta(settings(), after)
    return CommitData(MESSAGE_ID, after.retention_seconds, delta, LogPosition.start(ROOM_ID), b"")


@dataclass(frozen=True)
class Room:
    """Three members at one epoch, and Dave outside. Carol's Update and Alice's Remove of her are known to Bob.

    Attributes:
        own: a Commit of Alice's that adds Dave, not taken by anybody.
        cached: the proposals that Bob has received.
        update: Bob's own Update, which Alice may commit.
    """

    alice: Device
    bob: Device
    carol: Device
    dave: Device
    dave_added: Add
    own: OwnCommit
    cached: dict[bytes, CachedProposal]
    update: OwnUpdate


@functools.cache
def room() -> Room:
    """The room."""
    people = [Device(owner, device(10 * owner.account_id[0])) for owner in (ALICE, BOB, CAROL, DAVE)]
    alice, bob, carol, dave = people
    alice.create(extensions=[Extension(ROOM_SETTINGS_EXTENSION, settings().encode())])
    first = alice.prepare(bob.key_package(), carol.key_package())
    alice.enter(first.epoch)
    for member in (bob, carol):
        member.join(first.welcome, alice.group.tree)
    for sender in (bob, carol, alice):
        own = sender.prepare()
        for member in (alice, bob, carol):
            if member is not sender:
                member.follows(own.message)
        sender.enter(own.epoch)
    update = make_update(bob.group, bob.signer, bob.entropy)
    by_bob = bob.proposes(update.proposal)
    for proposal in (make_update(carol.group, carol.signer, carol.entropy).proposal, Remove(0)):
        bob.caches(carol.proposes(proposal).message)
    cached = {**bob.cached, by_bob.cached.reference: by_bob.cached}
    dave_added = dave.key_package()
    after = with_member(settings(), DAVE.account_id, Role.MEMBER)
    extensions = _changing(after)
    data = commit_data(after).encode()
    own = alice.prepare(dave_added, extensions, authenticated_data=data, wire_format=WireFormat.PUBLIC_MESSAGE)
    return Room(alice, bob, carol, dave, dave_added, own, cached, update)


def _commit_in(message: bytes) -> Commit:
    body = MLSMessage.decode(message).body
    assert isinstance(body, PublicMessage)
    assert isinstance(body.content.content, Commit)
    return body.content.content


@functools.cache
def proposals() -> tuple[Proposal, ...]:
    """One of each kind that a member may make."""
    here = room()
    psk = PreSharedKeyID(ExternalPSK(b"spoken"), bytes(SUITE.secret_size))
    extensions = GroupContextExtensions(here.alice.group.context.extensions)
    return (here.dave_added, Remove(2), PreSharedKey(psk), extensions, here.update.proposal)


@functools.cache
def commits() -> tuple[Commit, ...]:
    """Alice's Commits: of each kind of proposal, by value and by reference, with a path and without."""
    here = room()
    honest = _commit_in(here.own.message)
    removing = _commit_in(here.alice.prepare(Remove(2), wire_format=WireFormat.PUBLIC_MESSAGE).message)
    by_value = tuple(Commit((InlineProposal(proposal),), honest.path) for proposal in proposals())
    by_reference = tuple(Commit((ProposalReference(reference),), removing.path) for reference in here.cached)
    changes = tuple(
        Commit((InlineProposal(_changing(after)), *proposals), removing.path)
        for after in _other_settings()
        for proposals in ((), (InlineProposal(Remove(2)),))
    )
    return (honest, removing, Commit(honest.proposals, None), *by_value, *by_reference, *changes)


def _changing(after: RoomSettings) -> GroupContextExtensions:
    return GroupContextExtensions((Extension(ROOM_SETTINGS_EXTENSION, after.encode()),))


def _other_settings() -> tuple[RoomSettings, ...]:
    """What an admin may make of the room's settings, and what nobody may."""
    here = settings()
    link = RoomLink(bytes(16), bytes(32), Role.MEMBER)
    return (
        without_member(here, CAROL.account_id),
        with_banned(here, CAROL.account_id),
        with_member(here, BOB.account_id, Role.ADMIN),
        with_member(here, ALICE.account_id, Role.MEMBER),
        with_link(dataclasses.replace(here, topic="", retention_seconds=3_600), link),
    )


@functools.cache
def external_commit() -> Commit:
    """Dave's, who joins from outside."""
    here = room()
    info = make_group_info(here.alice.group, here.alice.signer, with_external_pub=True)
    dave = Device(DAVE, device(40))
    return _commit_in(dave.join_from_outside(info, here.alice.group.tree).message)


def group_info(*, with_ratchet_tree: bool = False) -> GroupInfo:
    """Of the room, by Alice."""
    alice = room().alice
    return make_group_info(alice.group, alice.signer, with_external_pub=True, with_ratchet_tree=with_ratchet_tree)


@functools.cache
def private_contents() -> tuple[tuple[ContentType, bytes], ...]:
    """Plaintexts of PrivateMessages, each signed by Alice, and their kinds."""
    content = Content(MESSAGE_ID, 1_800_000_000_000, Text("hello"))
    said = signed_by_alice(ApplicationData(content.encode()), MessageData(LogPosition.start(ROOM_ID)).encode())
    proposed = [signed_by_alice(InlineProposal(proposal), b"") for proposal in proposals()]
    everything = (said, *proposed)
    return tuple(
        (each.content.content_type, encode_private_content(each.content.content, each.auth, padding))
        for padding, each in enumerate(everything)
    )


def signed_by_alice(body: Any, authenticated_data: bytes) -> AuthenticatedContent:
    """Application data or a proposal of hers, framed for a PrivateMessage."""
    here = room()
    return sign_as_member(here.alice.group, here.alice.signer, WireFormat.PRIVATE_MESSAGE, body, authenticated_data)


@functools.cache
def mls_messages() -> tuple[bytes, ...]:
    """A message of each wire format."""
    here = room()
    private = here.alice.says(b"hello", MessageData(LogPosition.start(ROOM_ID)).encode())
    proposal = here.carol.proposes(Remove(0), wire_format=WireFormat.PUBLIC_MESSAGE).message
    others = (MLSMessage.of(group_info(with_ratchet_tree=True)), MLSMessage.of(here.dave_added.key_package))
    assert here.own.welcome is not None
    return (private, proposal, here.own.message, here.own.welcome, *(other.encode() for other in others))


def sealed(kind: SealedKind, plaintext: bytes) -> bytes:
    """What a member has sealed for joiners."""
    return ACCESS_KEY.seal(kind, ROOM_ID, 4, plaintext, SeededEntropy("sealed"))


def node_changes() -> NodeChanges:
    """What the Commit that adds Dave changes."""
    here = room()
    before, after = here.alice.group.tree, here.own.epoch.group.tree
    return NodeChanges(before.tree_hash(), after.tree_hash(), changes_between(before, after))
