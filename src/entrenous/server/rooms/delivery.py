"""Room logs: opening, appending, fetching, acknowledging (protocol §4). Each public method is one request.

Every request is one operation of the storage thread, queued before anything is awaited, so a connection's requests
take effect in the order in which they came. What is fanned out follows directly on the operation's result, in order.
"""

import math
from dataclasses import dataclass, field
from functools import partial

from entrenous.errors import UnavailableError
from entrenous.server.clock import Clock
from entrenous.server.configuration.limits import Limits
from entrenous.server.rates import RateLimiter, Rates, check_rate
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import (
    Appended,
    Caller,
    Message,
    append_messages,
    check_state_size,
    member_of,
    standing_of,
)
from entrenous.server.rooms.committing import append_commit
from entrenous.server.rooms.entries import changes_in, check_application, commit_clear_text, read_commit
from entrenous.server.rooms.fanout import Fanout
from entrenous.server.rooms.following import Following
from entrenous.server.store import Done, Storage, Transaction, group_states, inbox, log, quotas, rooms, rosters
from entrenous.server.watching.counters import Count
from entrenous.wire import CommitData, ErrorCode, RosterAction, replies, requests
from entrenous.wire.limits import MAX_BLOB_SIZE, MAX_FETCH

#: Bytes of entries in one answer, unless one alone is larger: what the loop can seal without keeping others waiting.
FETCH_BYTES = 128 << 10
#: Changes of the roster and Welcomes that a Commit may hold for each time that it is counted: the store looks each of
#: them up while everybody waits.
CHANGES_PER_COMMIT = 64


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery service of RFC 9750 §5 for this server's rooms."""

    storage: Storage
    fanout: Fanout
    following: Following
    clock: Clock
    limits: Limits
    rates: Rates
    _publishes: RateLimiter = field(init=False)
    _commits: RateLimiter = field(init=False)
    _adds: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_publishes", self.rates.by_id(Count.PUBLISHES))
        object.__setattr__(self, "_commits", self.rates.by_id(Count.COMMITS))
        object.__setattr__(self, "_adds", self.rates.by_id(Count.ADDS_PER_TARGET))

    async def create_room(self, caller: Caller, request: requests.CreateRoom) -> replies.Reply:
        """Open a log; again for the same account, nothing happens."""
        now = int(self.clock.now())

        def operation(tx: Transaction) -> bool:
            creator = rooms.creator(tx, request.room)
            if creator is not None:
                if creator != caller.account:
                    raise RefusedError("DS-ROOM-ID", ErrorCode.DENIED, "this room id is taken")
                return False
            if rosters.count_rooms(tx, caller.account) >= quotas.rooms_allowed(
                tx, caller.account, self.limits.rooms_per_account
            ):
                raise RefusedError("DS-ROOMS", ErrorCode.DENIED, "you are in too many rooms")
            size = len(request.group_info) + len(request.tree)
            check_state_size(size)
            rooms.create(tx, request.room, caller.account, request.retention_seconds, now)
            rosters.add(tx, request.room, caller.account, may_manage=True, added_at=0, readable_after=0, now=now)
            state = (request.group_info, b"", request.tree)
            group_states.add(tx, request.room, 0, state, size=size, changes=0)
            return True

        if await self.storage.write(operation):
            self.following.created(request.room, caller.account)
        return replies.Done()

    def publish(self, caller: Caller, request: requests.Publish, done: Done[replies.Published]) -> None:
        """Append a message.

        Args:
            caller: who sends it.
            request: what is sent.
            done: called once, in the loop's thread and after this has returned: with the reply when the message is on
                disk, else with the RefusedError or UnavailableError. Messages of a room are told in the order of its
                log, each after it was pushed to those who listen.

        Raises:
            RefusedError: it was too much at once, or is no message of this room; ``done`` is not called.
            UnavailableError: the store takes nothing more; likewise.
        """
        now = self.clock.now()
        check_rate(self._publishes, caller.device, now)
        check_application(request.entry, request.room)
        message = Message(caller, request, math.floor(now * 1000))
        self.storage.offer(
            append_messages, message, partial(self._published, request.room, done), rooms=(request.room,)
        )

    def _published(self, room: bytes, done: Done[replies.Published], outcome: Appended | Exception) -> None:
        if isinstance(outcome, Appended):
            if outcome.entry is not None:
                self.following.appended(room, outcome.entry)
            # The sender names the newest entry that he has in the next one: so he is sent this one before the answer.
            self.fanout.after_push(partial(done, replies.Published(outcome.sequence)))
            return
        if isinstance(outcome, UnavailableError):
            self.following.doubted(room)
        done(outcome)

    async def commit(self, caller: Caller, request: requests.Commit) -> replies.Reply:
        """Append a Commit with all that belongs to it; durable when this returns."""
        check_rate(self._commits, caller.device, self.clock.now())
        clear_text = commit_clear_text(request.entry, request.room)
        more = (changes_in(clear_text) + len(request.welcomes)) // CHANGES_PER_COMMIT
        check_rate(self._commits, caller.device, self.clock.now(), more)
        data = read_commit(clear_text, request.message_id)
        self._check_targets(caller, request, data)
        now_ms = math.floor(self.clock.now() * 1000)
        welcomed = [item.device for item in request.welcomes]
        try:
            appended = await self.storage.write(
                lambda tx: append_commit(tx, caller, request, data, limits=self.limits, now_ms=now_ms),
                rooms=(request.room,),
                devices=welcomed,
            )
        except UnavailableError:
            self.following.doubted(request.room)
            raise
        if appended.entry is not None:
            self.following.committed(request.room, appended.entry, data.roster, welcomed)
        return replies.Published(appended.sequence)

    async def fetch(self, caller: Caller, request: requests.Fetch) -> replies.Reply:
        """A run of the log without gaps, as far as the account may read."""
        subscriber = self.fanout.connection(caller.device)
        if subscriber is not None:
            # Before the log is read: an entry that comes after the reading is pushed again.
            self.fanout.caught_up(subscriber, request.room)

        def operation(tx: Transaction) -> replies.Entries:
            place = standing_of(tx, request.room, caller.account)
            after = max(request.after, place.readable_from - 1)
            limit = min(request.limit, MAX_FETCH)
            found = log.fetch(tx, request.room, after, place.readable_to, limit=limit, size=FETCH_BYTES)
            return replies.Entries(request.room, place.readable_from, place.readable_to, found)

        return await self.storage.read(operation)

    async def fetch_group_state(self, caller: Caller, request: requests.FetchGroupState) -> replies.Reply:
        """What a joiner at one Commit needs, sealed."""

        def operation(tx: Transaction) -> replies.GroupState:
            place = member_of(tx, request.room, caller.account)
            found = None
            if request.sequence >= place.added_at:
                found = group_states.fetch(tx, request.room, request.sequence)
            if found is None:
                raise RefusedError("DS-STATE", ErrorCode.NOT_FOUND, "no group state of that Commit is kept for you")
            return found

        return await self.storage.read(operation)

    async def fetch_roster(self, caller: Caller, request: requests.FetchRoster) -> replies.Reply:
        """Whom this server counts among a room's accounts: its members compare that with what they have agreed on."""

        def operation(tx: Transaction) -> replies.Roster:
            place = member_of(tx, request.room, caller.account)
            return replies.Roster(place.newest_commit, rosters.every(tx, request.room))

        return await self.storage.read(operation)

    async def acknowledge(self, caller: Caller, request: requests.Acknowledge) -> replies.Reply:
        """Note how far a device has come."""

        def operation(tx: Transaction) -> None:
            place = standing_of(tx, request.room, caller.account)
            if request.sequence > place.readable_to:
                raise RefusedError("DS-ACK", ErrorCode.MALFORMED, "there is no such entry yet")
            log.acknowledge(tx, request.room, caller.device, request.sequence)

        await self.storage.write(operation)
        return replies.Done()

    async def list_rooms(self, caller: Caller, request: requests.ListRooms) -> replies.Reply:
        """Where every log stands that the account may read."""
        del request
        return replies.Rooms(await self.storage.read(lambda tx: rooms.heads(tx, caller.account)))

    async def fetch_inbox(self, caller: Caller, request: requests.FetchInbox) -> replies.Reply:
        """Welcomes that wait."""
        items = await self.storage.read(
            lambda tx: inbox.fetch(tx, caller.device, request.after, limit=MAX_FETCH, size=MAX_BLOB_SIZE)
        )
        return replies.Inbox(items)

    async def drop_inbox(self, caller: Caller, request: requests.DropInbox) -> replies.Reply:
        """Delete Welcomes that the device has stored."""
        await self.storage.write(lambda tx: inbox.drop(tx, caller.device, request.id))
        return replies.Done()

    def _check_targets(self, caller: Caller, request: requests.Commit, data: CommitData) -> None:
        """Count whom a Commit adds or writes to.

        Raises:
            RefusedError: it was too often.
        """
        now = self.clock.now()
        targets = {change.account for change in data.roster if change.action is RosterAction.ADD}
        targets |= {item.account for item in request.welcomes}
        for target in targets - {caller.account}:
            check_rate(self._adds, caller.account + target, now)
