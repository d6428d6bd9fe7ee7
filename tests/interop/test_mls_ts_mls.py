"""Groups with members on ts-mls 1.6.4 (TypeScript), live in Node and from a transcript: suite 0x0001 and its X-Wing."""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Vectors
from entrenous.codec import decode_as, encode_as
from entrenous.errors import CryptoError, EntrenousError, MalformedError
from entrenous.mls.framing import unprotect
from entrenous.mls.group import (
    Founding,
    InfoOptions,
    KeyPackageBundle,
    LeafProfile,
    StagedCommit,
    branch,
    check_group_info,
    join,
    propose_from_outside,
    reinitialize,
    stage,
)
from entrenous.mls.schedule import SecretTree
from entrenous.mls.suite import SUITES, CipherSuite
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import (
    ApplicationData,
    ExtensionType,
    ExternalPSK,
    GroupContextExtensions,
    GroupInfo,
    KeyPackage,
    MLSMessage,
    PreSharedKey,
    PreSharedKeyID,
    PrivateMessage,
    ProtocolVersion,
    PublicMessage,
    RatchetTreeNodes,
    ReInit,
    Remove,
    RequiredCapabilities,
    ResumptionPSK,
    ResumptionPSKUsage,
    WireFormat,
    find_extension,
    make_extension,
)
from mls_parties import MAX_LIFETIME, Gathering, Maker, Ours, Party, StackLimitError, add_of, clock, wander
from ts_mls_parties import PROGRAM, PeerError, Peers, TsMls, install
from x509_chains import Authority


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return install(tmp_path_factory.mktemp("ts_mls"))


@pytest.fixture
def peers(program: list[str]) -> Iterator[Peers]:
    running = Peers(program)
    yield running
    running.close()


def test_the_lock_names_no_addresses_and_hashes_everything() -> None:
    text = (PROGRAM / "package-lock.json").read_text()
    assert "://" not in text
    installed = [entry for path, entry in json.loads(text)["packages"].items() if path]
    assert installed
    assert all(entry["version"] and entry["integrity"].startswith("sha512-") for entry in installed)


@pytest.fixture(params=[0x0001, 0x0053], ids=["x25519", "x-wing"])
def suite(request: pytest.FixtureRequest) -> CipherSuite:
    """What ts-mls and we share: the suite everybody must have, and its own post-quantum one."""
    return SUITES[request.param]


@pytest.fixture
def makers(peers: Peers, suite: CipherSuite) -> list[Maker]:
    return [lambda name: Ours(name, suite), lambda name: TsMls(peers, name, suite)]


@pytest.mark.parametrize("first", [0, 1], ids=["we-found", "they-found"])
def test_both_stacks_live_in_one_group_whoever_founds_it(makers: list[Maker], first: int) -> None:
    make, make_other = makers[first], makers[1 - first]
    parties = [make("a"), make_other("b"), make("c"), make_other("d"), make("e")]
    gathering = Gathering.of(*parties)
    for party in parties:
        gathering.update(party)
    gathering.remove(parties[0], parties[1])
    gathering.remove(parties[3], parties[0])
    gathering.add(parties[3], make("f"), make_other("g"))
    gathering.add(parties[2], make("h"), make_other("i"))
    gathering.remove(parties[4], parties[2])


@pytest.mark.parametrize("seed", range(3))
def test_both_stacks_agree_after_any_course_of_events(makers: list[Maker], seed: int) -> None:
    wander(makers, 12, seed, at_most=7)


def test_both_kinds_of_framing_are_read(makers: list[Maker], peers: Peers, suite: CipherSuite) -> None:
    alice, bob = Ours("alice", suite, WireFormat.PUBLIC_MESSAGE), TsMls(peers, "bob", suite, as_public=True)
    carol, dave = (make(name) for make, name in zip(makers, ("carol", "dave"), strict=True))
    gathering = Gathering.of(alice, bob, carol, dave)
    for by, kind in ((alice, PublicMessage), (bob, PublicMessage), (carol, PrivateMessage), (dave, PrivateMessage)):
        sent = by.update()
        assert isinstance(MLSMessage.decode(sent.commit).body, kind)
        gathering.publish(by, sent)


def test_a_commit_without_a_path_is_followed(peers: Peers, suite: CipherSuite) -> None:
    alice, bob, carol = Ours("alice", suite), TsMls(peers, "bob", suite), TsMls(peers, "carol", suite)
    gathering = Gathering.of(alice, bob)
    gathering.welcome(alice, alice.commits(add_of(carol.key_package()), force_path=False), carol)


@pytest.mark.parametrize("as_public", [False, True], ids=["private", "public"])
def test_proposals_of_one_are_committed_by_the_other(peers: Peers, suite: CipherSuite, as_public: bool) -> None:
    framing = WireFormat.PUBLIC_MESSAGE if as_public else WireFormat.PRIVATE_MESSAGE
    alice, bob = Ours("alice", suite, framing), TsMls(peers, "bob", suite, as_public=as_public)
    carol, dave = Ours("carol", suite), TsMls(peers, "dave", suite)
    eve, frank = Ours("eve", suite), TsMls(peers, "frank", suite)
    gathering = Gathering.of(alice, bob, carol, dave)

    gathering.propose(bob, bob.proposes(add=[eve.key_package().hex()]))
    gathering.welcome(carol, carol.update(), eve)

    gathering.propose(alice, alice.proposes(add_of(frank.key_package())), alice.proposes_update())
    gathering.welcome(dave, dave.update(), frank)

    gathering.propose(bob, bob.proposes(remove=[bob.leaf_of(b"carol")]))
    gathering.propose(alice, alice.proposes(Remove(alice.leaf_of(b"dave"))))
    sent = frank.update()
    for gone in (carol, dave):
        gathering.members.remove(gone)
        assert not gone.follow(sent.commit)
    gathering.publish(frank, sent)


def test_the_tree_may_travel_beside_the_welcome_either_way(peers: Peers, suite: CipherSuite) -> None:
    alice, bob, carol = Ours("alice", suite), TsMls(peers, "bob", suite), Ours("carol", suite)
    alice.create(b"tree elsewhere")
    sent = alice.commits(add_of(bob.key_package()), info=InfoOptions(ratchet_tree_in_welcome=False))
    bob.join(sent.welcomes[0], encode_as(RatchetTreeNodes, alice.member.group.tree.nodes()))

    made = bob.commits(add=[carol.key_package().hex()], tree_in_welcome=False)
    alice.follow(made.commit)
    tree = RatchetTree.from_nodes(suite.hash, decode_as(RatchetTreeNodes, bob.tree()))
    carol.member.join(made.welcomes[0], tree)
    Gathering([alice, bob, carol]).check()


def test_each_joins_the_other_from_outside_and_comes_back(peers: Peers, suite: CipherSuite) -> None:
    alice, bob = Ours("alice", suite), TsMls(peers, "bob", suite)
    carol, dave = Ours("carol", suite), TsMls(peers, "dave", suite)
    gathering = Gathering.of(alice, bob)
    gathering.join(dave, dave.joins_from_outside(alice.group_info()))
    gathering.join(carol, carol.joins_from_outside(bob.group_info()))
    for by in (alice, bob, carol, dave):
        gathering.update(by)
    gathering.join(dave, dave.joins_from_outside(carol.group_info(), again=True))
    gathering.join(carol, carol.joins_from_outside(dave.group_info(), replaces=carol.leaf_of(b"carol")))
    assert len(list(alice.member.group.members())) == 4
    gathering.update(dave)


def test_external_psks_enter_the_epoch_on_both_sides(peers: Peers, suite: CipherSuite) -> None:
    alice, bob, carol = Ours("alice", suite), TsMls(peers, "bob", suite), Ours("carol", suite)
    dave = TsMls(peers, "dave", suite)
    keys = {b"first": b"one secret", b"second": bytes(100)}
    for psk_id, value in keys.items():
        for ours in (alice, carol):
            ours.psks[psk_id] = value
        for theirs in (bob, dave):
            theirs.knows_psk(psk_id, value)
    nonces = itertools.count(1)
    uses = [
        PreSharedKey(PreSharedKeyID(ExternalPSK(psk_id), bytes([next(nonces)]) * suite.secret_size)) for psk_id in keys
    ]
    gathering = Gathering.of(alice, bob)
    gathering.publish(alice, alice.commits(*uses))
    gathering.publish(bob, bob.commits(psks=[psk_id.hex() for psk_id in keys]))
    # A newcomer has to know them too: the Welcome names them.
    gathering.welcome(bob, bob.commits(add=[carol.key_package().hex()], psks=[b"first".hex()]), carol)
    gathering.welcome(carol, carol.commits(add_of(dave.key_package()), *uses), dave)


def test_a_psk_with_another_value_is_refused_on_both_sides(peers: Peers, suite: CipherSuite) -> None:
    alice, bob = Ours("alice", suite), TsMls(peers, "bob", suite)
    alice.psks[b"ours"] = b"one value"
    bob.knows_psk(b"ours", b"another value")
    gathering = Gathering.of(alice, bob)
    with pytest.raises(PeerError, match="confirmation tag"):
        bob.follow(alice.prepares(PreSharedKey(PreSharedKeyID(ExternalPSK(b"ours"), bytes(suite.secret_size)))).message)
    gathering.check()
    with pytest.raises(EntrenousError, match="MLS-CONFIRMATION-TAG"):
        alice.follow(bob.commits(psks=[b"ours".hex()]).commit)


def test_resumption_psks_of_this_and_of_earlier_epochs_are_the_same(peers: Peers, suite: CipherSuite) -> None:
    alice, bob, carol = Ours("alice", suite), TsMls(peers, "bob", suite), Ours("carol", suite)
    gathering = Gathering.of(alice, bob, carol)
    gathering.update(bob)
    for back in (0, 1, 2):
        group = alice.member.group
        psk = ResumptionPSK(ResumptionPSKUsage.APPLICATION, group.group_id, group.epoch - back)
        gathering.publish(alice, alice.commits(PreSharedKey(PreSharedKeyID(psk, bytes(suite.secret_size)))))
        gathering.publish(bob, bob.commits(resumptions=[alice.member.group.epoch - back]))


def test_what_we_require_of_members_is_kept_by_the_others(peers: Peers, suite: CipherSuite) -> None:
    alice, bob, carol = Ours("alice", suite), TsMls(peers, "bob", suite), Ours("carol", suite)
    gathering = Gathering.of(alice, bob)
    required = make_extension(ExtensionType.REQUIRED_CAPABILITIES, RequiredCapabilities((), (), (1,)))
    gathering.publish(alice, alice.commits(GroupContextExtensions((required,))))
    gathering.add(bob, carol)
    assert carol.member.group.context.extensions == (required,)


ENDING = ReInit(b"the next group", ProtocolVersion.MLS10, SUITES[3].id, ())


def heirs(peers: Peers) -> tuple[Ours, TsMls]:
    """Alice and Bob, ours and theirs, with keys for a group in another suite."""
    return Ours("alice", SUITES[3]), TsMls(peers, "bob, later", SUITES[3], identity="bob")


def founding(founder: Ours, *others: bytes) -> Founding:
    me = founder.member
    return Founding(me.signer, me.profile, [add_of(message).key_package for message in others], clock(), MAX_LIFETIME)


def tree_of(party: Ours) -> bytes:
    return encode_as(RatchetTreeNodes, party.member.group.tree.nodes())


def agree_that_it_ended(alice: Ours, bob: TsMls) -> None:
    ours, theirs = alice.facts(), bob.facts()
    assert all(ours[name] == value for name, value in theirs.items())
    with pytest.raises(EntrenousError, match="MLS-GROUP-CLOSED"):
        alice.says(b"too late")
    with pytest.raises(PeerError, match="suspended pending reinit"):
        bob.says(b"too late")


@pytest.mark.parametrize("force_path", [False, True], ids=["without-path", "with-path"])
def test_they_join_the_successor_that_we_found(peers: Peers, suite: CipherSuite, force_path: bool) -> None:
    alice, bob = Ours("alice", suite), TsMls(peers, "bob", suite)
    Gathering.of(alice, bob)
    assert not bob.follow(alice.commits(ENDING, force_path=force_path).commit)
    agree_that_it_ended(alice, bob)
    new_alice, new_bob = heirs(peers)
    own = reinitialize(alice.member.group, founding(new_alice, new_bob.key_package()), new_alice.member.entropy)
    new_alice.member.enter(own.epoch)
    assert own.welcome is not None
    bob.joins_linked(new_bob, "reinit", own.welcome, tree_of(new_alice))
    Gathering([new_alice, new_bob]).check()


def test_we_join_the_successor_that_they_found(peers: Peers, suite: CipherSuite) -> None:
    alice, bob = Ours("alice", suite), TsMls(peers, "bob", suite)
    Gathering.of(alice, bob)
    ending = {"groupId": ENDING.group_id.hex(), "suite": ENDING.cipher_suite, "extensions": []}
    alice.follow(bob.commits(reinit=[ending]).commit)
    assert alice.member.group.reinit == ENDING
    agree_that_it_ended(alice, bob)
    new_alice, new_bob = heirs(peers)
    welcome = bob.founds(new_bob, "reinit", ENDING.group_id, new_alice.key_package())
    joins_linked(alice, new_alice, welcome, new_bob)
    Gathering([new_alice, new_bob]).check()


def joins_linked(old: Ours, new: Ours, welcome: bytes, founder: TsMls) -> None:
    """Join, as ``new``, a group that comes out of the one in which we are ``old``."""
    group = old.member.group
    tree = RatchetTree.from_nodes(new.member.suite.hash, decode_as(RatchetTreeNodes, founder.tree()))
    new.member.join(welcome, tree, groups={group.group_id: group}.get)


def test_they_join_the_branch_that_we_found(peers: Peers, suite: CipherSuite) -> None:
    alice, bob, carol = Ours("alice", suite), TsMls(peers, "bob", suite), Ours("carol", suite)
    gathering = Gathering.of(alice, bob, carol)
    new_alice, new_bob = Ours("alice", suite), TsMls(peers, "bob, aside", suite, identity="bob")
    with_bob = founding(new_alice, new_bob.key_package())
    own = branch(alice.member.group, b"aside", with_bob, new_alice.member.entropy)
    new_alice.member.enter(own.epoch)
    assert own.welcome is not None
    bob.joins_linked(new_bob, "branch", own.welcome, tree_of(new_alice))
    Gathering([new_alice, new_bob]).check()
    gathering.update(carol)


def test_we_join_the_branch_that_they_found(peers: Peers, suite: CipherSuite) -> None:
    alice, bob, carol = Ours("alice", suite), TsMls(peers, "bob", suite), Ours("carol", suite)
    gathering = Gathering.of(alice, bob, carol)
    new_alice, new_bob = Ours("alice", suite), TsMls(peers, "bob, aside", suite, identity="bob")
    welcome = bob.founds(new_bob, "branch", b"aside", new_alice.key_package())
    joins_linked(alice, new_alice, welcome, new_bob)
    Gathering([new_alice, new_bob]).check()
    gathering.update(bob)


def test_people_with_certificates_live_in_one_group(peers: Peers, suite: CipherSuite) -> None:
    authority = Authority()
    alice, bob, carol = Ours("alice", suite), TsMls(peers, "bob", suite), TsMls(peers, "carol", suite)
    me = alice.member
    capabilities = dataclasses.replace(me.profile.capabilities, credentials=(1, 2))
    me.profile = LeafProfile(authority.certifies("alice", me.signer.public), capabilities)
    bob.shows(authority.certifies("bob", bob.signature_key()))
    alice.create(b"certified")
    sent = alice.commits(add_of(bob.key_package()), credentials=authority.judge)
    bob.join(sent.welcomes[0])
    carol.shows(authority.certifies("carol", carol.signature_key()))
    made = bob.commits(add=[carol.key_package().hex()])
    staged = stage(me.group, me.opens(made.commit), credentials=authority.judge)
    assert isinstance(staged, StagedCommit)
    me.enter(staged.epoch)
    carol.join(made.welcomes[0])
    assert [authority.name_in(leaf.credential) for _, leaf in me.group.members()] == ["alice", "bob", "carol"]
    for name, value in (*bob.facts().items(), *carol.facts().items()):
        assert alice.facts()[name] == value
    assert me.reads(carol.says(b"signed and certified")) == b"signed and certified"


def test_newcomers_of_both_stacks_propose_to_be_added(peers: Peers, suite: CipherSuite) -> None:
    alice, bob = Ours("alice", suite), TsMls(peers, "bob", suite)
    carol, dave = Ours("carol", suite), TsMls(peers, "dave", suite)
    gathering = Gathering.of(alice, bob)
    group = alice.member.group
    add = add_of(carol.key_package())
    asking = propose_from_outside(suite, group.group_id, group.epoch, carol.member.signer, add)
    gathering.propose(carol, asking, dave.proposes_to_join(alice.group_info()))
    gathering.welcome(bob, bob.update(), carol, dave)


def test_a_message_is_read_once_and_only_as_it_was_sent(peers: Peers, suite: CipherSuite) -> None:
    alice, bob = Ours("alice", suite), TsMls(peers, "bob", suite)
    Gathering.of(alice, bob)
    pairs: list[tuple[Party, Party, type[Exception]]] = [(alice, bob, PeerError), (bob, alice, EntrenousError)]
    for speaker, listener, refusal in pairs:
        message, other = speaker.says(b"once"), speaker.says(b"altered on its way")
        altered = other[:-1] + bytes([other[-1] ^ 1])
        assert listener.reads(message, speaker.identity) == b"once"
        for refused in (message, altered):
            with pytest.raises(refusal):
                listener.reads(refused, speaker.identity)


def test_four_stacks_live_in_one_group(peers: Peers, tmp_path: Path) -> None:
    pytest.importorskip("mls_rs_uniffi")
    pytest.importorskip("rine_mls")
    from mls_rs_parties import Rine, Uniffi

    numbers = itertools.count()
    makers: list[Maker] = [
        Ours,
        lambda name: TsMls(peers, name, SUITES[1]),
        Uniffi,
        lambda _name: Rine(tmp_path / str(next(numbers))),
    ]
    gathering = wander(makers, 20, 1)
    assert len({type(member) for member in gathering.members}) == len(makers)


def test_unmerged_leaves_may_differ_from_node_to_node(peers: Peers) -> None:
    pytest.importorskip("mls_rs_uniffi")
    from mls_rs_parties import Uniffi

    # Two gaps in a tree whose other nodes are all filled: who fills them without a path is unmerged at the root, which
    # then lists both, and at nodes below it, which list one each.
    members = [Ours(f"member {number}") for number in range(8)]
    gathering = Gathering.of(*members)
    for member in members:
        gathering.update(member)
    for gone in (members[2], members[6]):
        gathering.remove(members[0], gone)
    for member in (members[3], members[4], members[7]):
        gathering.update(member)
    newcomers = Ours("ours"), Uniffi("mls-rs")
    sent = members[0].commits(*(add_of(newcomer.key_package()) for newcomer in newcomers), force_path=False)
    gathering.welcome(members[0], sent, *newcomers)
    last = TsMls(peers, "ts-mls", SUITES[1])
    with pytest.raises(StackLimitError):
        last.join(members[0].commits(add_of(last.key_package()), force_path=False).welcomes[0])


def test_we_join_read_and_follow_what_ts_mls_sent(vectors: Vectors) -> None:
    given = vectors.load("interop/ts-mls-1.6.4-suite1.json")
    suite = SUITES[given["suite_id"]]
    key_package = MLSMessage.decode(bytes.fromhex(given["bob"]["key_package"])).body
    assert isinstance(key_package, KeyPackage)
    init, encryption = (
        suite.hpke.key_pair(bytes.fromhex(given["bob"][name])).private for name in ("init_priv", "encryption_priv")
    )
    bundle = KeyPackageBundle(key_package, init, encryption)
    joined = join(bytes.fromhex(given["welcome"]), {bundle.reference: bundle}.get)
    group, keys = joined.epoch.group, SecretTree(joined.epoch.nodes)
    assert group.group_id.hex() == given["group_id"]

    spoken = unprotect(group, keys, bytes.fromhex(given["app_from_alice"]))
    assert spoken.body == ApplicationData(given["app_plain"].encode())

    staged = stage(group, unprotect(group, keys, bytes.fromhex(given["external_commit_carol"])))
    assert isinstance(staged, StagedCommit)
    after = staged.epoch.group
    assert after.epoch_authenticator.hex() == given["epoch_authenticator_after_external"]
    assert after.export("test", b"\x00", 32).hex() == given["exporter_test_00_32"]


def test_we_read_its_external_pub_only_in_the_form_of_the_rfc(vectors: Vectors) -> None:
    # ts-mls 1.6.4 puts the bare key into the extension, where RFC 9420 §12.4.3.2 has an ExternalPub around it.
    given = vectors.load("interop/ts-mls-1.6.4-suite1.json")
    info = MLSMessage.decode(bytes.fromhex(given["group_info"])).body
    assert isinstance(info, GroupInfo)
    bare = find_extension(info.extensions, ExtensionType.EXTERNAL_PUB)
    assert bare is not None
    assert len(bare) == SUITES[1].hpke.kem.public_size
    with pytest.raises(MalformedError):
        check_group_info(info, None)
    others = tuple(e for e in info.extensions if e.extension_type != ExtensionType.EXTERNAL_PUB)
    with pytest.raises(CryptoError):
        check_group_info(dataclasses.replace(info, extensions=others), None)
