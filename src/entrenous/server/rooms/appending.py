"""The transactions that append to a room's log, and the rules that they hold to (protocol §4).

Everything here runs in the storage thread, inside one transaction: what is checked is what is stored upon.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrenous.server.configuration.limits import Limits
from entrenous.server.configuration.settings import DEDUPE_BEYOND
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.roster import Party, judge_delta, retention_after
from entrenous.server.store import Transaction, accounts, group_states, inbox, log, quotas, rooms, rosters
from entrenous.server.store.rooms import Standing
from entrenous.wire import CommitData, Entry, ErrorCode, RosterAction, requests
from entrenous.wire.limits import MAX_FRAME, MAX_RETENTION_SECONDS, MIN_RETENTION_SECONDS
from entrenous.wire.types import WelcomeFor

#: Bytes that an answer's own structure may take beside the blobs in it.
FRAME_OVERHEAD = 4_096


@dataclass(frozen=True, slots=True)
class Caller:
    """The logged-in device that asks."""

    account: bytes
    device: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """What a publish or a Commit came to."""

    sequence: int
    #: The stored entry; None if it was published before under the same message id.
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Message:
    """An application message that somebody wants in a room's log."""

    caller: Caller
    request: requests.Publish
    #: When it came, in unix milliseconds.
    came_at: int


def standing_of(tx: Transaction, room: bytes, account: bytes) -> Standing:
    """Where the room stands, for an account that is or lately was in it.

    Raises:
        RefusedError: there is no such room, or the account was never in it; the two are not told apart.
    """
    return _known(rooms.standing(tx, room, account))


def member_of(tx: Transaction, room: bytes, account: bytes) -> Standing:
    """The same, for a member.

    Raises:
        RefusedError: there is no such room, or the account is not in it any more.
    """
    return _member(rooms.standing(tx, room, account))


def append_messages(tx: Transaction, messages: Sequence[Message]) -> list[Appended | Exception]:
    """Append application messages, as if one after the other: what a rule refuses leaves the logs as they are.

    It asks and writes once for all of them, however many there are.
    """
    writing = _Writing(tx, messages)
    outcomes = [writing.outcome(message) for message in messages]
    if writing.lines:
        log.append(tx, writing.lines)
    return outcomes


class _Writing:
    """Messages that are written together: what the store knows about them, and the lines that they come to."""

    def __init__(self, tx: Transaction, messages: Sequence[Message]) -> None:
        self._sent = log.published(tx, {(message.caller.device, message.request.message_id) for message in messages})
        wanted = {(message.request.room, message.caller.account) for message in messages}
        self._places = rooms.standings(tx, wanted)
        #: The newest entry of each room that has one here.
        self._newest: dict[bytes, Entry] = {}
        self.lines: list[log.Line] = []

    def outcome(self, message: Message) -> Appended | Exception:
        """What a message comes to after those before it."""
        try:
            return self._append(message.caller, message.request, message.came_at)
        except RefusedError as error:
            return error

    def _append(self, caller: Caller, request: requests.Publish, came_at: int) -> Appended:
        name = (caller.device, request.message_id)
        before = self._sent.get(name)
        if before is not None:
            return _published_before(before, request)
        place = _member(self._places.get((request.room, caller.account)))
        _check_base(request, place)
        line = _next_line(caller, request, place, self._newest.get(request.room), came_at)
        self._sent[name] = log.Sent(request.room, line.entry.sequence)
        self._newest[request.room] = line.entry
        self.lines.append(line)
        return Appended(line.entry.sequence, line.entry)


def append_commit(
    tx: Transaction, caller: Caller, request: requests.Commit, data: CommitData, *, limits: Limits, now_ms: int
) -> Appended:
    """Append a Commit with everything that belongs to it: roster, Welcomes, sealed group state.

    Raises:
        RefusedError: a rule of the room; nothing is changed.
    """
    name = (caller.device, request.message_id)
    before = log.published(tx, [name]).get(name)
    if before is not None:
        return _published_before(before, request)
    place = member_of(tx, request.room, caller.account)
    _check_base(request, place)
    # protocol §4: ``newest`` is the sender's newest processed entry, so not before ``base`` and not from the future.
    if not request.base <= data.newest.sequence <= place.newest:
        raise RefusedError("DS-POSITION", ErrorCode.MALFORMED, "the Commit names a place that its sender cannot be at")
    retention = retention_after(
        data.retention_seconds,
        stored=place.retention_seconds,
        sender_manages=place.may_manage,
        bounds=(MIN_RETENTION_SECONDS, MAX_RETENTION_SECONDS),
    )
    _judge_roster(tx, caller, request.room, data, place)
    line = _next_line(caller, request, place, None, now_ms)
    sequence = line.entry.sequence
    log.append(tx, [line])
    log.mark_commit(tx, request.room, sequence, retention)
    _apply_roster(tx, request.room, data, sequence, now_ms // 1000, limits)
    _deliver_welcomes(tx, request, sequence, limits)
    _store_state(tx, request, place, sequence, limits)
    return Appended(sequence, line.entry)


def check_state_size(size: int) -> None:
    """Judge the size of what a joiner would be answered with.

    Raises:
        RefusedError: it would not fit one answer.
    """
    if size > MAX_FRAME - FRAME_OVERHEAD:
        raise RefusedError("DS-STATE-SIZE", ErrorCode.TOO_LARGE, "the group's state is too large for one answer")


def _known(found: Standing | None) -> Standing:
    if found is None:
        raise RefusedError("DS-MEMBER", ErrorCode.NOT_FOUND, "there is no such room among yours")
    return found


def _member(found: Standing | None) -> Standing:
    place = _known(found)
    if not place.is_member:
        raise RefusedError("DS-REMOVED", ErrorCode.DENIED, "you are no longer in this room")
    return place


def _published_before(before: log.Sent, request: requests.Publish | requests.Commit) -> Appended:
    if before.room != request.room:
        raise RefusedError("DS-MESSAGE-ID", ErrorCode.DENIED, "this message id was used in another room")
    return Appended(before.sequence, None)


def _check_base(request: requests.Publish | requests.Commit, place: Standing) -> None:
    if request.base != place.newest_commit:
        detail = "a Commit came between: fetch, process it and make this again"
        raise RefusedError("DS-BASE", ErrorCode.CONFLICT, detail, place.newest_commit)


def _next_line(
    caller: Caller, request: requests.Publish | requests.Commit, place: Standing, newest: Entry | None, came_at: int
) -> log.Line:
    """The next line of a room's log, after ``newest`` if the room has come further than to its place in the store."""
    after, at = (place.newest, place.newest_at) if newest is None else (newest.sequence, newest.received_at)
    # protocol §4: times never fall within a log, also where the clock went back.
    entry = Entry(after + 1, request.message_id, request.entry, max(came_at, at))
    # An entry lives at most its room's retention, and the longest one if that is raised later.
    forget_at = came_at // 1000 + MAX_RETENTION_SECONDS + DEDUPE_BEYOND
    return log.Line(request.room, caller.device, entry, forget_at)


def _judge_roster(tx: Transaction, caller: Caller, room: bytes, data: CommitData, place: Standing) -> None:
    def party_of(account: bytes) -> Party:
        return Party(exists=accounts.exists(tx, account), is_member=rosters.is_member(tx, room, account))

    judge_delta(data.roster, sender=caller.account, sender_manages=place.may_manage, party_of=party_of)


def _apply_roster(tx: Transaction, room: bytes, data: CommitData, sequence: int, now: int, limits: Limits) -> None:
    for change in data.roster:
        match change.action:
            case RosterAction.ADD:
                if rosters.is_member(tx, room, change.account):
                    continue  # or any member could take the right to manage from another by adding him again
                # What follows the adder's place up to this Commit only continues the joiner's log hash.
                after = data.newest.sequence
                rosters.add(
                    tx, room, change.account, may_manage=False, added_at=sequence, readable_after=after, now=now
                )
                allowed = quotas.rooms_allowed(tx, change.account, limits.rooms_per_account)
                if rosters.count_rooms(tx, change.account) > allowed:
                    raise RefusedError("DS-ROOMS", ErrorCode.DENIED, "who is to be added is in too many rooms")
            case RosterAction.REMOVE:
                if not rosters.is_member(tx, room, change.account):
                    continue  # what he may read ends where he was removed, not here
                rosters.remove(tx, room, change.account, at=sequence, now=now)
            case RosterAction.MAY_MANAGE | RosterAction.MAY_NOT_MANAGE:
                manages = change.action is RosterAction.MAY_MANAGE
                rosters.set_manager(tx, room, change.account, may_manage=manages, now=now)
    if data.roster and rosters.count_members(tx, room) > limits.members_per_room:
        raise RefusedError("DS-MEMBERS", ErrorCode.DENIED, f"a room has at most {limits.members_per_room} accounts")


def _deliver_welcomes(tx: Transaction, request: requests.Commit, sequence: int, limits: Limits) -> None:
    _check_recipients(tx, request.room, request.welcomes)
    inbox.add(tx, request.room, sequence, ((item.device, item.welcome) for item in request.welcomes))
    for item in request.welcomes:
        if inbox.count(tx, item.device) > limits.inbox_items:
            raise RefusedError("DS-INBOX", ErrorCode.LIMIT, "a device's inbox is full")


def _check_recipients(tx: Transaction, room: bytes, welcomes: Sequence[WelcomeFor]) -> None:
    """Welcomes go to listed devices of accounts that are members after the Commit."""
    # A device has one leaf in a room, so one Welcome. Else a few Commits would fill anybody's inbox.
    if len({item.device for item in welcomes}) != len(welcomes):
        raise RefusedError("DS-WELCOME-DOUBLE", ErrorCode.MALFORMED, "a device stands twice among the Welcomes")
    listed: dict[bytes, set[bytes]] = {}
    for item in welcomes:
        if item.account not in listed:
            if not rosters.is_member(tx, room, item.account):
                raise RefusedError("DS-WELCOME-ACCOUNT", ErrorCode.DENIED, "a Welcome for somebody who is not added")
            listed[item.account] = set(accounts.device_ids(tx, item.account))
        if item.device not in listed[item.account]:
            raise RefusedError("DS-WELCOME-DEVICE", ErrorCode.DENIED, "a Welcome for a device that is not listed")


def _store_state(tx: Transaction, request: requests.Commit, place: Standing, sequence: int, limits: Limits) -> None:
    if request.tree is not None:
        size, changes = len(request.group_info) + len(request.tree), 0
    else:
        size, changes = group_states.growth(
            tx, request.room, place.newest_commit, len(request.group_info), len(request.node_changes)
        )
    check_state_size(size)
    if changes > limits.commits_without_tree:
        raise RefusedError("DS-STATE-TREE", ErrorCode.TOO_LARGE, "this Commit needs a whole tree with it")
    state = (request.group_info, request.node_changes, request.tree)
    group_states.add(tx, request.room, sequence, state, size=size, changes=changes)
