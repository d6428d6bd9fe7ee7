"""Every rule of a room (POLICY-…), broken by a Commit that keeps all rules of MLS."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from entrenous.client.policy import judge, judge_state
from entrenous.client.rosters import roster_delta
from entrenous.content import (
    ROOM_SETTINGS_EXTENSION,
    Role,
    RoomSettings,
    new_settings,
    with_banned,
    with_member,
    without_member,
)
from entrenous.errors import RejectedError
from entrenous.identity import (
    LEAF_CERTIFICATE_EXTENSION,
    AccountIdentity,
    DeviceKeys,
    DeviceList,
    issue_leaf_certificate,
)
from entrenous.mls.group import LeafChange, make_group_info
from entrenous.mls.types import (
    Extension,
    ExtensionType,
    ExternalPSK,
    GroupContextExtensions,
    PreSharedKey,
    PreSharedKeyID,
    ProtocolVersion,
    ReInit,
    Remove,
)
from entrenous.wire import CommitData, LogPosition, RosterAction, RosterChange
from identity_people import account, device
from mls_members import SUITE
from room_devices import Device
from x509_chains import Authority

ALICE, BOB, CAROL = account(1), account(2), account(3)
MESSAGE_ID = bytes(12)
SETTINGS = with_member(new_settings("kitchen", ALICE.account_id), BOB.account_id, Role.MEMBER)


def told(settings: RoomSettings = SETTINGS, before: RoomSettings = SETTINGS, **fields: Any) -> CommitData:
    """What a Commit that leads to these settings has to tell the server."""
    data = CommitData(
        MESSAGE_ID, settings.retention_seconds, roster_delta(before, settings), LogPosition.start(b"room"), b""
    )
    return dataclasses.replace(data, **fields)


def changed(settings: RoomSettings, *others: Extension) -> GroupContextExtensions:
    return GroupContextExtensions((Extension(ROOM_SETTINGS_EXTENSION, settings.encode()), *others))


def room() -> tuple[Device, Device, Device]:
    """Alice's room with Bob in it, and Carol outside."""
    alice, bob, carol = (Device(owner, device(10 * owner.account_id[0])) for owner in (ALICE, BOB, CAROL))
    alice.create(extensions=[Extension(ROOM_SETTINGS_EXTENSION, SETTINGS.encode())])
    own = alice.prepare(bob.key_package())
    alice.enter(own.epoch)
    bob.join(own.welcome, alice.group.tree)
    return alice, bob, carol


def rule_of(sender: Device, *proposals: Any, data: CommitData | None = None, **options: Any) -> str:
    """The rule under which a room refuses a Commit."""
    with pytest.raises(RejectedError) as refused:
        sender.prepare(*proposals, authenticated_data=(data or told()).encode(), policy=judge, **options)
    return refused.value.rule


def test_what_breaks_no_rule_is_accepted_by_all() -> None:
    alice, bob, carol = room()
    settings = with_member(SETTINGS, CAROL.account_id, Role.MEMBER)
    proposals = (carol.key_package(), changed(settings))
    own = alice.prepare(*proposals, authenticated_data=told(settings).encode(), policy=judge)
    bob.follows(own.message, policy=judge)
    alice.enter(own.epoch)
    assert judge_state((leaf for _, leaf in alice.group.members()), alice.group.context.extensions) == settings


def test_nobody_commits_from_outside() -> None:
    alice, _, carol = room()
    info = make_group_info(alice.group, alice.signer, with_external_pub=True)
    joining = carol.join_from_outside(info, alice.group.tree)
    with pytest.raises(RejectedError) as refused:
        alice.stages(joining.message, policy=judge)
    assert refused.value.rule == "POLICY-EXTERNAL"


def test_a_commit_tells_the_server_exactly_what_it_does() -> None:
    alice, _, carol = room()
    assert rule_of(alice, data=told(retention_seconds=7_200)) == "POLICY-RETENTION"
    assert rule_of(alice, data=told(link_proof=b"a signature")) == "POLICY-LINK-PROOF"
    settings = with_member(SETTINGS, CAROL.account_id, Role.MEMBER)
    hidden = told(settings, roster=())
    assert rule_of(alice, carol.key_package(), changed(settings), data=hidden) == "POLICY-ROSTER"
    (addition,) = told(settings).roster
    invented = told(roster=(RosterChange(BOB.account_id, addition.action),))
    assert rule_of(alice, data=invented) == "POLICY-ROSTER"


def test_an_admin_may_tell_the_server_again_what_is_so_and_nothing_else() -> None:
    alice, bob, carol = room()
    gone = RosterChange(CAROL.account_id, RosterAction.REMOVE)
    plain = RosterChange(BOB.account_id, RosterAction.MAY_NOT_MANAGE)
    manager = RosterChange(ALICE.account_id, RosterAction.MAY_MANAGE)
    corrected = told(roster=(manager, plain, gone))
    alice.prepare(authenticated_data=corrected.encode(), policy=judge)
    assert rule_of(bob, data=corrected) == "POLICY-ROSTER"  # no admin
    for owner, action in (
        (CAROL, RosterAction.ADD),
        (CAROL, RosterAction.MAY_NOT_MANAGE),
        (BOB, RosterAction.ADD),
        (BOB, RosterAction.REMOVE),
        (BOB, RosterAction.MAY_MANAGE),
        (ALICE, RosterAction.MAY_NOT_MANAGE),
    ):
        assert rule_of(alice, data=told(roster=(RosterChange(owner.account_id, action),))) == "POLICY-ROSTER"
    for roster in ((plain, manager), (gone, gone), (plain, gone, gone)):
        assert rule_of(alice, data=told(roster=roster)) == "POLICY-ROSTER"
    settings = with_member(SETTINGS, CAROL.account_id, Role.MEMBER)
    added = told(settings).roster
    both = told(settings, roster=(plain, *added))
    alice.prepare(carol.key_package(), changed(settings), authenticated_data=both.encode(), policy=judge)
    again = told(settings, roster=(*added, gone))
    assert rule_of(alice, carol.key_package(), changed(settings), data=again) == "POLICY-ROSTER"


def test_a_room_knows_few_proposals_and_one_extension() -> None:
    alice, _, _ = room()
    psk = PreSharedKey(PreSharedKeyID(ExternalPSK(b"spoken"), bytes(SUITE.secret_size)))
    assert rule_of(alice, psk) == "POLICY-PROPOSAL"
    assert rule_of(alice, ReInit(b"elsewhere", ProtocolVersion.MLS10, SUITE.id, ())) == "POLICY-PROPOSAL"
    assert rule_of(alice, GroupContextExtensions(())) == "POLICY-SETTINGS-MISSING"
    senders = Extension(ExtensionType.EXTERNAL_SENDERS, b"\x00")
    assert rule_of(alice, changed(SETTINGS, senders)) == "POLICY-EXTENSIONS"


CHAIN = Authority().certifies("bob", device(21).mls.public)
LEAVES: list[tuple[str, Callable[[], Device]]] = [
    ("POLICY-CREDENTIAL", lambda: Device(BOB, device(21)).showing(credential=CHAIN)),
    ("POLICY-CERTIFICATE", lambda: Device(BOB, device(21)).showing(extensions=())),
    ("POLICY-IDENTITY", lambda: Device(AccountIdentity(BOB.account_id, CAROL.signing_key), device(21))),
    ("POLICY-DEVICE-TWICE", lambda: Device(BOB, dataclasses.replace(device(21), device_id=device(20).device_id))),
    ("POLICY-MEMBERS", lambda: Device(CAROL, device(30))),
]


@pytest.mark.parametrize(("rule", "make"), LEAVES, ids=[rule for rule, _ in LEAVES])
def test_an_added_leaf_is_a_new_device_of_a_member(rule: str, make: Callable[[], Device]) -> None:
    alice, _, _ = room()
    assert rule_of(alice, make().key_package()) == rule


def test_a_leaf_stays_its_devices() -> None:
    alice, _, _ = room()
    other = Device(ALICE, device(11))
    assert rule_of(alice, leaf=LeafChange(other.profile, other.signer)) == "POLICY-COMMITTER"


def listed(keys: DeviceKeys, version: int) -> Device:
    """A device of Bob's under a device list of this version."""
    devices = DeviceList(BOB.account_id, version, (keys.entry,), ())
    certificate = issue_leaf_certificate(BOB, devices, keys.entry)
    return Device(BOB, keys).showing(extensions=(Extension(LEAF_CERTIFICATE_EXTENSION, certificate),))


def test_a_device_that_its_account_has_outdated_is_not_brought_back() -> None:
    alice, bob, _ = room()
    own = alice.prepare(listed(device(21), 2).key_package(), authenticated_data=told().encode(), policy=judge)
    alice.enter(own.epoch)
    bob.follows(own.message, policy=judge)
    # Genuine for ever, and signed by the account: but it is older than what the account has shown since.
    assert rule_of(alice, listed(device(22), 1).key_package()) == "POLICY-LIST-VERSION"
    alice.prepare(listed(device(22), 2).key_package(), authenticated_data=told().encode(), policy=judge)


def test_a_leaf_does_not_go_back_to_an_older_device_list() -> None:
    alice, _, _ = room()
    newer, older = listed(device(21), 3), listed(device(21), 2)
    own = alice.prepare(newer.key_package(), authenticated_data=told().encode(), policy=judge)
    newer.join(own.welcome, own.epoch.group.tree)
    assert rule_of(newer, leaf=LeafChange(older.profile)) == "POLICY-LIST-VERSION"


def test_a_made_up_group_shows_nobody_who_is_not_there_and_no_device_twice() -> None:
    alice, _, _ = room()
    leaves = [leaf for _, leaf in alice.group.members()]
    with pytest.raises(RejectedError) as refused:
        judge_state(leaves[:1], alice.group.context.extensions)
    assert refused.value.rule == "POLICY-MEMBERS"
    with pytest.raises(RejectedError) as refused:
        judge_state([*leaves, leaves[1]], alice.group.context.extensions)
    assert refused.value.rule == "POLICY-DEVICE-TWICE"


def test_members_and_leaves_belong_together() -> None:
    alice, _, _ = room()
    gone = without_member(SETTINGS, BOB.account_id)
    assert rule_of(alice, changed(gone), data=told(gone)) == "POLICY-MEMBERS"
    come = with_member(SETTINGS, CAROL.account_id, Role.MEMBER)
    assert rule_of(alice, changed(come), data=told(come)) == "POLICY-MEMBERS"
    with pytest.raises(RejectedError) as refused:
        judge_state((leaf for _, leaf in alice.group.members()), changed(gone).extensions)
    assert refused.value.rule == "POLICY-MEMBERS"


def test_who_joins_is_let_in_by_who_may() -> None:
    alice, bob, carol = room()
    settings = with_member(SETTINGS, CAROL.account_id, Role.MEMBER)
    assert rule_of(bob, carol.key_package(), changed(settings), data=told(settings)) == "POLICY-ADD"
    promoted = with_member(SETTINGS, CAROL.account_id, Role.ADMIN)
    assert rule_of(alice, carol.key_package(), changed(promoted), data=told(promoted)) == "POLICY-ADD-ROLE"
    banned = with_banned(SETTINGS, CAROL.account_id)
    assert rule_of(alice, carol.key_package(), changed(banned), data=told(banned)) == "POLICY-BANNED"


def test_nobody_is_added_by_the_commit_that_removes_an_account() -> None:
    alice, _, carol = room()
    settings = with_member(without_member(SETTINGS, BOB.account_id), CAROL.account_id, Role.MEMBER)
    proposals = (Remove(1), carol.key_package(), changed(settings))
    assert rule_of(alice, *proposals, data=told(settings)) == "POLICY-ADD-REMOVE"
    alone = without_member(SETTINGS, BOB.account_id)
    second = Device(ALICE, device(11))
    assert rule_of(alice, Remove(1), second.key_package(), changed(alone), data=told(alone)) == "POLICY-ADD-REMOVE"
    alice.prepare(Remove(1), changed(alone), authenticated_data=told(alone).encode(), policy=judge)


def test_settings_and_removals_are_the_admins() -> None:
    alice, bob, _ = room()
    renamed = dataclasses.replace(SETTINGS, name="cellar")
    assert rule_of(bob, changed(renamed), data=told(renamed)) == "POLICY-SETTINGS"
    alone = without_member(with_member(SETTINGS, BOB.account_id, Role.ADMIN), ALICE.account_id)
    assert rule_of(bob, Remove(0), changed(alone), data=told(alone)) == "POLICY-SETTINGS"
    without_admin = without_member(SETTINGS, ALICE.account_id)
    assert rule_of(bob, Remove(0), changed(without_admin), data=told(without_admin)) == "POLICY-SETTINGS"
    assert rule_of(bob, Remove(0)) == "POLICY-REMOVE"
    nobodys = with_member(SETTINGS, ALICE.account_id, Role.MEMBER)
    assert rule_of(alice, changed(nobodys), data=told(nobodys)) == "POLICY-LAST-ADMIN"
