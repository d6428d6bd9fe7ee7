"""Every room of this profile, each with what follows its log and what writes to it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from entrenous.client.alarms import IdentityChanged, InvitationRefused
from entrenous.client.events import Event, MessageStateChanged, RoomJoined
from entrenous.client.outbox import Outbox
from entrenous.client.rooms.follower import Follower
from entrenous.client.rooms.heads import Heads, Known
from entrenous.client.rooms.mailbox import Mailbox
from entrenous.client.rooms.reading import REFUSALS
from entrenous.client.rooms.reasons import NOT_SEEN, rule_of
from entrenous.client.rooms.room import Room
from entrenous.client.rooms.services import Services
from entrenous.client.rooms.welcome import Entered, Joining
from entrenous.client.rooms.writer import Writer
from entrenous.client.store import rooms
from entrenous.client.views import MessageState
from entrenous.errors import RejectedError, UnavailableError
from entrenous.wire import replies, requests
from entrenous.wire.types import InboxItem

#: Seconds for reading a room's log up to a Welcome; other rooms' Welcomes wait meanwhile.
_READ_FIRST = 10.0


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
        look_again: called when the inbox is to be emptied again.
        on_bug: told of an exception that should not be.
    """

    def __init__(
        self,
        services: Services,
        outbox: Outbox,
        *,
        look_again: Callable[[], None],
        on_bug: Callable[[Exception], None],
    ) -> None:
        self._services = services
        self._outbox = outbox
        self._on_bug = on_bug
        self._rooms: dict[bytes, OpenRoom] = {}
        self._heads = Heads(services, outbox)
        self._mailbox = Mailbox(services, self._enter, look_again)
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
            UnavailableError: the server did not answer.
        """
        await self._mailbox.empty()

    async def close(self) -> None:
        """Stop all workers."""
        self._mailbox.close()
        await asyncio.gather(*(found.writer.close() for found in self), *(found.follower.close() for found in self))

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
