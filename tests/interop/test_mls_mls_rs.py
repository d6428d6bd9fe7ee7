"""Groups with members on mls-rs (Rust), through two independent bindings of it, suite 0x0001.

``mls_rs_uniffi`` offers what its authors call the basics, with proposals and exporters; ``rine_mls`` joins from
outside, and its GroupInfo tells of the epoch's secrets.
"""

import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from entrenous.codec import decode_as, encode_as
from entrenous.errors import EntrenousError, RejectedError
from entrenous.mls.group import MAX_LIFETIME as DEFAULT_LIFETIME
from entrenous.mls.group import InfoOptions
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import (
    ExtensionType,
    GroupContextExtensions,
    MLSMessage,
    PreSharedKey,
    PreSharedKeyID,
    PublicMessage,
    RatchetTreeNodes,
    Remove,
    RequiredCapabilities,
    ResumptionPSK,
    ResumptionPSKUsage,
    WireFormat,
    make_extension,
)
from mls_parties import (
    EXPORT_CONTEXT,
    EXPORT_LABEL,
    EXPORT_SIZE,
    Gathering,
    Maker,
    Ours,
    Party,
    Sent,
    add_of,
    facts_of_group_info,
    wander,
)

uniffi = pytest.importorskip("mls_rs_uniffi")
rine = pytest.importorskip("rine_mls")


class Uniffi(Party):
    """A member on mls-rs with OpenSSL, through mls_rs_uniffi. Its handshake messages are PublicMessages."""

    def __init__(self, name: str, *, tree_in_welcome: bool = True) -> None:
        self.identity = name.encode()
        storage = uniffi.client_config_default().group_state_storage
        config = uniffi.ClientConfig(group_state_storage=storage, use_ratchet_tree_extension=tree_in_welcome)
        keys = uniffi.generate_signature_keypair(uniffi.CipherSuite.CURVE25519_AES128)
        self.client = uniffi.Client(self.identity, keys, config)
        self.group: Any = None
        #: It names members by objects that come with their messages.
        self.heard: dict[bytes, Any] = {}

    def key_package(self) -> bytes:
        return bytes(self.client.generate_key_package_message().to_bytes())

    def create(self, group_id: bytes) -> None:
        self.group = self.client.create_group(group_id)

    def join(self, welcome: bytes, tree: bytes | None = None) -> None:
        given = None if tree is None else uniffi.RatchetTree(bytes=tree)
        self.group = self.client.join_group(given, uniffi.Message.from_bytes(welcome)).group

    def add(self, *key_packages: bytes) -> Sent:
        return self._takes(self.group.add_members([uniffi.Message.from_bytes(message) for message in key_packages]))

    def update(self) -> Sent:
        return self._takes(self.group.commit())

    def remove(self, identity: bytes) -> Sent:
        return self._takes(self.group.remove_members([self.heard[identity]]))

    def proposes_add(self, key_package: bytes) -> bytes:
        (message,) = self.group.propose_add_members([uniffi.Message.from_bytes(key_package)])
        return bytes(message.to_bytes())

    def proposes_remove(self, identity: bytes) -> bytes:
        (message,) = self.group.propose_remove_members([self.heard[identity]])
        return bytes(message.to_bytes())

    def follow(self, message: bytes) -> bool:
        received = self.group.process_incoming_message(uniffi.Message.from_bytes(message))
        return bool(received.is_received_proposal() or received.effect.is_new_epoch())

    def says(self, data: bytes) -> bytes:
        return bytes(self.group.encrypt_application_message(data).to_bytes())

    def reads(self, message: bytes, sender: bytes) -> bytes:
        received = self.group.process_incoming_message(uniffi.Message.from_bytes(message))
        self.heard[sender] = received.sender
        return bytes(received.data)

    def facts(self) -> Mapping[str, object]:
        return {"exporter": self.group.export_secret(EXPORT_LABEL.encode(), EXPORT_CONTEXT, EXPORT_SIZE)}

    def _takes(self, output: Any) -> Sent:
        self.group.process_incoming_message(output.commit_message)
        welcome = output.welcome_message
        return Sent(bytes(output.commit_message.to_bytes()), () if welcome is None else (bytes(welcome.to_bytes()),))


class Rine(Party):
    """A member on mls-rs with its own Rust primitives, through rine_mls; it commits nothing but Adds and Removes."""

    commits_at_will = False

    def __init__(self, folder: Path) -> None:
        self.client = rine.MlsClient(str(folder), os.urandom(32), rine.CIPHER_SUITE_CLASSICAL)
        self.identity = self.client.public_key()
        self.group: Any = None

    def key_package(self) -> bytes:
        return bytes(self.client.generate_key_package())

    def create(self, group_id: bytes) -> None:
        self.group = self.client.create_group(group_id)

    def join(self, welcome: bytes) -> None:
        self.group = self.client.join_from_welcome(welcome)

    def joins_from_outside(self, group_info: bytes) -> Sent:
        self.group = self.client.join_by_external_commit(group_info)
        return Sent(self.group.last_commit().commit)

    def comes_back(self, group_info: bytes) -> Sent:
        """Replace the leaf of a state that was lost."""
        stale = self.group.current_member_index()
        self.group = self.client.resync_by_external_commit(group_info, stale)
        return Sent(self.group.last_commit().commit)

    def add(self, *key_packages: bytes) -> Sent:
        made = self.group.add_members(list(key_packages))
        return Sent(made.commit, made.welcomes)

    def update(self) -> Sent:
        raise NotImplementedError("rine_mls has no such call")

    def remove(self, identity: bytes) -> Sent:
        return Sent(self.group.remove_member(self.group.member_index(identity)).commit)

    def follow(self, message: bytes) -> bool:
        self.group.apply_commit(message)
        return bool(self.group.is_active())

    def says(self, data: bytes) -> bytes:
        tagged = self.group.encrypt_application_message(data)
        assert tagged[0] == rine.APP_MESSAGE_TAG
        return bytes(tagged[1:])

    def reads(self, message: bytes, sender: bytes) -> bytes:
        read = self.group.decrypt_application_message(bytes([rine.APP_MESSAGE_TAG]) + message)
        assert read.sender_index == self.group.member_index(sender)
        return bytes(read.envelope)

    def facts(self) -> Mapping[str, object]:
        return {"epoch": self.group.epoch(), **facts_of_group_info(self.group_info())}

    def group_info(self) -> bytes:
        return bytes(self.group.group_info())


@pytest.fixture
def make_rine(tmp_path: Path) -> Maker:
    numbers = itertools.count()
    return lambda _name: Rine(tmp_path / str(next(numbers)))


@pytest.fixture
def makers(make_rine: Maker) -> list[Maker]:
    return [Ours, Uniffi, make_rine]


@pytest.mark.parametrize("first", range(3))
def test_three_stacks_live_in_one_group_whoever_founds_it(makers: list[Maker], first: int) -> None:
    rotated = makers[first:] + makers[:first]
    parties = [make(f"{turn}{number}") for turn in "ab" for number, make in enumerate(rotated)]
    gathering = Gathering.of(*parties)
    for party in parties:
        if party.commits_at_will:
            gathering.update(party)
    # Everybody removes the next, so that each stack removes each other one, and fills the gap with somebody of its own.
    for number, party in enumerate(parties[::2]):
        gathering.remove(party, parties[2 * number + 1])
        gathering.add(party, rotated[2 * number % 3](f"c{number}"))


@pytest.mark.parametrize("seed", range(6))
def test_three_stacks_agree_after_any_course_of_events(makers: list[Maker], seed: int) -> None:
    wander(makers, 20, seed)


def test_one_commit_adds_many_of_all_stacks(makers: list[Maker]) -> None:
    gathering = Gathering.of(*(make(f"member {number}") for number, make in enumerate(makers)))
    for by in tuple(gathering.members):
        gathering.add(by, *(make(f"{by.identity!r} {number}") for number, make in enumerate(makers * 2)))
    for gone in gathering.members[1::2]:
        gathering.remove(gathering.members[0], gone)


def test_our_handshakes_may_be_public_messages(make_rine: Maker) -> None:
    alice = Ours("alice", wire_format=WireFormat.PUBLIC_MESSAGE)
    bob, carol, dave = Uniffi("bob"), make_rine("carol"), Ours("dave")
    gathering = Gathering.of(alice, bob, carol, dave)
    assert isinstance(MLSMessage.decode(alice.prepares().message).body, PublicMessage)
    gathering.update(alice)
    gathering.remove(alice, bob)


def test_a_commit_without_a_path_is_followed(make_rine: Maker) -> None:
    alice, bob, carol, dave = Ours("alice"), Uniffi("bob"), make_rine("carol"), Ours("dave")
    gathering = Gathering.of(alice, bob, carol)
    gathering.welcome(alice, alice.commits(add_of(dave.key_package()), force_path=False), dave)


def test_proposals_of_one_are_committed_by_the_other() -> None:
    alice, bob, carol, dave, eve = Ours("alice"), Uniffi("bob"), Ours("carol"), Uniffi("dave"), Ours("eve")
    gathering = Gathering.of(alice, bob, carol, dave)

    gathering.propose(bob, bob.proposes_add(eve.key_package()))
    gathering.welcome(alice, alice.update(), eve)
    assert eve.leaf_of(b"bob") == 1

    frank = Uniffi("frank")
    gathering.propose(alice, alice.proposes(add_of(frank.key_package())), alice.proposes_update())
    gathering.welcome(bob, bob.update(), frank)

    gathering.propose(bob, bob.proposes_remove(b"carol"))
    gathering.propose(alice, alice.proposes(Remove(alice.leaf_of(b"dave"))))
    leaving = [carol, dave]
    sent = eve.update()
    for gone in leaving:
        gathering.members.remove(gone)
        assert not gone.follow(sent.commit)
    gathering.publish(eve, sent)


def test_one_who_asks_to_leave_is_removed_by_the_other_stack() -> None:
    alice, bob, carol = Ours("alice"), Uniffi("bob"), Ours("carol")
    gathering = Gathering.of(alice, bob, carol)
    gathering.propose(carol, carol.proposes(Remove(carol.leaf_of(b"carol"))))
    sent = bob.update()
    gathering.members.remove(carol)
    assert not carol.follow(sent.commit)
    gathering.publish(bob, sent)


def test_the_tree_may_travel_beside_the_welcome_either_way() -> None:
    alice, bob, carol = Ours("alice"), Uniffi("bob", tree_in_welcome=False), Ours("carol")
    alice.create(b"tree elsewhere")
    sent = alice.commits(add_of(bob.key_package()), info=InfoOptions(ratchet_tree_in_welcome=False))
    with pytest.raises(uniffi.Error.MlsError):
        bob.join(sent.welcomes[0])
    bob.join(sent.welcomes[0], encode_as(RatchetTreeNodes, alice.member.group.tree.nodes()))

    made = bob.add(carol.key_package())
    alice.follow(made.commit)
    with pytest.raises(RejectedError, match="MLS-GROUP-INFO-TREE"):
        carol.join(made.welcomes[0])
    nodes = decode_as(RatchetTreeNodes, bytes(bob.group.export_tree().bytes))
    carol.member.join(made.welcomes[0], RatchetTree.from_nodes(carol.member.suite.hash, nodes))
    Gathering([alice, bob, carol]).check()


def test_each_joins_the_other_from_outside(tmp_path: Path) -> None:
    alice, bob, carol, dave = Ours("alice"), Uniffi("bob"), Rine(tmp_path / "carol"), Ours("dave")
    gathering = Gathering.of(alice, bob)
    gathering.join(carol, carol.joins_from_outside(alice.group_info()))
    gathering.join(dave, dave.joins_from_outside(carol.group_info()))
    for by in (alice, bob, dave):
        gathering.update(by)


def test_each_comes_back_from_outside_in_place_of_its_old_leaf(tmp_path: Path) -> None:
    alice, bob, carol, dave = Ours("alice"), Uniffi("bob"), Rine(tmp_path / "carol"), Ours("dave")
    gathering = Gathering.of(alice, bob, carol, dave)
    gathering.join(carol, carol.comes_back(alice.group_info()))
    gathering.join(dave, dave.joins_from_outside(carol.group_info(), replaces=dave.leaf_of(b"dave")))
    assert len(list(alice.member.group.members())) == 4
    gathering.update(bob)


def test_resumption_psks_of_this_and_of_an_earlier_epoch_are_the_same_for_all(tmp_path: Path) -> None:
    alice, bob, carol = Ours("alice"), Uniffi("bob"), Rine(tmp_path / "carol")
    gathering = Gathering.of(alice, bob, carol)
    for back in (0, 1, 2):
        # mls-rs looks for past epochs in its storage.
        bob.group.write_to_storage()
        carol.group.save()
        group = alice.member.group
        psk = ResumptionPSK(ResumptionPSKUsage.APPLICATION, group.group_id, group.epoch - back)
        gathering.publish(alice, alice.commits(PreSharedKey(PreSharedKeyID(psk, bytes(group.suite.secret_size)))))


def test_what_we_require_of_members_is_kept_by_the_others(make_rine: Maker) -> None:
    gathering = Gathering.of(alice := Ours("alice"), bob := Uniffi("bob"), make_rine("carol"))
    required = make_extension(ExtensionType.REQUIRED_CAPABILITIES, RequiredCapabilities((), (), (1,)))
    gathering.publish(alice, alice.commits(GroupContextExtensions((required,))))
    gathering.add(bob, dave := Ours("dave"))
    assert dave.member.group.context.extensions == (required,)


def test_a_message_is_read_once_and_only_as_it_was_sent(make_rine: Maker) -> None:
    alice, bob, carol = Ours("alice"), Uniffi("bob"), make_rine("carol")
    Gathering.of(alice, bob, carol)
    # Whatever each stack raises, it refuses.
    refusals: dict[Party, Any] = {alice: EntrenousError, bob: uniffi.Error, carol: rine.RineMlsError}
    for speaker in refusals:
        message, other = speaker.says(b"once"), speaker.says(b"altered on its way")
        altered = other[:-1] + bytes([other[-1] ^ 1])
        for listener in refusals:
            if listener is not speaker:
                assert listener.reads(message, speaker.identity) == b"once"
                for refused in (message, altered):
                    with pytest.raises(refusals[listener]):
                        listener.reads(refused, speaker.identity)


def test_how_long_a_key_package_may_live_is_the_applications_to_say() -> None:
    # RFC 9420 §7.2: "Applications MUST define a maximum total lifetime"; those of mls-rs are valid for a year.
    alice, bob = Ours("alice"), Uniffi("bob")
    alice.create(b"a group")
    year = add_of(bob.key_package())
    with pytest.raises(RejectedError, match="MLS-LEAF-LIFETIME-TOTAL"):
        alice.prepares(year, max_lifetime=DEFAULT_LIFETIME)
    bob.join(alice.commits(year).welcomes[0])
    Gathering([alice, bob]).check()
