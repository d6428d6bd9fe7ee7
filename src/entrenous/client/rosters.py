"""The server's roster of a room's accounts: what a Commit does to it, and what it should be (docs/spec/groups.md).

The server carries out what each Commit tells it, also of one that all members refuse, because it cannot judge it. So
admins may say again what is true, and every member checks that it is.
"""

from collections.abc import Iterable, Sequence

from entrenous.content import Role, RoomSettings, role_of
from entrenous.errors import RejectedError
from entrenous.wire import RosterAction, RosterChange
from entrenous.wire.types import RosterMember

#: Corrections in one Commit; CommitData holds 4,000 changes.
MAX_CORRECTIONS = 2_000


def roster_delta(before: RoomSettings, after: RoomSettings) -> tuple[RosterChange, ...]:
    """What going from one settings to another does to the server's roster of accounts, by rising id."""
    roles_before = {member.account_id: member.role for member in before.members}
    roles_after = {member.account_id: member.role for member in after.members}
    changes = []
    for account in sorted(roles_before.keys() | roles_after.keys()):
        action = _action(roles_before.get(account), roles_after.get(account))
        if action is not None:
            changes.append(RosterChange(account, action))
    return tuple(changes)


def corrections(roster: Iterable[RosterMember], settings: RoomSettings) -> tuple[RosterChange, ...]:
    """What an admin has to tell a server that shows this roster; of accounts that it lacks, see ``missing``."""
    changes = []
    for member in roster:
        role = role_of(settings, member.account)
        if role is None:
            changes.append(RosterChange(member.account, RosterAction.REMOVE))
        elif (role is Role.ADMIN) != member.may_manage:
            action = RosterAction.MAY_MANAGE if role is Role.ADMIN else RosterAction.MAY_NOT_MANAGE
            changes.append(RosterChange(member.account, action))
    return tuple(sorted(changes, key=lambda change: change.account)[:MAX_CORRECTIONS])


def missing(roster: Iterable[RosterMember], settings: RoomSettings) -> tuple[bytes, ...]:
    """The accounts of a room that a roster lacks.

    They are not put back by a word: what came meanwhile was not theirs to fetch. They are removed and invited again.
    """
    there = {member.account for member in roster}
    return tuple(member.account_id for member in settings.members if member.account_id not in there)


def corrected(delta: Sequence[RosterChange], added: Iterable[RosterChange]) -> tuple[RosterChange, ...]:
    """A delta with corrections in it, by rising id."""
    return tuple(sorted([*delta, *added], key=lambda change: change.account))


def judge_roster(told: Sequence[RosterChange], before: RoomSettings, after: RoomSettings, *, is_admin: bool) -> None:
    """Judge what a Commit tells the server: what it does, and from an admin also what is so already.

    Raises:
        RejectedError: rule POLICY-ROSTER.
    """
    delta = roster_delta(before, after)
    if told == delta:
        return
    done = {change.account: change for change in delta}
    repeated = [change for change in told if done.get(change.account) != change]
    is_whole = corrected(delta, repeated) == tuple(told) and len({change.account for change in told}) == len(told)
    if not (is_admin and is_whole and all(_is_so(change, after) for change in repeated)):
        raise RejectedError("POLICY-ROSTER", "a Commit tells the server something else than it does to the members")


def _action(before: Role | None, after: Role | None) -> RosterAction | None:
    if before == after:
        return None
    if after is None:
        return RosterAction.REMOVE
    if before is None:
        return RosterAction.ADD
    return RosterAction.MAY_MANAGE if after is Role.ADMIN else RosterAction.MAY_NOT_MANAGE


def _is_so(change: RosterChange, settings: RoomSettings) -> bool:
    """Whether a change leads to what the settings say. An ADD is none that could be repeated."""
    role = role_of(settings, change.account)
    match change.action:
        case RosterAction.REMOVE:
            return role is None
        case RosterAction.MAY_MANAGE:
            return role is Role.ADMIN
        case RosterAction.MAY_NOT_MANAGE:
            return role is Role.MEMBER
    return False
