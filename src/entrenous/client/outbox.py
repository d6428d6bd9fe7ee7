"""The way out: contents are stored, protected in order, and sent as the same bytes until the server has them.

Protecting is one transaction: the ratchet's step and the ciphertext beside its content. A ciphertext of an epoch that
has ended is of no use; its content is protected again under the same message id. One of the same epoch is sent again
as it is, so that a sender's generations stay contiguous in the log and a gap proves that something was left out.
"""

import asyncio
from collections.abc import Iterable

from entrenous.client.alarms import LogsDiffer
from entrenous.client.events import MessageStateChanged
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.reasons import SWAPPED
from entrenous.client.rooms.room import Room
from entrenous.client.rooms.services import Services
from entrenous.client.store import keys, outbox
from entrenous.client.store.outbox import OutboxRow
from entrenous.client.views import MessageRef, MessageState
from entrenous.content import Body, Content, padded_size
from entrenous.errors import RejectedError, UnavailableError
from entrenous.mls.framing import protect_application
from entrenous.wire import MessageData, requests


class Outbox:
    """What waits to be sent, of all rooms."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._waiting: dict[bytes, list[asyncio.Future[None]]] = {}

    def say(self, room: Room, body: Body) -> MessageRef:
        """Store a content behind those that wait already.

        Raises:
            RejectedError: rule CLIENT-REMOVED, this device is not in the room any more.
            UnavailableError: it could not be stored.
        """
        if not room.is_member:
            raise RejectedError("CLIENT-REMOVED", "this device is not in the room any more")
        now, message_id = self._services.now_ms(), self._services.ids.next()
        content = Content(message_id, now, body).encode()
        with self._services.store.transaction() as tx:
            outbox.add(tx, room.id, message_id, content, now)
        self._services.emit(MessageStateChanged(room.id, message_id, MessageState.SENDING))
        return MessageRef(room.id, message_id)

    def next_request(self, room: Room) -> requests.Publish | None:
        """The call that sends the room's oldest unsent content, which is protected on disk; None if there is none.

        Raises:
            UnavailableError: it could not be stored.
        """
        row = outbox.next_unsent(self._services.store, room.id)
        if row is None:
            return None
        entry = row.entry
        if entry is None or row.epoch != room.epoch.group.epoch:
            entry = self._protect(room, row)
        return requests.Publish(room.id, room.standing.base, row.message_id, entry)

    def accepted(self, room: Room, message_id: bytes, sequence: int) -> None:
        """The server has it on disk. If the log has shown it already, there is nothing left to note."""
        if outbox.by_message_id(self._services.store, message_id) is None:
            self.settle(message_id)
        elif sequence <= room.standing.position.sequence:
            own_name = self._services.people.name(self._services.device.account_id)
            self.failed(room.id, message_id, RejectedError("CLIENT-NOT-SENT", SWAPPED))
            self._services.emit(LogsDiffer(room.id, sequence, own_name))
        else:
            with self._services.store.transaction() as tx:
                outbox.accept(tx, message_id, sequence)
            self._services.emit(MessageStateChanged(room.id, message_id, MessageState.SENT, sequence))
            self.settle(message_id)

    def take_back(self, room: bytes, lost: Iterable[OutboxRow]) -> int:
        """The server has lost what it said that it stored: it is sent again, as the same bytes if it can be.

        Returns how many; what the log has shown meanwhile is not among them.
        """
        found = [row for row in lost if outbox.by_message_id(self._services.store, row.message_id) == row]
        with self._services.store.transaction() as tx:
            for row in found:
                outbox.accept(tx, row.message_id, None)
        for row in found:
            self._services.emit(MessageStateChanged(room, row.message_id, MessageState.SENDING))
        return len(found)

    def interrupt(self, room: bytes, error: RejectedError) -> None:
        """End the waits for a room's messages, which stay in the outbox."""
        for row in outbox.of_room(self._services.store, room):
            if row.sequence is None and row.failure is None:
                self.settle(row.message_id, error)

    def failed(self, room: bytes, message_id: bytes, reason: RejectedError) -> None:
        """It will not be sent again."""
        with self._services.store.transaction() as tx:
            outbox.fail(tx, message_id, reason.detail)
        self._services.emit(MessageStateChanged(room, message_id, MessageState.FAILED, reason=reason.detail))
        self.settle(message_id, reason)

    def fail_all(self, room: bytes, reason: RejectedError) -> None:
        """Nothing of a room will be sent any more."""
        for row in outbox.of_room(self._services.store, room):
            if row.failure is None:
                self.failed(room, row.message_id, reason)

    def settle(self, message_id: bytes, error: RejectedError | None = None) -> None:
        """End the waits for a message."""
        for future in self._waiting.pop(message_id, ()):
            if not future.done():
                future.set_exception(error) if error else future.set_result(None)

    def close(self) -> None:
        """End every wait: what is stored is sent by the next run."""
        waiting, self._waiting = self._waiting, {}
        for future in (future for futures in waiting.values() for future in futures):
            if not future.done():
                future.set_exception(UnavailableError("the client was closed"))

    async def wait(self, message: MessageRef) -> None:
        """Wait until the server has a message.

        Raises:
            RejectedError: it has finally failed; rule CLIENT-NOT-SENT if that was before this call.
            UnavailableError: the client was closed first; the next run sends it.
        """
        row = outbox.by_message_id(self._services.store, message.message_id)
        if row is None or row.sequence is not None:
            return
        if row.failure is not None:
            raise RejectedError("CLIENT-NOT-SENT", row.failure)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(message.message_id, []).append(future)
        await future

    def _protect(self, room: Room, row: OutboxRow) -> bytes:
        """Take the next key of the ratchet for a content; the key is gone when this returns."""
        group, services = room.epoch.group, self._services
        with services.store.transaction() as tx:
            protected = protect_application(
                group,
                StoredKeys(tx, room.id),
                services.device.signer,
                row.content,
                MessageData(room.standing.position).encode(),
                padding=padded_size,
                entropy=services.environment.entropy,
                trace=services.environment.trace,
            )
            keys.apply(tx, room.id, protected.changes)
            outbox.protect(tx, row.message_id, group.epoch, protected.message)
        return protected.message
