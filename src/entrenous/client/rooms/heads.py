"""What the server says of each log when this device comes back, against what the device knows (docs/spec/delivery.md).

A server that was set back to a backup, or lies, is believed in nothing that would take something away here: its word
is told to people, and what it has lost of this device's messages is sent again, or marked.
"""

import asyncio
from dataclasses import dataclass

from entrenous.client.alarms import MembershipDenied
from entrenous.client.losses import LogShortened
from entrenous.client.outbox import Outbox
from entrenous.client.rooms.follower import Follower
from entrenous.client.rooms.room import Room
from entrenous.client.rooms.services import Services
from entrenous.client.session import RefusedError
from entrenous.client.store import Rows, entries, outbox
from entrenous.client.store.outbox import OutboxRow
from entrenous.client.views import RoomState
from entrenous.wire import replies, requests
from entrenous.wire.types import RoomHead

#: Seconds for reading a log up to the entry that is said to remove this device.
_READ_FIRST = 10.0


@dataclass(frozen=True, slots=True)
class Known:
    """What this device knew of a log when it asked.

    Attributes:
        is_active: whether it was in the room, and the server knew of that.
        cursor: the newest entry that it had processed.
        accepted: its messages that the server has said to have stored, beyond that.
    """

    is_active: bool
    cursor: int
    accepted: tuple[OutboxRow, ...]

    @classmethod
    def of(cls, room: Room, rows: Rows) -> "Known":
        """What is known now."""
        is_active = room.is_member and room.standing.state is RoomState.ACTIVE
        return cls(is_active, room.standing.position.sequence, tuple(outbox.accepted(rows, room.id)))

    @property
    def newest(self) -> int:
        """The newest entry that the server must have."""
        return max((self.cursor, *(row.sequence or 0 for row in self.accepted)))


class Heads:
    """Compares."""

    def __init__(self, services: Services, outbox: Outbox) -> None:
        self._services = services
        self._outbox = outbox
        #: Where logs that were too short have ended, as it was told.
        self._short: dict[bytes, int] = {}
        self._denied: set[bytes] = set()

    async def compare(self, room: Room, follower: Follower, known: Known, head: RoomHead | None) -> None:
        """Compare one room's head, None where the server names none, with what was known when it was asked.

        Raises:
            UnavailableError: the server did not answer.
        """
        if not known.is_active:
            return
        if head is None or head.removed_at is not None:
            await self._doubt_membership(room, follower, head)
        if head is not None and head.newest < known.newest:
            await self._doubt_length(room, known, head.newest)

    async def _doubt_membership(self, room: Room, follower: Follower, head: RoomHead | None) -> None:
        """Who is removed is removed by an entry of the log: without it, it is the server's word alone."""
        if head is not None and head.removed_at is not None:
            try:
                async with asyncio.timeout(_READ_FIRST):
                    await follower.reach(head.removed_at)
            except TimeoutError:
                return
        if room.is_member and not follower.has_gap and room.id not in self._denied:
            self._denied.add(room.id)
            self._services.emit(MembershipDenied(room.id, room.settings.name))

    async def _doubt_length(self, room: Room, known: Known, told: int) -> None:
        try:
            answer = await self._services.caller.call(requests.Fetch(room.id, told, 1), replies.Entries)
        except RefusedError:
            return
        newest = max(answer.newest, told)
        if newest >= known.newest:
            return  # the server contradicts itself, and has everything
        again = self._outbox.take_back(room.id, (row for row in known.accepted if (row.sequence or 0) > newest))
        if self._short.get(room.id) == newest:
            return
        self._short[room.id] = newest
        with self._services.store.transaction() as tx:
            lost = entries.lose(tx, room.id, newest, self._services.device.account_id)
        event = LogShortened(room.id, room.settings.name, newest, known.newest, own_lost=lost, own_again=again)
        self._services.emit(event)
