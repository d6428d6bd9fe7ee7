"""Following one room's log: pushed entries are taken in order, missing ones fetched, read ones acknowledged."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from entrenous.client.inbox import Taken, events_of, take
from entrenous.client.losses import GapShown, LeftBehind
from entrenous.client.outbox import Outbox
from entrenous.client.rooms.repeater import RETRY_LEAST, RETRY_MOST, Repeater
from entrenous.client.rooms.room import Room
from entrenous.client.rooms.services import Services
from entrenous.client.session import Backoff, RefusedError
from entrenous.content import Role
from entrenous.errors import RejectedError, UnavailableError
from entrenous.wire import replies, requests
from entrenous.wire.limits import MAX_FETCH
from entrenous.wire.types import Entry

#: Pushed entries that are kept until their turn; those beyond are fetched.
MAX_AHEAD = 256
#: Bytes of those: a server that pushes what nobody can read yet must not fill the memory.
MAX_AHEAD_BYTES = 4 << 20
#: Seconds between two acknowledgements of one room.
ACKNOWLEDGE_EVERY = 1.0
#: Why an own message has failed, for who waits for it.
_LOST = RejectedError("CLIENT-NOT-SENT", "the server did not put it where it said")


class Follower:
    """Keeps one room up with its log.

    Args:
        room: the room.
        services: of this client.
        outbox: is told which of its messages the log has shown.
        wake_writer: called when this device is out of the room, or has found a gap in its log, or the end of one.
        look_for_welcome: joins the rooms whose Welcomes wait; what looks like a gap may be a room that this device was
            taken out of and added to again while it was away.
        on_bug: told of an exception that should not be.
    """

    def __init__(
        self,
        room: Room,
        services: Services,
        outbox: Outbox,
        *,
        wake_writer: Callable[[], None],
        look_for_welcome: Callable[[], Awaitable[None]],
        on_bug: Callable[[Exception], None],
    ) -> None:
        self._room = room
        self._services = services
        self._outbox = outbox
        self._wake_writer = wake_writer
        self._look_for_welcome = look_for_welcome
        self._ahead: dict[int, Entry] = {}
        self._newest = room.standing.position.sequence
        self._advanced = asyncio.Condition()
        self._acknowledged = 0
        self._acknowledged_at = -ACKNOWLEDGE_EVERY
        self._timer: asyncio.TimerHandle | None = None
        #: The server no longer has what follows the cursor.
        self.has_gap = False
        self._shown_gap: int | None = None
        #: The epoch of which it was told that others are in a later one.
        self._left_behind: int | None = None
        backoff = Backoff(services.environment.entropy, least=RETRY_LEAST, most=RETRY_MOST)
        self._repeater = Repeater(self._follow, backoff, on_bug)

    @property
    def cursor(self) -> int:
        """The newest entry that is on this device's disk."""
        return self._room.standing.position.sequence

    @property
    def newest(self) -> int:
        """The newest entry that the server is known to have."""
        return self._newest

    @property
    def is_stuck(self) -> bool:
        """Whether there is a gap that no Welcome leads over: only who is added again goes on."""
        return self.has_gap and self._shown_gap == self.cursor

    @property
    def is_complete(self) -> bool:
        """Whether this device is in the room and has read all of the log before its cursor."""
        return self._room.is_member and not self.has_gap

    def offer(self, entry: Entry) -> None:
        """The server pushed an entry: a hint, taken when its turn comes."""
        if entry.sequence > self.cursor and self._has_room_for(entry):
            self._ahead[entry.sequence] = entry
        self.expect(entry.sequence)

    def expect(self, newest: int) -> None:
        """The log is said to have grown to ``newest``."""
        self._newest = max(self._newest, newest)
        self._repeater.nudge()

    async def reach(self, sequence: int) -> None:
        """Wait until an entry is processed, or this device cannot come that far any more.

        It returns as well when the server, asked for its log, has no such entry: ``cursor`` tells.
        """
        self.expect(sequence)
        async with self._advanced:
            await self._advanced.wait_for(lambda: self._has_come_to(sequence))

    def _has_room_for(self, entry: Entry) -> bool:
        """Whether a pushed entry can wait for its turn."""
        if entry.sequence == self.cursor + 1:
            return True
        waiting = sum(len(other.body) for other in self._ahead.values())
        return len(self._ahead) < MAX_AHEAD and waiting + len(entry.body) <= MAX_AHEAD_BYTES

    def _has_come_to(self, sequence: int) -> bool:
        """Whether waiting for an entry has an end."""
        return self.cursor >= sequence or self.has_gap or not self._room.is_member or self._newest < sequence

    def rejoined(self) -> None:
        """This device was added to the room again, and stands at another place in the log."""
        self.has_gap = False
        self._ahead.clear()
        self.expect(self.cursor)

    async def close(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()
        await self._repeater.close()

    async def _follow(self) -> None:
        while self._room.is_member and self._newest > self.cursor:
            entry = self._ahead.pop(self.cursor + 1, None)
            if entry is None:
                await self._fetch()
            else:
                await self._take(entry)
        await self._acknowledge()

    async def _fetch(self) -> None:
        after, hinted = self.cursor, self._newest
        answer = await self._services.caller.call(requests.Fetch(self._room.id, after, MAX_FETCH), replies.Entries)
        if self._newest == hinted:  # nothing was pushed meanwhile, so the answer knows best
            self._newest = max(answer.newest, self.cursor)
            if self._newest < hinted:  # who waits for an entry that there is not
                async with self._advanced:
                    self._advanced.notify_all()
        if answer.first_available > self.cursor + 1:
            await self._meet_gap(answer.first_available)
            return
        if self.has_gap:  # what the server said it no longer has is there
            self.has_gap = False
            self._wake_writer()
        for entry in answer.entries:
            if entry.sequence == self.cursor + 1 and self._room.is_member:
                await self._take(entry)
        if self.cursor == after and self._newest > after:
            raise UnavailableError("the server does not give the entries that it says it has")

    async def _take(self, entry: Entry) -> None:
        taken = take(self._room, self._services, entry)
        self._ahead.pop(entry.sequence, None)
        async with self._advanced:
            self._advanced.notify_all()
        if not self._room.is_member:
            self._wake_writer()
        await self._tell(taken)

    async def _tell(self, taken: Taken) -> None:
        """Tell of an entry that is on disk, once the names in it are known or cannot be learned."""
        people = self._services.people
        if people.unnamed(taken.reading.accounts):
            await people.learn(taken.reading.accounts, self._services.caller)
        for event in events_of(self._room, self._services, taken):
            self._services.emit(event)
        self._notice_later_epoch(taken)
        if taken.reading.is_own:
            self._outbox.settle(taken.row.message_id)
        for row in taken.lost:
            self._outbox.settle(row.message_id, _LOST)

    async def _meet_gap(self, first_available: int) -> None:
        """The server no longer has, for this device, what follows the cursor.

        If a Welcome into this room waits, it was removed and added again while it was away, and goes on from there.
        Otherwise what is missing cannot be had any more, and without it the keys of what follows cannot be derived.
        """
        self.has_gap = True
        async with self._advanced:
            self._advanced.notify_all()
        try:
            await self._look_for_welcome()
        finally:
            if self.has_gap:
                self._show_gap(first_available)
        if self.has_gap:
            self._newest = self.cursor

    def _show_gap(self, first_available: int) -> None:
        if self._shown_gap != self.cursor:
            self._shown_gap = self.cursor
            name, can_help = self._room.settings.name, self._has_other_admins()
            gap = GapShown(self._room.id, name, self.cursor + 1, first_available, has_other_admins=can_help)
            self._services.emit(gap)
        self._wake_writer()

    def _has_other_admins(self) -> bool:
        own = self._services.device.account_id
        return any(each.role is Role.ADMIN and each.account_id != own for each in self._room.settings.members)

    def _notice_later_epoch(self, taken: Taken) -> None:
        """Tell once that others seem to be in an epoch which this device could not follow into (RFC 9420 §16.12)."""
        if taken.reading.is_later and self._room.is_member and self._left_behind != self._room.epoch_number:
            self._left_behind = self._room.epoch_number
            name, can_help = self._room.settings.name, self._has_other_admins()
            self._services.emit(LeftBehind(self._room.id, name, taken.row.sequence, has_other_admins=can_help))

    async def _acknowledge(self) -> None:
        """Tell the server what is on this device's disk: not for each entry, and only once each."""
        loop = asyncio.get_running_loop()
        cursor, wait = self.cursor, self._acknowledged_at + ACKNOWLEDGE_EVERY - loop.time()
        if cursor <= self._acknowledged or self._timer is not None:
            return
        if wait > 0:
            self._timer = loop.call_later(wait, self._acknowledge_now)
            return
        self._acknowledged_at = loop.time()
        # Refused: out of the room, or the server has another log. What it keeps is its own affair.
        with contextlib.suppress(RefusedError):
            await self._services.caller.call(requests.Acknowledge(self._room.id, cursor), replies.Done)
        self._acknowledged = cursor

    def _acknowledge_now(self) -> None:
        self._timer = None
        self._repeater.nudge()
