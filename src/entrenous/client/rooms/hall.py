"""Every room of this profile, each with what follows its log and what writes to it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from entrenous.client.alarms import IdentityChanged, InvitationDelayed, InvitationRefused
from entrenous.client.events import Event, MessageStateChanged, RoomJoined
from entrenous.client.key_packages import forget_expired
from entrenous.client.outbox import Outbox
from entrenous.client.rooms.follower import Follower
from entrenous.client.rooms.heads import Heads, Known
from entrenous.client.rooms.reading import REFUSALS
from entrenous.client.rooms.reasons import NOT_SEEN, rule_of
from entrenous.client.rooms.room import Room
from entrenous.client.rooms.services import Services
from entrenous.client.rooms.snapshot import UnusableStateError
from entrenous.client.rooms.welcome import Entered, Joining
from entrenous.client.rooms.writer import Writer
from entrenous.client.store import rooms
from entrenous.client.views import MessageState
from entrenous.errors import RejectedError, UnavailableError
from entrenous.wire import replies, requests
from entrenous.wire.types import InboxItem

#: Seconds for reading a room's log up to a Welcome; other rooms' Welcomes wait meanwhile.
_READ_FIRST = 10.0
#: Seconds that a Welcome waits for a state that leads to its room: too many such would fill the inbox for ever.
_GIVE_UP_AFTER = 900.0


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """A room and its two workers."""

    room: Room
    follower: Follower
    writer: Writer


class Hall:
    """The rooms, by id.

    Args:
        services: of this client.
        outbox: of this client.
        on_bug: told of an exception that should not be.
    """

    def __init__(self, services: Services, outbox: Outbox, *, on_bug: Callable[[Exception], None]) -> None:
        self._services = services
        self._outbox = outbox
        self._on_bug = on_bug
        self._rooms: dict[bytes, OpenRoom] = {}
        self._heads = Heads(services, outbox)
        #: When an inbox item was first found to lead nowhere.
        self._waiting_since: dict[int, float] = {}
        self._joining = Joining(services.store, services.device, services.people, services.caller, services.environment)
        for room in rooms.all_rooms(services.store):
            self.add(Room.load(services.store, room))

    def __iter__(self) -> Iterator[OpenRoom]:
        return iter(tuple(self._rooms.values()))

    def get(self, room: bytes) -> OpenRoom:
        """A room.

        Raises:
            RejectedError: rule CLIENT-ROOM, this profile has no such room.
        """
        found = self._rooms.get(room)
        if found is None:
            raise RejectedError("CLIENT-ROOM", "there is no such room in this profile")
        return found

    def find(self, room: bytes) -> OpenRoom | None:
        """A room; None if this profile does not have it."""
        return self._rooms.get(room)

    def add(self, room: Room) -> OpenRoom:
        """Take care of a room from now on."""
        removed: list[Writer] = []
        follower = Follower(
            room,
            self._services,
            self._outbox,
            wake_writer=lambda: removed[0].nudge(),
            look_for_welcome=self.empty_inbox,
            on_bug=self._on_bug,
        )
        writer = Writer(room, self._services, self._outbox, follower, on_bug=self._on_bug)
        removed.append(writer)
        self._rooms[room.id] = OpenRoom(room, follower, writer)
        return self._rooms[room.id]

    def nudge_all(self) -> None:
        """Whatever waits to be sent can perhaps be sent now."""
        for found in self:
            found.writer.nudge()

    async def catch_up(self) -> None:
        """Ask where every log stands, and follow those that went on.

        Raises:
            UnavailableError: the server did not answer.
        """
        # As of now: entries that are pushed while the answer is on its way are newer than the answer.
        known = {found.room.id: Known.of(found.room, self._services.store) for found in self}
        answer = await self._services.caller.call(requests.ListRooms(), replies.Rooms)
        heads = {head.room: head for head in answer.rooms}
        for head in answer.rooms:
            if (found := self._rooms.get(head.room)) is not None:
                found.follower.expect(head.newest)
        for room, before in known.items():
            found = self._rooms[room]
            await self._heads.compare(found.room, found.follower, before, heads.get(room))
        self.nudge_all()

    async def empty_inbox(self) -> None:
        """Join the rooms whose Welcomes wait.

        Raises:
            UnavailableError: the server did not answer, or does not have yet what joining needs.
        """
        while True:
            answer = await self._services.caller.call(requests.FetchInbox(0), replies.Inbox)
            if not answer.items:
                forget_expired(self._services.store, self._services.environment)
                return
            await self._enter_all(answer.items)

    async def close(self) -> None:
        """Stop all workers."""
        await asyncio.gather(*(found.writer.close() for found in self), *(found.follower.close() for found in self))

    async def _enter_all(self, items: Iterable[InboxItem]) -> None:
        """Join what can be joined. An item whose room cannot be had yet stays in the inbox, and those behind it too."""
        waiting: UnavailableError | None = None
        for item in items:
            try:
                await self._enter(item)
            except UnusableStateError as error:
                if not self._has_waited(item):
                    waiting = waiting or error
                    continue
                self._services.emit(InvitationRefused(item.room, "JOIN-STATE"))
            except UnavailableError as error:
                waiting = waiting or error
                continue
            if waiting is None:
                await self._services.caller.call(requests.DropInbox(item.id), replies.Done)
        if waiting is not None:
            raise waiting

    def _has_waited(self, item: InboxItem) -> bool:
        """Whether an item has waited for long enough; who is let into a room and cannot come in is told at once."""
        now = asyncio.get_running_loop().time()
        if item.id not in self._waiting_since:
            self._waiting_since[item.id] = now
            self._services.emit(InvitationDelayed(item.room))
        return now - self._waiting_since[item.id] >= _GIVE_UP_AFTER

    async def _enter(self, item: InboxItem) -> None:
        try:
            await self._read_first(item)
            entered = await self._joining.enter(item)
        except UnavailableError:
            raise
        except REFUSALS as error:
            rule = rule_of(error)
            if rule != "JOIN-OLD":  # a Welcome that was stored, and not yet dropped, when the client ended
                self._services.emit(InvitationRefused(item.room, rule))
            return
        found = self._rooms.get(item.room)
        if found is None:
            found = self.add(entered.room)
        else:
            found.room.replace(entered.room.standing, entered.room.epoch)
        await self._tell(entered)
        found.follower.rejoined()
        found.follower.expect(item.sequence)
        found.writer.nudge()
        # Now, while they can be asked for: who has left is in no room that this account shares.
        accounts = (member.account_id for member in entered.room.settings.members)
        await self._services.people.learn(accounts, self._services.caller)

    async def _read_first(self, item: InboxItem) -> None:
        """In a room that this device is in, the log says whether a Welcome means anything, so it is read before.

        Raises:
            RejectedError: rule JOIN-POSITION, the log has no such Commit.
            UnavailableError: the log cannot be read so far now.
        """
        found = self._rooms.get(item.room)
        if found is None or not found.room.is_member:
            return
        try:
            async with asyncio.timeout(_READ_FIRST):
                await found.follower.reach(item.sequence)
        except TimeoutError:
            raise UnavailableError("the room's log is to be read before a Welcome into it") from None
        if found.follower.is_complete and found.follower.cursor < item.sequence:
            raise RejectedError("JOIN-POSITION", "a Welcome names a place that the room's log does not have")

    async def _tell(self, entered: Entered) -> None:
        people, settings = self._services.people, entered.room.settings
        await people.learn((entered.inviter, *entered.changed), self._services.caller)
        events: list[Event] = [RoomJoined(entered.room.id, settings.name, people.name(entered.inviter))]
        events += [IdentityChanged(account, people.name(account)) for account in entered.changed]
        events += [
            MessageStateChanged(row.room, row.message_id, MessageState.FAILED, reason=NOT_SEEN) for row in entered.lost
        ]
        for event in events:
            self._services.emit(event)
        for row in entered.lost:
            self._outbox.settle(row.message_id, RejectedError("CLIENT-NOT-SENT", NOT_SEEN))
