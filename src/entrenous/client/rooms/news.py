"""What is to be told of an entry. An event's sentence has names in it, which may have to be learned first.

So reading an entry gathers functions that make the events; they are called when the entry is on disk and the names are
known, or cannot be had.
"""

from collections.abc import Callable

from entrenous.client.alarms import CommitRefused, IdentityChanged, LogsDiffer
from entrenous.client.events import Event, MemberJoined, MemberRemoved, RemovedFromRoom, RoomChanged
from entrenous.client.losses import EntryUnreadable, MessagesMissing
from entrenous.client.rooms.intents import leaves_of
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.room import Epoch, Room
from entrenous.client.rooms.services import Services
from entrenous.client.rooms.timeline import Change
from entrenous.client.store import Transaction, entries
from entrenous.mls.framing import Received
from entrenous.mls.schedule import RatchetKind
from entrenous.wire import LogPosition
from entrenous.wire.types import Entry

#: Makes an event once the names in it are known.
News = Callable[[], Event]


class Teller:
    """What one entry gives reason to tell."""

    def __init__(self, tx: Transaction, room: Room, services: Services, entry: Entry) -> None:
        self._tx = tx
        self._room = room
        self._services = services
        self._sequence = entry.sequence
        self._name = services.people.name

    def unreadable(self, reason: str) -> News:
        """The entry cannot be read."""
        room, sequence = self._room.id, self._sequence
        return lambda: EntryUnreadable(room, sequence, reason)

    def refused(self, rule: str, sender: bytes | None) -> News:
        """The entry is a Commit that breaks a rule."""
        room, sequence, name = self._room.id, self._sequence, self._name
        return lambda: CommitRefused(room, sequence, "" if sender is None else name(sender), rule)

    def evicted(self, sender: bytes) -> News:
        """The entry removes this device."""
        room, title, name = self._room.id, self._room.settings.name, self._name
        return lambda: RemovedFromRoom(room, title, name(sender))

    def changed(self, change: Change, after: Epoch, sender: bytes) -> tuple[News, ...]:
        """The entry is a Commit that was applied."""
        room, name = self._room.id, self._name

        def joined(account: bytes) -> News:
            return lambda: MemberJoined(room, account, name(account), name(sender))

        def removed(account: bytes) -> News:
            return lambda: MemberRemoved(room, account, name(account), name(sender))

        return (
            *(joined(bytes.fromhex(account)) for account in change.added),
            *(removed(bytes.fromhex(account)) for account in change.removed),
            lambda: RoomChanged(room, after.settings.name, after.group.epoch),
        )

    def missing(self, received: Received, sender: bytes) -> tuple[News, ...]:
        """Generations of one sender are contiguous in the log, so a gap proves that entries were left out."""
        leaf, generation = received.sender_leaf, received.generation
        if leaf is None or generation is None:
            return ()
        ratchet = StoredKeys(self._tx, self._room.id).ratchet(leaf, RatchetKind.APPLICATION)
        count = generation - (0 if ratchet is None else ratchet.generation)
        if count <= 0:
            return ()
        room, sequence, name = self._room.id, self._sequence, self._name
        return (lambda: MessagesMissing(room, sequence, name(sender), count),)

    def witness(self, seen: LogPosition, sender: bytes) -> tuple[News, ...]:
        """Compare what the sender saw of the log with what this device saw. A difference is told, never a refusal."""
        newest = self._room.standing.position
        if seen.sequence <= newest.sequence:
            known = newest.hash if seen.sequence == newest.sequence else None
            known = known or entries.log_hash(self._tx, self._room.id, seen.sequence)
            if known is None or known == seen.hash:
                return ()
        room, name = self._room.id, self._name
        return (lambda: LogsDiffer(room, seen.sequence, name(sender)),)

    def meet(self, change: Change, after: Epoch) -> tuple[News, ...]:
        """Pin the identity keys of accounts that joined, and warn of one that is not the pinned one."""
        people, now = self._services.people, self._services.environment.seconds()
        news: list[News] = []
        for account in map(bytes.fromhex, change.added):
            for _, owner in leaves_of(after, account)[:1]:
                if people.see(self._tx, account, owner.identity_key, now):
                    news.append(self._met_changed(account))
        return tuple(news)

    def _met_changed(self, account: bytes) -> News:
        name = self._name
        return lambda: IdentityChanged(account, name(account))
