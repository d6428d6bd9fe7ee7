"""The inbox of Welcomes at the server: emptied in order, and kept from being stopped up by those that lead nowhere."""

import asyncio
from collections.abc import Awaitable, Callable

from entrenous.client.alarms import InvitationDelayed, InvitationRefused
from entrenous.client.key_packages import forget_expired
from entrenous.client.rooms.services import Services
from entrenous.client.rooms.snapshot import UnusableStateError
from entrenous.errors import UnavailableError
from entrenous.wire import replies, requests
from entrenous.wire.types import InboxItem

#: Seconds between two looks at a Welcome whose room's state is of no use, and for how many seconds: too many such
#: would stop up the inbox for ever.
LOOK_AGAIN = 30.0
GIVE_UP_AFTER = 900.0
#: Items that are remembered until they can be dropped; the server could show ever more of them.
MOST_NOTED = 10_000


class Mailbox:
    """Empties the inbox.

    Args:
        services: of this client.
        enter: judges one item and joins its room.
        look_again: called when it is time to empty the inbox again.
    """

    def __init__(
        self, services: Services, enter: Callable[[InboxItem], Awaitable[None]], look_again: Callable[[], None]
    ) -> None:
        self._services = services
        self._enter = enter
        self._look_again = look_again
        self._timer: asyncio.TimerHandle | None = None
        #: When an item was first found to lead nowhere.
        self._waiting_since: dict[int, float] = {}
        #: Items that are done with and not dropped yet, because one before them waits: each is told of once.
        self._done: set[int] = set()

    async def empty(self) -> None:
        """Join the rooms whose Welcomes wait. One that leads nowhere yet stays, is told, and looked at again later.

        Raises:
            UnavailableError: the server did not answer.
        """
        after, has_waiting = 0, False
        while True:
            answer = await self._services.caller.call(requests.FetchInbox(after), replies.Inbox)
            if not answer.items or answer.items[-1].id <= after:
                break
            after = answer.items[-1].id
            has_waiting = await self._enter_all(answer.items, has_waiting=has_waiting)
        if has_waiting:
            self._wait()
        else:
            forget_expired(self._services.store, self._services.environment)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    async def _enter_all(self, items: tuple[InboxItem, ...], *, has_waiting: bool) -> bool:
        """Join what can be joined; returns whether an item waits. What is behind such a one cannot be dropped yet."""
        failure: UnavailableError | None = None
        for item in items:
            try:
                if item.id not in self._done:
                    await self._enter(item)
            except UnusableStateError:
                if not self._is_given_up(item):
                    has_waiting = True
                    continue
                self._services.emit(InvitationRefused(item.room, "JOIN-STATE"))
            except UnavailableError as error:
                failure = failure or error
                continue
            if len(self._done) < MOST_NOTED:
                self._done.add(item.id)
            if failure is None and not has_waiting:
                await self._services.caller.call(requests.DropInbox(item.id), replies.Done)
                self._done.discard(item.id)
                self._waiting_since.pop(item.id, None)
        if failure is not None:
            raise failure
        return has_waiting

    def _is_given_up(self, item: InboxItem) -> bool:
        """Whether an item has waited for long enough; who is let into a room and cannot come in is told at once."""
        now = asyncio.get_running_loop().time()
        if item.id not in self._waiting_since:
            if len(self._waiting_since) == MOST_NOTED:
                return True
            self._waiting_since[item.id] = now
            self._services.emit(InvitationDelayed(item.room))
        return now - self._waiting_since[item.id] >= GIVE_UP_AFTER

    def _wait(self) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_later(LOOK_AGAIN, self._look_again)
