"""Groups that succeed a group or branch from it, and what nobody is led into in their name (RFC 9420 §11.2, §11.3)."""

import dataclasses
from collections.abc import Callable, Sequence

import pytest

from entrenous.errors import MalformedError, RejectedError, UsageError
from entrenous.mls.group import (
    Founding,
    Group,
    GroupSource,
    InfoOptions,
    LeafProfile,
    OwnCommit,
    branch,
    commit,
    create_group,
    join,
    make_group_info,
    no_groups,
    reinitialize,
    stage,
)
from entrenous.mls.group.links import Link
from entrenous.mls.group.welcome import Newcomer, make_welcome
from entrenous.mls.schedule import (
    JoinerSecret,
    SecretTree,
    derive_member_secret,
    derive_psk_secret,
    derive_welcome_key,
)
from entrenous.mls.suite import SUITES, CipherSuite
from entrenous.mls.types import (
    Add,
    BasicCredential,
    Commit,
    Credential,
    Extension,
    ExternalPSK,
    InlineProposal,
    KeyPackage,
    MLSMessage,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    ProtocolVersion,
    ReInit,
    Remove,
    ResumptionPSK,
    ResumptionPSKUsage,
)
from mls_members import NOW, ROOM, SUITE, Member, agree, everybody_follows, gather

#: With other signatures than the old group's.
NEW = SUITES[2]
NEXT = ReInit(b"the next group", ProtocolVersion.MLS10, NEW.id, (Extension(ROOM, b"next"),))
BOTH = [ResumptionPSKUsage.REINIT, ResumptionPSKUsage.BRANCH]


class Moving:
    """People in a group, each with a self for the group that comes out of it."""

    def __init__(self, count: int, suite: CipherSuite) -> None:
        self.old = gather(count)
        self.new = [Member(member.name, suite, seed=index) for index, member in enumerate(self.old)]
        self.key_packages: list[KeyPackage] = [member.key_package().key_package for member in self.new]

    def founding(self, founder: int, with_whom: Sequence[int] | None = None) -> Founding:
        me = self.new[founder]
        others = range(len(self.new)) if with_whom is None else with_whom
        members = [self.key_packages[index] for index in others if index != founder]
        return Founding(me.signer, me.profile, members, NOW)

    def groups(self, member: int) -> GroupSource:
        group = self.old[member].group
        return {group.group_id: group}.get

    def join(self, member: int, own: OwnCommit) -> None:
        self.new[member].join(own.welcome, own.epoch.group.tree, groups=self.groups(member))


def agreed(count: int, reinit: ReInit = NEXT) -> Moving:
    """A group that a ReInit has ended."""
    moving = Moving(count, SUITES[reinit.cipher_suite])
    everybody_follows(moving.old, moving.old[0], moving.old[0].prepare(reinit))
    return moving


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: f"suite {suite.id:#06x}")
def test_a_group_goes_on_in_another_suite_whoever_founds_the_successor(suite: CipherSuite) -> None:
    moving = agreed(3, dataclasses.replace(NEXT, cipher_suite=suite.id))
    own = reinitialize(moving.old[2].group, moving.founding(2), moving.new[2].entropy)
    moving.new[2].enter(own.epoch)
    for member in (0, 1):
        moving.join(member, own)
    assert agree(moving.new)
    group = moving.new[0].group
    assert (group.group_id, group.suite, group.epoch) == (NEXT.group_id, suite, 1)
    assert group.context.extensions == NEXT.extensions
    assert moving.new[1].reads(moving.new[0].says(b"here we are")) == b"here we are"
    everybody_follows(moving.new, moving.new[1], moving.new[1].prepare())


def test_a_reinit_is_proposed_by_one_and_committed_by_another_without_a_path() -> None:
    members = alice, bob, carol = gather(3)
    sent = bob.proposes(NEXT)
    for member in (alice, carol):
        member.caches(sent.message)
    own = carol.prepare(by_reference=[carol.cached[sent.cached.reference]], force_path=False)
    assert own.view is not None
    assert own.view.reinit == NEXT
    everybody_follows(members, carol, own)
    assert agree(members)
    assert all(member.group.reinit == NEXT for member in members)


def test_nothing_is_sent_and_no_commit_taken_in_a_group_that_a_reinit_ended() -> None:
    alice, bob = agreed(2).old
    attempts: list[Callable[[], object]] = [
        lambda: alice.says(b"one more word"),
        lambda: alice.proposes(Remove(1)),
        alice.prepare,
        lambda: alice.prepare(NEXT),
    ]
    for attempt in attempts:
        with pytest.raises(RejectedError, match="MLS-GROUP-CLOSED"):
            attempt()
    still_open = dataclasses.replace(alice.group, reinit=None)
    late = commit(still_open, alice.keys, alice.signer, alice.entropy)
    received = bob.opens(late.message)
    with pytest.raises(RejectedError, match="MLS-GROUP-CLOSED"):
        stage(bob.group, received)


def test_a_stored_group_remembers_that_it_was_reinitialised() -> None:
    alice, _ = agreed(2).old
    assert alice.group.is_closed
    assert Group.decode(alice.group.encode()) == alice.group
    assert not Group.decode(gather(1)[0].group.encode()).is_closed


REINITS: list[tuple[str, list[Proposal]]] = [
    ("with a removal", [NEXT, Remove(2)]),
    ("twice", [NEXT, NEXT]),
    ("after a pre-shared key", [PreSharedKey(PreSharedKeyID(ExternalPSK(b""), bytes(SUITE.secret_size))), NEXT]),
]


@pytest.mark.parametrize("proposals", [pytest.param(case[1], id=case[0]) for case in REINITS])
def test_a_reinit_stands_alone_in_its_commit(proposals: list[Proposal]) -> None:
    alice, bob, _ = gather(3)
    with pytest.raises(RejectedError, match="MLS-PROPOSALS-REINIT"):
        alice.prepare(*proposals)
    with pytest.raises(RejectedError, match="MLS-PROPOSALS-REINIT"):
        bob.stages(alice.forges(Commit(tuple(map(InlineProposal, proposals)), None)))


def test_a_reinit_with_one_extension_twice_or_of_an_unknown_version_is_refused() -> None:
    alice, bob = gather(2)
    twice = dataclasses.replace(NEXT, extensions=(Extension(ROOM, b"a"), Extension(ROOM, b"b")))
    with pytest.raises(RejectedError, match="MLS-EXTENSION-TWICE"):
        bob.stages(alice.forges(Commit((InlineProposal(twice),), None)))
    encoded = NEXT.encode()
    version = 1 + len(NEXT.group_id)
    for other in (0, 2):
        with pytest.raises(MalformedError):
            ReInit.decode(encoded[:version] + other.to_bytes(2, "big") + encoded[version + 2 :])


def test_there_is_no_successor_of_a_group_that_was_not_reinitialised() -> None:
    moving = Moving(2, NEW)
    with pytest.raises(RejectedError, match="MLS-REINIT-NOT-AGREED"):
        reinitialize(moving.old[0].group, moving.founding(0), moving.new[0].entropy)


def test_a_successor_has_the_members_that_the_group_had() -> None:
    moving = agreed(3)
    entropy = moving.new[0].entropy
    stranger = Member("stranger", NEW).key_package().key_package
    fewer, more = moving.founding(0, [1]), moving.founding(0)
    more = dataclasses.replace(more, members=[*more.members, stranger])
    for founding in (fewer, more):
        with pytest.raises(RejectedError, match="MLS-REINIT-MEMBERS"):
            reinitialize(moving.old[0].group, founding, entropy)


def test_a_successor_is_founded_in_a_suite_that_we_speak_with_key_packages_of_it() -> None:
    moving = agreed(2)
    old, entropy = moving.old[0].group, moving.new[0].entropy
    unspoken = dataclasses.replace(NEXT, cipher_suite=0xF0F0)
    with pytest.raises(RejectedError, match="MLS-SUITE-UNKNOWN"):
        reinitialize(dataclasses.replace(old, reinit=unspoken), moving.founding(0), entropy)
    of_the_old_suite = [Member("member 1").key_package().key_package]
    with pytest.raises(RejectedError, match="MLS-KEY-PACKAGE-SUITE"):
        reinitialize(old, dataclasses.replace(moving.founding(0), members=of_the_old_suite), entropy)
    with pytest.raises(UsageError):
        reinitialize(old, dataclasses.replace(moving.founding(0), signer=moving.old[0].signer), entropy)


def test_who_is_the_same_member_is_the_applications_to_say() -> None:
    moving = agreed(2)
    moving.new[0].profile = LeafProfile(BasicCredential(b"member 0 (new)"), moving.new[0].profile.capabilities)
    founding = moving.founding(0)
    old = moving.old[0].group
    with pytest.raises(RejectedError, match="MLS-REINIT-MEMBERS"):
        reinitialize(old, founding, moving.new[0].entropy)

    def first_words(credential: Credential) -> bytes:
        assert isinstance(credential, BasicCredential)
        return credential.identity[:8]

    own = reinitialize(old, dataclasses.replace(founding, identify=first_words), moving.new[0].entropy)
    with pytest.raises(RejectedError, match="MLS-REINIT-MEMBERS"):
        moving.join(1, own)
    moving.new[1].join(own.welcome, own.epoch.group.tree, groups=moving.groups(1), identify=first_words)


def test_a_branch_is_a_group_of_some_members_and_its_origin_goes_on() -> None:
    moving = Moving(4, SUITE)
    own = branch(moving.old[1].group, b"the two of us", moving.founding(1, [3]), moving.new[1].entropy)
    moving.new[1].enter(own.epoch)
    everybody_follows(moving.old, moving.old[0], moving.old[0].prepare())
    # The origin has gone on since: the PSK of its earlier epoch is still kept.
    moving.join(3, own)
    assert agree([moving.new[1], moving.new[3]])
    assert agree(moving.old)
    assert moving.new[3].group.epoch == 1
    with pytest.raises(UsageError):
        branch(moving.old[1].group, moving.old[1].group.group_id, moving.founding(1, [3]), moving.new[1].entropy)


def test_a_branch_has_no_member_that_its_origin_has_not() -> None:
    moving = Moving(2, SUITE)
    stranger = Member("stranger").key_package().key_package
    founding = dataclasses.replace(moving.founding(0), members=[stranger])
    with pytest.raises(RejectedError, match="MLS-BRANCH-MEMBERS"):
        branch(moving.old[0].group, b"elsewhere", founding, moving.new[0].entropy)


class Liar:
    """A member who founds groups as she likes, and says that they come out of the one that she shares with Bob."""

    def __init__(self, moving: Moving, usage: ResumptionPSKUsage, epoch: int | None = None) -> None:
        self.moving = moving
        self.old = moving.old[0].group
        self.psk = ResumptionPSK(usage, self.old.group_id, self.old.epoch if epoch is None else epoch)
        self.suite = moving.new[0].suite
        self.group_id, self.extensions = NEXT.group_id, NEXT.extensions
        self.members = [Add(moving.key_packages[1])]
        self.more: list[Proposal] = []

    def found(self) -> OwnCommit:
        """Her group's first Commit."""
        me = self.moving.new[0]
        first = create_group(self.suite, self.group_id, me.signer, me.profile, me.entropy, extensions=self.extensions)
        nonce = bytes(self.suite.secret_size)
        return commit(
            first.group,
            SecretTree(first.nodes),
            me.signer,
            me.entropy,
            proposals=[*self.members, PreSharedKey(PreSharedKeyID(self.psk, nonce)), *self.more],
            now=NOW,
            info=InfoOptions(ratchet_tree_in_welcome=True),
            link=Link(self.psk, self.old),
        )

    def refusal(self, welcome: bytes | None, groups: GroupSource | None = None) -> str:
        """The rule under which Bob refuses to join."""
        assert welcome is not None
        bundles = self.moving.new[1].bundles
        with pytest.raises(RejectedError) as refused:
            join(welcome, bundles.get, groups=self.moving.groups(1) if groups is None else groups)
        return refused.value.rule


def test_a_welcome_linked_to_a_group_that_we_are_not_in_is_refused() -> None:
    for usage in BOTH:
        liar = Liar(agreed(2), usage)
        assert liar.refusal(liar.found().welcome, no_groups) == "MLS-PSK-UNKNOWN"


def test_the_application_cannot_stand_in_for_the_group_that_a_welcome_is_linked_to() -> None:
    liar = Liar(Moving(2, SUITE), ResumptionPSKUsage.BRANCH)
    value = liar.old.secrets.resumption_psk.reveal()
    own = liar.found()
    assert own.welcome is not None
    with pytest.raises(RejectedError, match="MLS-PSK-UNKNOWN"):
        join(own.welcome, liar.moving.new[1].bundles.get, psks=lambda _: value)


def test_a_successor_that_nobody_agreed_to_is_refused() -> None:
    liar = Liar(Moving(2, NEW), ResumptionPSKUsage.REINIT)
    assert liar.refusal(liar.found().welcome) == "MLS-REINIT-NOT-AGREED"
    before = Liar(agreed(2), ResumptionPSKUsage.REINIT, epoch=1)
    assert before.refusal(before.found().welcome) == "MLS-REINIT-NOT-AGREED"


def test_a_successor_with_other_parameters_than_were_agreed_is_refused() -> None:
    other_suite = Moving(2, SUITE)
    everybody_follows(other_suite.old, other_suite.old[0], other_suite.old[0].prepare(NEXT))
    liars = [Liar(agreed(2), ResumptionPSKUsage.REINIT) for _ in range(2)]
    liars[0].group_id = b"another group"
    liars[1].extensions = ()
    for liar in (*liars, Liar(other_suite, ResumptionPSKUsage.REINIT)):
        assert liar.refusal(liar.found().welcome) == "MLS-REINIT-PARAMETERS"


def test_a_linked_group_welcomes_everybody_in_its_epoch_1() -> None:
    reinit, branched = Liar(agreed(2), BOTH[0]), Liar(Moving(2, SUITE), BOTH[1])
    for liar in (reinit, branched):
        assert liar.refusal(founded_later(liar)) == "MLS-LINK-EPOCH"


def founded_later(liar: Liar) -> bytes:
    """A Welcome into her group's epoch 2, which the library itself would not write."""
    me, suite, own = liar.moving.new[0], liar.suite, liar.found()
    second = commit(own.epoch.group, SecretTree(own.epoch.nodes), me.signer, me.entropy).epoch.group
    name = PreSharedKeyID(liar.psk, bytes(suite.secret_size))
    joiner, value = JoinerSecret(bytes(suite.secret_size)), liar.old.secrets.resumption_psk.reveal()
    member = derive_member_secret(suite, joiner, derive_psk_secret(suite, [(name, value)]))
    info = make_group_info(second, me.signer, with_ratchet_tree=True)
    newcomer = Newcomer(liar.moving.key_packages[1], None)
    welcome = make_welcome(suite, joiner, derive_welcome_key(suite, member), info, [newcomer], [name], me.entropy)
    return MLSMessage.of(welcome).encode()


def test_a_successor_without_all_members_and_a_branch_with_a_stranger_are_refused() -> None:
    left_out = Liar(agreed(3), ResumptionPSKUsage.REINIT)
    assert left_out.refusal(left_out.found().welcome) == "MLS-REINIT-MEMBERS"
    crowd = Liar(Moving(2, SUITE), ResumptionPSKUsage.BRANCH)
    crowd.members.append(Member("stranger").key_package())
    assert crowd.refusal(crowd.found().welcome) == "MLS-BRANCH-MEMBERS"


def test_a_branch_of_another_suite_is_refused() -> None:
    liar = Liar(Moving(2, NEW), ResumptionPSKUsage.BRANCH)
    assert liar.refusal(liar.found().welcome) == "MLS-BRANCH-PARAMETERS"


def test_a_welcome_is_linked_to_one_group_only() -> None:
    liar = Liar(agreed(2), ResumptionPSKUsage.REINIT)
    again = PreSharedKeyID(liar.psk, b"\x01" * liar.suite.secret_size)
    liar.more = [PreSharedKey(again)]
    assert liar.refusal(liar.found().welcome) == "MLS-PSK-USAGE"


def test_a_link_is_for_the_first_commit_of_a_group() -> None:
    alice, _ = agreed(2).old
    (other,) = gather(1, group_id=b"another")
    link = Link(ResumptionPSK(ResumptionPSKUsage.REINIT, alice.group.group_id, alice.group.epoch), alice.group)
    everybody_follows([other], other, other.prepare(link=link))
    with pytest.raises(UsageError):
        other.prepare(link=link)


def test_nobody_joins_a_group_that_he_is_in_but_one_that_has_ended_he_may() -> None:
    alice, bob = gather(2)
    again = Member("member 1", seed=7)
    add = again.key_package()
    own = alice.prepare(Remove(1), add)
    bob_is_in = {bob.group.group_id: bob.group}.get
    with pytest.raises(RejectedError, match="MLS-GROUP-KNOWN"):
        again.join(own.welcome, own.epoch.group.tree, groups=bob_is_in)
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    with pytest.raises(RejectedError, match="MLS-GROUP-KNOWN"):
        again.join_from_outside(info, alice.group.tree, groups=bob_is_in)
    again.join_from_outside(info, alice.group.tree, replaces=1, groups=bob_is_in)
    again.join(own.welcome, own.epoch.group.tree)
    moving = agreed(2, dataclasses.replace(NEXT, group_id=b"a group"))
    same_id = reinitialize(moving.old[0].group, moving.founding(0), moving.new[0].entropy)
    moving.join(1, same_id)
    assert moving.new[1].group.group_id == moving.old[1].group.group_id
