"""The transaction that appends messages to rooms' logs, and the rules of every entry (protocol §4).

Everything here runs in the storage thread, inside one transaction: what is checked is what is stored upon.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrenous.server.configuration.settings import DEDUPE_BEYOND
from entrenous.server.refusal import RefusedError
from entrenous.server.store import Transaction, log, rooms
from entrenous.server.store.rooms import Standing
from entrenous.wire import Entry, ErrorCode, requests
from entrenous.wire.limits import MAX_FRAME, MAX_RETENTION_SECONDS

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
            return published_before(before, request)
        place = _member(self._places.get((request.room, caller.account)))
        check_base(request, place)
        line = next_line(caller, request, place, self._newest.get(request.room), came_at)
        self._sent[name] = log.Sent(request.room, line.entry.sequence)
        self._newest[request.room] = line.entry
        self.lines.append(line)
        return Appended(line.entry.sequence, line.entry)


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


def published_before(before: log.Sent, request: requests.Publish | requests.Commit) -> Appended:
    """What publishing again comes to: publishing twice is publishing once.

    Raises:
        RefusedError: it was another room's.
    """
    if before.room != request.room:
        raise RefusedError("DS-MESSAGE-ID", ErrorCode.DENIED, "this message id was used in another room")
    return Appended(before.sequence, None)


def check_base(request: requests.Publish | requests.Commit, place: Standing) -> None:
    """Judge the last Commit that the sender knows.

    Raises:
        RefusedError: it is not the room's newest, which the refusal names.
    """
    if request.base != place.newest_commit:
        detail = "a Commit came between: fetch, process it and make this again"
        raise RefusedError("DS-BASE", ErrorCode.CONFLICT, detail, place.newest_commit)


def next_line(
    caller: Caller, request: requests.Publish | requests.Commit, place: Standing, newest: Entry | None, came_at: int
) -> log.Line:
    """The next line of a room's log, after ``newest`` if the room has come further than to its place in the store."""
    after, at = (place.newest, place.newest_at) if newest is None else (newest.sequence, newest.received_at)
    # protocol §4: times never fall within a log, also where the clock went back.
    entry = Entry(after + 1, request.message_id, request.entry, max(came_at, at))
    # An entry lives at most its room's retention, and the longest one if that is raised later.
    forget_at = came_at // 1000 + MAX_RETENTION_SECONDS + DEDUPE_BEYOND
    return log.Line(request.room, caller.device, entry, forget_at)
