"""Giving this device new keys in its rooms now and then, so that who stole the old ones is locked out (protocol §3).

Once after joining, weekly, and after 1,000 own messages. A Commit over a tree that nobody has filled costs a megabyte
in a room of 1,000, so at most one member renews itself per minute and room: in each minute in which the room has been
quiet, each of those who have it to do goes first with a probability that makes one of them likely.
"""

import asyncio

from entrenous.client.rooms.hall import Hall, OpenRoom
from entrenous.client.rooms.intents import RenewKeys
from entrenous.client.rooms.services import Services
from entrenous.client.store import entries
from entrenous.client.views import RoomState
from entrenous.crypto import draw
from entrenous.errors import EntrenousError
from entrenous.mls.types import Lifetime

#: Seconds between two looks at all rooms, and between two Commits of which the second is a renewal.
EVERY = 60.0
#: Milliseconds after which keys are old.
MAX_AGE_MS = 7 * 86_400_000
#: Own messages after which keys are old.
MAX_SAID = 1_000
_NUMBERS = 1 << 32
#: Of how many members the renewal may be due at the same time, where that cannot be seen in the tree.
_ASSUMED = 4


class Renewal:
    """Looks at all rooms once a minute while the server can be reached."""

    def __init__(self, hall: Hall, services: Services) -> None:
        self._hall = hall
        self._services = services

    async def run(self) -> None:
        """Look, for ever; beginning at any moment of the minute, so that not all clients look at once."""
        await asyncio.sleep(EVERY * self._number() / _NUMBERS)
        while True:
            await asyncio.sleep(EVERY)
            for opened in self._hall:
                await self._look(opened)
                await asyncio.sleep(0)  # many rooms must not hold up the loop

    async def _look(self, opened: OpenRoom) -> None:
        if opened.room.standing.state is not RoomState.ACTIVE or not self._is_quiet(opened):
            return
        rivals = self._rivals(opened)
        if rivals and self._chosen(rivals):
            try:
                async with asyncio.timeout(EVERY):
                    await opened.writer.carry_out(RenewKeys(opened.room.standing.base))
            except (EntrenousError, TimeoutError) as error:
                # It is still to be done, and will be.
                self._services.environment.trace.step("client.renewal.failed", reason=str(error))

    def _is_quiet(self, opened: OpenRoom) -> bool:
        """Whether no Commit came in the last minute, as far as the server's clock tells."""
        row = entries.get(self._services.store, opened.room.id, opened.room.standing.base)
        return row is None or self._services.now_ms() - row.received_at >= EVERY * 1000

    def _rivals(self, opened: OpenRoom) -> int:
        """How many members probably have to renew themselves now, this device among them; 0 if it need not."""
        group = opened.room.epoch.group
        if isinstance(group.own_leaf_node.source, Lifetime):
            # RFC 9420 §7.2: a leaf that came in by an Add shows its KeyPackage's lifetime until its first path.
            return sum(isinstance(leaf.source, Lifetime) for _, leaf in group.members())
        standing = opened.room.standing
        is_due = standing.said >= MAX_SAID or self._services.now_ms() - standing.renewed_at >= MAX_AGE_MS
        return _ASSUMED if is_due and standing.renewed_at else 0

    def _chosen(self, rivals: int) -> bool:
        return self._number() % rivals == 0

    def _number(self) -> int:
        return int.from_bytes(draw(self._services.environment.entropy, 4), "big")
