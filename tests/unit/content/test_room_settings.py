"""Room settings: one encoding per set of facts, and changes that keep them consistent."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.content import (
    MAX_BANNED,
    MAX_LINKS,
    MAX_MEMBERS,
    MAX_RETENTION_SECONDS,
    ROOM_SETTINGS_EXTENSION,
    JoinPolicy,
    MemberRole,
    Role,
    RoomLink,
    RoomSettings,
    is_banned,
    link_of,
    new_settings,
    read_settings,
    role_of,
    validate,
    with_banned,
    with_link,
    with_member,
    without_banned,
    without_link,
    without_member,
)
from entrenous.errors import MalformedError, RejectedError


def account(number: int) -> bytes:
    return number.to_bytes(16, "big")


ALICE, BOB, CAROL = account(1), account(2), account(3)


def room() -> RoomSettings:
    return with_member(new_settings("kitchen", BOB, topic="food"), ALICE, Role.MEMBER)


def rule_of(settings: RoomSettings) -> str:
    with pytest.raises(RejectedError) as refused:
        read_settings(settings.encode())
    return refused.value.rule


def test_the_extension_has_a_number_for_private_use() -> None:
    assert 0xF000 <= ROOM_SETTINGS_EXTENSION <= 0xFFFF


def test_a_new_room_has_its_founder_as_admin_and_the_longest_retention() -> None:
    settings = new_settings("kitchen", BOB)
    assert settings.members == (MemberRole(BOB, Role.ADMIN),)
    assert (settings.retention_seconds, settings.join_policy) == (30 * 86_400, JoinPolicy.ADMINS_ADD)
    assert read_settings(settings.encode()) == settings


def test_members_come_go_and_change_their_role() -> None:
    settings = room()
    assert [role_of(settings, who) for who in (ALICE, BOB, CAROL)] == [Role.MEMBER, Role.ADMIN, None]
    promoted = with_member(settings, ALICE, Role.ADMIN)
    assert role_of(promoted, ALICE) is Role.ADMIN
    assert len(promoted.members) == 2
    assert role_of(without_member(promoted, ALICE), ALICE) is None
    assert without_member(settings, CAROL) == settings
    assert role_of(settings, ALICE) is Role.MEMBER, "the settings it came from are as they were"


def test_a_banned_account_is_out_and_stays_out_until_it_is_unbanned() -> None:
    banned = with_banned(with_banned(room(), CAROL), ALICE)
    assert banned.banned == (ALICE, CAROL)
    assert role_of(banned, ALICE) is None
    assert [is_banned(banned, who) for who in (ALICE, BOB, CAROL, account(9))] == [True, False, True, False]
    with pytest.raises(RejectedError, match="ROOM-BANNED"):
        with_member(banned, ALICE, Role.MEMBER)
    assert with_banned(banned, ALICE) == banned
    assert role_of(with_member(without_banned(banned, ALICE), ALICE, Role.MEMBER), ALICE) is Role.MEMBER


def test_links_are_found_by_id_replaced_and_withdrawn() -> None:
    one, two = RoomLink(account(2), b"k" * 32, Role.MEMBER), RoomLink(account(1), b"l" * 32, Role.ADMIN)
    settings = with_link(with_link(room(), one), two)
    assert settings.links == (two, one)
    assert (link_of(settings, one.id), link_of(settings, account(7))) == (one, None)
    renewed = dataclasses.replace(one, key=b"m" * 32)
    assert link_of(with_link(settings, renewed), one.id) == renewed
    assert without_link(settings, two.id).links == (one,)


def test_settings_that_contradict_themselves_are_refused() -> None:
    settings = room()
    alice, bob = settings.members
    link = RoomLink(account(1), bytes(32), Role.MEMBER)
    change = dataclasses.replace
    for broken in (
        change(settings, members=(bob, alice)),
        change(settings, members=(alice, dataclasses.replace(alice, role=Role.ADMIN))),
        change(settings, banned=(CAROL, CAROL)),
        change(settings, links=(link, link)),
    ):
        assert rule_of(broken) == "ROOM-SETTINGS-ORDER"
    assert rule_of(change(settings, banned=(ALICE,))) == "ROOM-SETTINGS-BANNED"
    for seconds in (0, MAX_RETENTION_SECONDS + 1):
        assert rule_of(change(settings, retention_seconds=seconds)) == "ROOM-SETTINGS-RETENTION"


def test_lists_are_limited() -> None:
    members = tuple(MemberRole(account(number), Role.MEMBER) for number in range(MAX_MEMBERS))
    full = dataclasses.replace(room(), members=members)
    validate(full)
    assert role_of(full, account(MAX_MEMBERS - 1)) is Role.MEMBER
    assert len(with_member(full, account(5), Role.ADMIN).members) == MAX_MEMBERS
    with pytest.raises(RejectedError, match="ROOM-FULL"):
        with_member(full, account(MAX_MEMBERS), Role.MEMBER)
    bans = tuple(account(10_000 + number) for number in range(MAX_BANNED))
    with pytest.raises(RejectedError, match="ROOM-FULL"):
        with_banned(dataclasses.replace(room(), banned=bans), CAROL)
    links = tuple(RoomLink(account(number), bytes(32), Role.MEMBER) for number in range(MAX_LINKS))
    with pytest.raises(RejectedError, match="ROOM-FULL"):
        with_link(dataclasses.replace(room(), links=links), RoomLink(account(99), bytes(32), Role.MEMBER))


@pytest.mark.parametrize(("field", "value"), [("version", "0002"), ("role", "03"), ("join_policy", "00")])
def test_a_version_role_or_policy_that_we_cannot_judge_by_is_malformed(field: str, value: str) -> None:
    encoded = new_settings("", BOB).encode().hex()
    pieces = {
        "version": encoded.replace("0001", value, 1),
        "role": encoded.replace(BOB.hex() + "02", BOB.hex() + value),
        "join_policy": encoded[:-4] + value + encoded[-2:],
    }
    assert pieces[field] != encoded
    with pytest.raises(MalformedError):
        read_settings(bytes.fromhex(pieces[field]))


@given(st.binary(max_size=200))
def test_hostile_bytes_are_settings_or_a_typed_error(data: bytes) -> None:
    try:
        settings = read_settings(data)
    except (MalformedError, RejectedError):
        return
    assert settings.encode() == data


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "ban", "unban"]), st.integers(0, 6)), max_size=25))
def test_any_order_of_changes_keeps_the_settings_valid(steps: list[tuple[str, int]]) -> None:
    settings, members, banned = room(), {ALICE, BOB}, set[bytes]()
    for action, number in steps:
        who = account(number)
        if action == "add" and who in banned:
            with pytest.raises(RejectedError):
                with_member(settings, who, Role.MEMBER)
        elif action == "add":
            settings = with_member(settings, who, Role.MEMBER)
            members.add(who)
        elif action == "remove":
            settings = without_member(settings, who)
            members.discard(who)
        elif action == "ban":
            settings = with_banned(settings, who)
            members.discard(who)
            banned.add(who)
        else:
            settings = without_banned(settings, who)
            banned.discard(who)
        assert read_settings(settings.encode()) == settings
    assert {member.account_id for member in settings.members} == members
    assert set(settings.banned) == banned
