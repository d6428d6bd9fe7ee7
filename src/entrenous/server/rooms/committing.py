"""The transaction that appends a Commit with everything that belongs to it (protocol §4).

All of it is judged before anything is written, and what is cheaply judged before what is not: a Commit that is refused
has cost a few looks into the store, and undoes nothing of what stands beside it in its batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrenous.server.configuration.limits import Limits
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import (
    Appended,
    Caller,
    check_base,
    check_state_size,
    member_of,
    next_line,
    published_before,
)
from entrenous.server.rooms.roster import Party, judge_delta, retention_after
from entrenous.server.store import Transaction, accounts, group_states, inbox, log, quotas, rosters
from entrenous.server.store.bulk import ROWS_AT_ONCE
from entrenous.server.store.rooms import Standing
from entrenous.wire import CommitData, ErrorCode, RosterAction, requests
from entrenous.wire.limits import MAX_RETENTION_SECONDS, MIN_RETENTION_SECONDS


@dataclass(frozen=True, slots=True)
class _Change:
    """What a Commit changes in the roster, after what changes nothing is left out."""

    joining: tuple[bytes, ...]
    leaving: tuple[bytes, ...]
    managers: dict[bytes, bool]


class _Parties:
    """The accounts that a delta names, looked up in its order: first one, then ever more of them at once.

    So thousands of names of which the first is wrong cost one look, and thousands of true ones not one each.
    """

    def __init__(self, tx: Transaction, room: bytes, named: Sequence[bytes]) -> None:
        self._tx, self._room, self._named = tx, room, named
        self._found: dict[bytes, Party] = {}
        self._many = 1

    def __call__(self, account: bytes) -> Party:
        while account not in self._found:
            some = self._named[len(self._found) : len(self._found) + self._many]
            members = rosters.parties(self._tx, self._room, some)
            for asked in some:
                self._found[asked] = Party(exists=asked in members, is_member=members.get(asked, False))
            self._many = min(self._many * 4, ROWS_AT_ONCE)
        return self._found[account]


def append_commit(
    tx: Transaction, caller: Caller, request: requests.Commit, data: CommitData, *, limits: Limits, now_ms: int
) -> Appended:
    """Append a Commit: its entry, roster, Welcomes and sealed group state.

    Raises:
        RefusedError: a rule of the room; nothing is changed, and nothing was written.
    """
    name = (caller.device, request.message_id)
    before = log.published(tx, [name]).get(name)
    if before is not None:
        return published_before(before, request)
    place = member_of(tx, request.room, caller.account)
    check_base(request, place)
    # protocol §4: ``newest`` is the sender's newest processed entry, so not before ``base`` and not from the future.
    if not request.base <= data.newest.sequence <= place.newest:
        raise RefusedError("DS-POSITION", ErrorCode.MALFORMED, "the Commit names a place that its sender cannot be at")
    retention = retention_after(
        data.retention_seconds,
        stored=place.retention_seconds,
        sender_manages=place.may_manage,
        bounds=(MIN_RETENTION_SECONDS, MAX_RETENTION_SECONDS),
    )
    size, changes = _judge_state(tx, request, place, limits)
    change = _judge_roster(tx, caller, request.room, data, place)
    _judge_sizes(tx, request.room, data, change, limits)
    _judge_welcomes(tx, request, change, limits)
    line = next_line(caller, request, place, None, now_ms)
    sequence = line.entry.sequence
    log.append(tx, [line])
    log.mark_commit(tx, request.room, sequence, retention)
    _apply_roster(tx, request.room, change, sequence, data.newest.sequence, now_ms // 1000)
    inbox.add(tx, request.room, sequence, ((item.device, item.welcome) for item in request.welcomes))
    state = (request.group_info, request.node_changes, request.tree)
    group_states.add(tx, request.room, sequence, state, size=size, changes=changes)
    return Appended(sequence, line.entry)


def _judge_state(tx: Transaction, request: requests.Commit, place: Standing, limits: Limits) -> tuple[int, int]:
    """How large the sealed group state will be, and how many Commits there will be since the last whole tree."""
    if request.tree is not None:
        size, changes = len(request.group_info) + len(request.tree), 0
    else:
        size, changes = group_states.growth(
            tx, request.room, place.newest_commit, len(request.group_info), len(request.node_changes)
        )
    check_state_size(size)
    if changes > limits.commits_without_tree:
        raise RefusedError("DS-STATE-TREE", ErrorCode.TOO_LARGE, "this Commit needs a whole tree with it")
    return size, changes


def _judge_roster(tx: Transaction, caller: Caller, room: bytes, data: CommitData, place: Standing) -> _Change:
    party_of = _Parties(tx, room, [change.account for change in data.roster])
    judge_delta(data.roster, sender=caller.account, sender_manages=place.may_manage, party_of=party_of)
    joining, leaving, managers = [], [], {}
    for change in data.roster:
        match change.action:
            case RosterAction.ADD:
                # Not who is there: any member could take the right to manage from another by adding him again.
                if not party_of(change.account).is_member:
                    joining.append(change.account)
            case RosterAction.REMOVE:
                # Not who is gone: what he may read ends where he was removed, not here.
                if party_of(change.account).is_member:
                    leaving.append(change.account)
            case RosterAction.MAY_MANAGE | RosterAction.MAY_NOT_MANAGE:
                managers[change.account] = change.action is RosterAction.MAY_MANAGE
    return _Change(tuple(joining), tuple(leaving), managers)


def _judge_sizes(tx: Transaction, room: bytes, data: CommitData, change: _Change, limits: Limits) -> None:
    """A room has so many accounts, and an account so many rooms."""
    if not data.roster:
        return
    members = rosters.count_members(tx, room) + len(change.joining) - len(change.leaving)
    if members > limits.members_per_room:
        raise RefusedError("DS-MEMBERS", ErrorCode.DENIED, f"a room has at most {limits.members_per_room} accounts")
    allowed = quotas.rooms_allowed_each(tx, change.joining)
    in_rooms = rosters.count_rooms_of_each(tx, change.joining)
    for account in change.joining:
        if in_rooms.get(account, 0) >= allowed.get(account, limits.rooms_per_account):
            raise RefusedError("DS-ROOMS", ErrorCode.DENIED, "who is to be added is in too many rooms")


def _judge_welcomes(tx: Transaction, request: requests.Commit, change: _Change, limits: Limits) -> None:
    """Welcomes go to listed devices of accounts that are members after the Commit, and have room for them."""
    welcomes = request.welcomes
    # A device has one leaf in a room, so one Welcome. Else a few Commits would fill anybody's inbox.
    if len({item.device for item in welcomes}) != len(welcomes):
        raise RefusedError("DS-WELCOME-DOUBLE", ErrorCode.MALFORMED, "a device stands twice among the Welcomes")
    members = rosters.parties(tx, request.room, tuple({item.account for item in welcomes}))
    members.update(dict.fromkeys(change.joining, True) | dict.fromkeys(change.leaving, False))
    listed = accounts.listed(tx, [(item.account, item.device) for item in welcomes])
    for item in welcomes:
        if not members.get(item.account, False):
            raise RefusedError("DS-WELCOME-ACCOUNT", ErrorCode.DENIED, "a Welcome for somebody who is not added")
        if (item.account, item.device) not in listed:
            raise RefusedError("DS-WELCOME-DEVICE", ErrorCode.DENIED, "a Welcome for a device that is not listed")
    waiting = inbox.counts(tx, [item.device for item in welcomes])
    if any(waiting.get(item.device, 0) >= limits.inbox_items for item in welcomes):
        raise RefusedError("DS-INBOX", ErrorCode.LIMIT, "a device's inbox is full")


def _apply_roster(tx: Transaction, room: bytes, change: _Change, sequence: int, after: int, now: int) -> None:
    # What follows the adder's place up to this Commit only continues the joiner's log hash.
    rosters.add_all(tx, room, change.joining, may_manage=False, added_at=sequence, readable_after=after, now=now)
    rosters.remove(tx, room, change.leaving, at=sequence, now=now)
    rosters.set_managers(tx, room, change.managers, now=now)
