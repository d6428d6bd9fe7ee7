"""Groups with members on mls-rs (Rust), through two independent bindings of it, suite 0x0001."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from entrenous.codec import decode_as, encode_as
from entrenous.errors import EntrenousError, RejectedError
from entrenous.mls.group import MAX_LIFETIME as DEFAULT_LIFETIME
from entrenous.mls.group import InfoOptions
from entrenous.mls.suite import SUITES
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import (
    ExtensionType,
    GroupContextExtensions,
    MLSMessage,
    PreSharedKey,
    PreSharedKeyID,
    ProtocolVersion,
    PublicMessage,
    RatchetTreeNodes,
    ReInit,
    Remove,
    RequiredCapabilities,
    ResumptionPSK,
    ResumptionPSKUsage,
    WireFormat,
    make_extension,
)
from mls_parties import Gathering, Maker, Ours, Party, add_of, wander
from mls_rs_parties import Rine, Uniffi, rine, uniffi


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


def test_a_group_that_we_end_has_one_last_epoch_for_the_others_too(make_rine: Maker) -> None:
    # Their APIs found and join no successor; mls-rs says that the Commit was a ReInit, and rine_mls nothing of it.
    alice, bob, carol = Ours("alice"), Uniffi("bob"), make_rine("carol")
    Gathering.of(alice, bob, carol)
    sent = alice.commits(ReInit(b"the next group", ProtocolVersion.MLS10, SUITES[3].id, ()))
    assert bob.group.process_incoming_message(uniffi.Message.from_bytes(sent.commit)).effect.is_re_init()
    assert carol.follow(sent.commit)
    ours = alice.facts()
    for name, value in (*bob.facts().items(), *carol.facts().items()):
        assert ours[name] == value
    with pytest.raises(RejectedError, match="MLS-GROUP-CLOSED"):
        alice.says(b"too late")


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
