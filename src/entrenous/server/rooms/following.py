"""Keeps what is pushed here in step with the store, whichever node has stored it.

The log is the truth. What this node stores itself is pushed at once if it is the next entry of its room. Everything
else is read from the store: after a nudge from another node, where an entry turns out not to be the next one, and every
few seconds where the store is shared. So entries reach each connection in their order, without gaps and once, however
nudges are lost, repeated, reordered or made up.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping

import structlog

from entrenous.errors import UnavailableError
from entrenous.server.nodes.bus import Bus, News, Nudge
from entrenous.server.rooms.fanout import Fanout, Offer
from entrenous.server.store import Storage, Transaction, news
from entrenous.server.store.news import RoomNews
from entrenous.wire import Entry, RosterAction, RosterChange

#: Rooms that one look reads, and the bytes of entries after which it reads no further room.
ROOMS_AT_ONCE = 32
LOOK_BYTES = 1 << 20
#: Rooms and devices that are kept in mind; beyond it everything is looked at.
MAX_DUE = 10_000
#: Seconds after which a look is tried again that the store did not answer, and between two looks at everything.
RETRY_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Following:
    """See the module.

    Args:
        storage: the store, perhaps shared.
        fanout: the connections here.
        bus: tells the other nodes what was stored here.
    """

    def __init__(self, storage: Storage, fanout: Fanout, bus: Bus) -> None:
        self._storage = storage
        self._fanout = fanout
        self._bus = bus
        #: Rooms to look at, each with the entry after which its roster matters where nobody here listens: -1 for all
        #: of it, who opened the room came before its first entry.
        self._rooms: dict[bytes, int] = {}
        self._devices: set[bytes] = set()
        self._everything = False
        self._inboxes: dict[bytes, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    # What was stored here.

    def created(self, room: bytes, account: bytes) -> None:
        """An account has opened a room."""
        self._fanout.join(room, account, 0)
        self._bus.tell(Nudge(News.COMMIT, room, 0))

    def appended(self, room: bytes, entry: Entry) -> None:
        """A message was stored."""
        if self._fanout.offer(room, entry) is Offer.EARLY:
            self._look_at(room, entry.sequence - 1)
        self._bus.tell(Nudge(News.MESSAGE, room, entry.sequence))

    def committed(self, room: bytes, entry: Entry, roster: Iterable[RosterChange], welcomed: Iterable[bytes]) -> None:
        """A Commit was stored, with its changes of the roster and Welcomes for devices."""
        match self._fanout.offer(room, entry):
            case Offer.PUSHED:
                for change in roster:
                    if change.action is RosterAction.ADD:
                        self._fanout.join(room, change.account, entry.sequence)
                    elif change.action is RosterAction.REMOVE:
                        self._fanout.leave(room, change.account)
            case Offer.EARLY:
                self._look_at(room, entry.sequence - 1)
        # Its sender has it before he has the answer, and goes on from it.
        self._fanout.push_now(room)
        self._fanout.welcome(welcomed)
        self._bus.tell(Nudge(News.COMMIT, room, entry.sequence))

    def doubted(self, room: bytes) -> None:
        """Nobody knows whether an entry was stored."""
        newest = self._fanout.newest(room)
        if newest is not None:
            self._look_at(room, newest)

    def arrived(self, device: bytes, launch: int) -> None:
        """A device has logged in here."""
        self._bus.tell(Nudge(News.DEVICE, device, launch))

    def revoked(self, devices: Iterable[bytes]) -> None:
        """Devices are in no list any more."""
        for device in devices:
            self._end_revoked(device)
            self._bus.tell(Nudge(News.DEVICE, device, 0))

    # What was stored elsewhere.

    def heard(self, nudge: Nudge) -> None:
        """Another node says that there is news. It may be wrong, and is not believed."""
        newest = self._fanout.newest(nudge.id)
        match nudge.news:
            case News.MESSAGE if newest is not None and nudge.number > newest:
                self._look_at(nudge.id, newest)
            case News.COMMIT if newest is None or nudge.number > newest:
                self._look_at(nudge.id, nudge.number - 1)
            case News.DEVICE if self._fanout.launch(nudge.id) not in (None, nudge.number):
                self._devices.add(nudge.id)
                self._soon()
            case News.ANYTHING if self._timer is None:
                # Not as often as somebody likes to say it: it costs the store something.
                self._timer = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._look_later)

    def look_at_everything(self) -> None:
        """There may be news of everybody who is connected here: look soon."""
        self._everything = True
        self._soon()

    async def look(self) -> None:
        """The same, as something to be done every few seconds."""
        self.look_at_everything()

    async def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _look_later(self) -> None:
        self._timer = None
        self.look_at_everything()

    def _look_at(self, room: bytes, after: int) -> None:
        self._rooms[room] = min(after, self._rooms.get(room, after))
        self._soon()

    def _soon(self) -> None:
        if len(self._rooms) + len(self._devices) > MAX_DUE:
            self._rooms.clear()
            self._devices.clear()
            self._everything = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        """Look until nothing is left to look at."""
        try:
            while self._rooms or self._devices or self._everything:
                try:
                    if self._everything:
                        await self._look_everywhere()
                    await self._look_at_devices()
                    await self._look_at_rooms()
                except UnavailableError as error:
                    _log.info("following.store_unavailable", error=str(error))
                    self._everything = True
                    await asyncio.sleep(RETRY_SECONDS)
                except Exception as error:  # noqa: BLE001 a bug of ours: what comes next is told all the same
                    _log.exception("following.failed", error=type(error).__name__)
        finally:
            self._task = None

    async def _look_at_rooms(self) -> None:
        rooms = {room: self._rooms.pop(room) for room in list(self._rooms)[:ROOMS_AT_ONCE]}
        if rooms:
            wanted = {room: (after, self._fanout.newest(room)) for room, after in rooms.items()}
            for found in await self._storage.read(lambda tx: _read(tx, wanted)):
                self._tell(found)

    def _tell(self, found: RoomNews) -> None:
        """Tell the connections here what was read of a room. What came meanwhile has been told, and is not again."""
        room, newest = found.room, self._fanout.newest(found.room)
        if newest is None:
            for account, added_at, removed_at in found.roster:
                if removed_at is None:
                    self._join_late(room, account, added_at, found.newest)
        else:
            self._push(found, newest)
        self._fanout.welcome(found.welcomed)

    def _join_late(self, room: bytes, account: bytes, added_at: int, newest: int) -> None:
        self._fanout.join(room, account, newest)
        if added_at < newest:
            self._fanout.advanced(room, account, newest)

    def _push(self, found: RoomNews, newest: int) -> None:
        changes = _changes(found, newest)
        # Whoever was removed and added again hears nothing of what came between, which is not his.
        for account, added_at, _ in found.roster:
            if added_at > newest:
                self._fanout.leave(found.room, account)
        for entry in found.entries:
            if self._fanout.offer(found.room, entry) is Offer.EARLY:
                self._fanout.skip(found.room, entry.sequence - 1)
                self._fanout.offer(found.room, entry)
            self._follow_roster(found.room, changes.pop(entry.sequence, ()), entry.sequence)
        if found.is_partial:
            self._look_at(found.room, found.newest)
            return
        self._fanout.skip(found.room, found.newest)
        for place in sorted(changes):
            self._follow_roster(found.room, changes[place], max(place, found.newest))

    def _follow_roster(self, room: bytes, changes: Iterable[tuple[bytes, bool]], place: int) -> None:
        for account, is_added in changes:
            if is_added:
                self._fanout.join(room, account, place)
            else:
                self._fanout.leave(room, account)

    async def _look_at_devices(self) -> None:
        devices, self._devices = list(self._devices), set()
        if devices:
            self._end_former(devices, await self._storage.read(lambda tx: news.launches(tx, devices)))

    def _end_former(self, devices: Iterable[bytes], stored: Mapping[bytes, int]) -> None:
        """End the connections of devices that have connected to another node since, or are revoked."""
        for device in devices:
            launch, connection = self._fanout.launch(device), self._fanout.connection(device)
            if launch is None or connection is None:
                continue
            if device not in stored:
                self._end_revoked(device)
            elif stored[device] > launch:
                self._fanout.detach(connection)
                connection.end("this device has connected again")

    def _end_revoked(self, device: bytes) -> None:
        connection = self._fanout.connection(device)
        if connection is not None:
            connection.end("this device was revoked")

    async def _look_everywhere(self) -> None:
        self._everything = False
        rooms, accounts, devices = self._fanout.present()
        # Whoever was added to a room hears of it before he hears that a Welcome waits: so these are asked for first.
        inboxes = await self._storage.read(lambda tx: news.newest_items(tx, devices))
        for room, newest in (await self._storage.read(lambda tx: news.newest_entries(tx, rooms))).items():
            if newest > (self._fanout.newest(room) or 0):
                self._look_at(room, newest - 1)
        for account, room, added_at in await self._storage.read(lambda tx: news.memberships(tx, accounts)):
            self._have_heard(room, account, added_at)
        self._end_former(devices, await self._storage.read(lambda tx: news.launches(tx, devices)))
        for _ in range(0, len(self._rooms), ROOMS_AT_ONCE):
            await self._look_at_rooms()
        self._fanout.welcome(device for device, item in inboxes.items() if item > self._inboxes.get(device, 0))
        self._inboxes = inboxes

    def _have_heard(self, room: bytes, account: bytes, added_at: int) -> None:
        """A member's connections hear of the room, from now on at the latest."""
        if self._fanout.hears(room, account):
            return
        newest = self._fanout.newest(room)
        if newest is not None and added_at <= newest:
            self._join_late(room, account, added_at, newest)
        else:
            self._look_at(room, added_at - 1)


def _read(tx: Transaction, wanted: Mapping[bytes, tuple[int, int | None]]) -> list[RoomNews]:
    found, size = [], LOOK_BYTES
    for room, (after, newest) in wanted.items():
        room_news = news.of_room(
            tx, room, after if newest is None else newest, size=0 if newest is None else max(size, 1)
        )
        if room_news is not None:
            found.append(room_news)
            size -= sum(len(entry.body) for entry in room_news.entries)
    return found


def _changes(found: RoomNews, newest: int) -> dict[int, list[tuple[bytes, bool]]]:
    """Who came (True) or went at which entry after ``newest``."""
    changes: dict[int, list[tuple[bytes, bool]]] = {}
    for account, added_at, removed_at in found.roster:
        if added_at > newest:
            changes.setdefault(added_at, []).append((account, True))
        if removed_at is not None and removed_at > newest:
            changes.setdefault(removed_at, []).append((account, False))
    return changes
