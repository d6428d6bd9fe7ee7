"""What the largest roster costs whoever judges it."""

import dataclasses

import pytest

from entrenous.client.rosters import judge_roster, roster_delta
from entrenous.content import MemberRole, Role, new_settings
from entrenous.errors import RejectedError
from entrenous.wire import RosterAction, RosterChange
from entrenous.wire.limits import MAX_ROSTER_CHANGES


def test_the_largest_roster_is_judged_without_comparing_each_change_with_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts = [number.to_bytes(16, "big") for number in range(2 * MAX_ROSTER_CHANGES)]
    plain = new_settings("Garden", accounts[0])
    others = accounts[2 : MAX_ROSTER_CHANGES // 2 : 2]
    before, after = (
        dataclasses.replace(plain, members=(*plain.members, *(MemberRole(account, role) for account in others)))
        for role in (Role.MEMBER, Role.ADMIN)
    )
    delta = roster_delta(before, after)
    strangers = [RosterChange(account, RosterAction.REMOVE) for account in accounts[1::2]]
    told = sorted([*delta, *strangers[: MAX_ROSTER_CHANGES - len(delta)]], key=lambda change: change.account)
    compared, equal = 0, RosterChange.__eq__

    def counted(self: RosterChange, other: object) -> bool:
        nonlocal compared
        compared += 1
        return equal(self, other)

    monkeypatch.setattr(RosterChange, "__eq__", counted)
    judge_roster(tuple(told), before, after, is_admin=True)
    assert 0 < compared <= 4 * MAX_ROSTER_CHANGES
    with pytest.raises(RejectedError) as caught:
        judge_roster(tuple(told), before, after, is_admin=False)
    assert caught.value.rule == "POLICY-ROSTER"
