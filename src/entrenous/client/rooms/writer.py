"""What one room sends, one thing at a time: its opening, staged Commits, then contents in the order of saying."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from entrenous.client.outbox import Outbox
from entrenous.client.rooms.commits import stage_commit, stored_request
from entrenous.client.rooms.create import opening_request
from entrenous.client.rooms.follower import Follower
from entrenous.client.rooms.intents import Intent, StoredIntent
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.repeater import RETRY_LEAST, RETRY_MOST, Repeater
from entrenous.client.rooms.room import Room, leave
from entrenous.client.rooms.services import Services
from entrenous.client.session import Backoff, ConflictError, RefusedError
from entrenous.client.store import Transaction, entries, keys, outbox, rooms, stages
from entrenous.client.store.stages import StageRow
from entrenous.client.views import RoomState
from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError, UnavailableError
from entrenous.wire import replies

_REMOVED = RejectedError("CLIENT-REMOVED", "this device is not in the room any more")
_GAP = RejectedError("CLIENT-GAP", "this device has missed entries of the room: it has to be added again")
_SET_BACK = RejectedError(
    "CLIENT-SET-BACK", "the server was set back to before a change of this room that this device knows: open a new room"
)


@dataclass(frozen=True, slots=True)
class _Task:
    """An intent of this run, and who waits for it.

    Attributes:
        after: the newest content in the outbox when it was asked for: what was said before somebody was invited is
            not for him to read, so contents up to this one go first.
    """

    intent: Intent
    done: asyncio.Future[None]
    after: int


class Writer:
    """Sends for one room.

    Args:
        room: the room.
        services: of this client.
        outbox: of this client.
        follower: of the room: after a conflict, what came between is read first.
        on_bug: told of an exception that should not be.
    """

    def __init__(
        self,
        room: Room,
        services: Services,
        outbox: Outbox,
        follower: Follower,
        *,
        on_bug: Callable[[Exception], None],
    ) -> None:
        self._room = room
        self._services = services
        self._outbox = outbox
        self._follower = follower
        self._queue: deque[_Task] = deque()
        #: Who waits for the intent in the store; None for one of an earlier run.
        self._current: asyncio.Future[None] | None = None
        self._opened: asyncio.Future[None] | None = None
        backoff = Backoff(services.environment.entropy, least=RETRY_LEAST, most=RETRY_MOST)
        self._repeater = Repeater(self._write, backoff, on_bug)

    def nudge(self) -> None:
        """There may be something to send."""
        self._repeater.nudge()

    def check_open(self) -> None:
        """Whether something may be said here now.

        Raises:
            RejectedError: rule CLIENT-GAP.
        """
        if self._follower.is_stuck:
            raise _GAP

    async def open(self) -> None:
        """Wait until the server has opened the room's log.

        Raises:
            RefusedError: it does not; the room is gone again.
        """
        if self._room.standing.state is not RoomState.CREATING:
            return
        self._opened = asyncio.get_running_loop().create_future()
        self.nudge()
        await self._opened

    async def carry_out(self, intent: Intent) -> None:
        """Make and send Commits until the room is as an intent wants it.

        Raises:
            RejectedError: the room's rules do not allow it, or the server refuses it.
            MalformedError, CryptoError: a KeyPackage to be added is not what it should be.
        """
        after = outbox.last_number(self._services.store, self._room.id)
        task = _Task(intent, asyncio.get_running_loop().create_future(), after)
        self._queue.append(task)
        self.nudge()
        try:
            await task.done
        finally:
            if task in self._queue:  # nobody waits for it any more
                self._queue.remove(task)

    async def close(self) -> None:
        """Stop. What is stored is sent by the next run; who waits is told that this one has ended."""
        await self._repeater.close()
        self._fail_tasks(UnavailableError("the client was closed"))

    async def _write(self) -> None:
        if self._room.standing.state is RoomState.CREATING:
            await self._open()
        while self._room.is_member:
            if self._follower.has_gap:
                if self._follower.is_stuck:
                    self._fail_tasks(_GAP)
                    self._outbox.interrupt(self._room.id, _GAP)
                return
            row = stages.of_room(self._services.store, self._room.id)
            if row is None or not row.is_wanted:
                if not await self._go_on():
                    return
            elif row.stage is not None:
                await self._send_commit(row.stage)
            else:
                self._stage(StoredIntent.decode(row.intent).intent)
        self._outbox.fail_all(self._room.id, _REMOVED)
        self._fail_tasks(_REMOVED)

    async def _go_on(self) -> bool:
        """No Commit is wanted: send a content, or begin with the next intent; returns whether there was one."""
        self._finish_current()
        if self._queue and not self._has_unsent(up_to=self._queue[0].after):
            task = self._queue.popleft()
            self._current = task.done
            self._stage(task.intent)
            return True
        return await self._send_message()

    async def _open(self) -> None:
        request = opening_request(self._room, self._services.device, self._services.environment)
        error: RefusedError | None = None
        try:
            await self._services.caller.call(request, replies.Done)
        except RefusedError as refusal:
            error = refusal
        state = RoomState.ACTIVE if error is None else RoomState.REMOVED
        standing = replace(self._room.standing, state=state)
        with self._services.store.transaction() as tx:
            rooms.put_standing(tx, self._room.id, standing)
            if error is not None:
                leave(tx, self._room.id)
        self._room.replace(standing, self._room.epoch if error is None else None)
        opened, self._opened = self._opened, None
        if opened is not None and not opened.done():
            opened.set_exception(error) if error else opened.set_result(None)

    # Commits.

    def _stage(self, intent: Intent) -> None:
        """Make the Commit for an intent and store it; an intent that is met or cannot be carried out ends here."""
        room, services = self._room, self._services
        try:
            with services.store.transaction() as tx:
                source = StoredKeys(tx, room.id)
                staged = stage_commit(
                    room,
                    source,
                    intent,
                    services.device,
                    services.ids.next(),
                    services.environment,
                    is_own_chain=self._is_own_chain(tx),
                )
                if staged is None:
                    stages.give_up(tx, room.id)
                else:
                    keys.apply(tx, room.id, staged.changes)
                    stages.put(tx, room.id, staged.intent, staged.row)
        except (RejectedError, MalformedError, CryptoError) as error:
            self._give_up(error)

    def _is_own_chain(self, tx: Transaction) -> bool:
        """Whether this account has made every Commit since, and with, the one that brought the last whole tree."""
        standing, own = self._room.standing, self._services.device.account_id
        senders = entries.committers(tx, self._room.id, standing.tree_age + 1)
        is_founders = standing.own_from == 0 and len(senders) == standing.tree_age
        return all(sender == own for sender in senders) and (is_founders or len(senders) == standing.tree_age + 1)

    async def _send_commit(self, stage: StageRow) -> None:
        """Send a staged Commit, then read the log up to where it stands, or to the one that came first."""
        request = stored_request(stage)
        try:
            published = await self._services.caller.call(request, replies.Published)
        except ConflictError as conflict:
            await self._catch_up(conflict, request.base)
        except RefusedError as error:
            self._give_up(error)
        else:
            await self._follower.reach(published.sequence)
            self._check_shown(stage, published.sequence)

    def _check_shown(self, stage: StageRow, sequence: int) -> None:
        """If the log shows neither our Commit nor another one where the server placed it, it is no log.

        Raises:
            UnavailableError: the log was not shown so far. The Commit may stand there, and others may have read it: who
                forgets its secrets now can never follow them.
        """
        row = stages.of_room(self._services.store, self._room.id)
        if not self._room.is_member or row is None or row.stage != stage:
            return
        if self._follower.cursor < sequence and not self._follower.has_gap:
            raise UnavailableError("the server does not show the change that it says it has stored")
        self._give_up(RejectedError("CLIENT-NOT-SENT", "the server did not put the change where it said"))

    def _give_up(self, error: EntrenousError) -> None:
        """End the current intent."""
        with self._services.store.transaction() as tx:
            stages.give_up(tx, self._room.id)
        future, self._current = self._current, None
        if future is not None and not future.done():
            future.set_exception(error)

    def _finish_current(self) -> None:
        """No intent is stored: the one that somebody waits for is carried out."""
        future, self._current = self._current, None
        if future is not None and not future.done():
            future.set_result(None)

    def _fail_tasks(self, error: EntrenousError) -> None:
        waiting = [self._opened, self._current, *(task.done for task in self._queue)]
        self._queue.clear()
        self._opened = self._current = None
        for future in waiting:
            if future is not None and not future.done():
                future.set_exception(error)

    # Messages.

    def _is_blocked(self) -> bool:
        """Whether contents wait until a person has accepted somebody's new identity."""
        return bool(self._services.people.changed(member.account_id for member in self._room.settings.members))

    def _has_unsent(self, *, up_to: int) -> bool:
        """Whether a content that can be sent now waits at or before a place in the order of saying."""
        row = outbox.next_unsent(self._services.store, self._room.id)
        return row is not None and row.number <= up_to and not self._is_blocked()

    async def _send_message(self) -> bool:
        """Send the oldest unsent content; returns whether there was one to send."""
        if self._is_blocked():
            return False
        request = self._outbox.next_request(self._room)
        if request is None:
            return False
        try:
            published = await self._services.caller.call(request, replies.Published)
        except ConflictError as conflict:
            await self._catch_up(conflict, request.base)
        except RefusedError as error:
            self._outbox.failed(self._room.id, request.message_id, error)
        else:
            self._outbox.accepted(self._room, request.message_id, published.sequence)
        return True

    async def _catch_up(self, conflict: ConflictError, base: int) -> None:
        """Read up to the Commit that came between.

        Raises:
            UnavailableError: there is none: asking again at once would not help.
        """
        if conflict.newest < base:
            # Whoever waits is told; a staged Commit stays, for its secrets may be in force where we cannot see it.
            self._outbox.fail_all(self._room.id, _SET_BACK)
            self._fail_tasks(_SET_BACK)
            raise UnavailableError(_SET_BACK.detail)
        await self._follower.reach(conflict.newest)
        if self._room.is_member and self._room.standing.base == base and not self._follower.has_gap:
            raise UnavailableError("the server speaks of a Commit that its log does not show")
