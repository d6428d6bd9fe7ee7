"""A server that lies: the real one, with a hand in what it answers and pushes. Every lie ends with ``be_honest``.

Some lies are *passing*: nothing that a device was shown is untrue, it only comes late, twice or in another order. The
others show a device another log than the others have; who was told such a lie is noted in ``deceived``.
"""

import asyncio
import enum
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from entrenous.channel import frame_message
from entrenous.crypto import SigningKey
from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError, UnavailableError
from entrenous.identity import AccountIdentity, DeviceKeys, DeviceList, SignedDeviceList, sign_device_list
from entrenous.mls.types import ContentType, MLSMessage, message_header
from entrenous.server import Server
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import Caller
from entrenous.server.rooms.outlets import Subscriber
from entrenous.server.store import Transaction, group_states, log
from entrenous.testing import SeededEntropy
from entrenous.wire import ErrorCode, encode_event, replies, requests
from entrenous.wire.events import InboxChanged, LogAdvanced, NewEntry
from entrenous.wire.limits import MAX_BLOB_SIZE, MAX_FETCH
from entrenous.wire.types import Entry, InboxItem, RoomHead
from handlers import Handler, handlers

#: Inbox items of another log than the real one count from here.
_OTHER_INBOX = 1 << 40
#: Entries that a server holds back to give them in another order.
_HELD = 3


class Trick(enum.Enum):
    """What becomes of the next entry on its way into the log that some devices are shown."""

    OMIT = "left out"
    ALTER = "changed in its last byte"
    GARBAGE = "bytes that are no message"
    REPEAT = "shown twice"
    SWAP = "shown behind the entry after it"
    RENAME = "shown under another message id"


class RosterLie(enum.Enum):
    """What ListRooms says of a room."""

    GONE = "you were removed"
    MISSING = "you were never in it"
    SHORT = "it has no entries"
    LONG = "it has many more entries"
    MANAGER = "you may not manage it, or you may"


@dataclass(slots=True)
class Mood:
    """How the server treats one device at the moment.

    Attributes:
        delay: seconds that each answer takes longer.
        lost_replies: publishes and Commits that are carried out and answered as if they had not been.
        conflicts: publishes and Commits that are refused for a Commit that does not exist, and its distance.
        hidden_from: by room, the last entry that is shown.
        old_state: who joins is given the group's state as it was before.
        old_vault: the login tells of an older vault and device list.
        ghost: accounts are shown with a device more than they have.
        rosters: by room, what is told of the membership.
    """

    drops: bool = False
    doubles: bool = False
    shuffles: bool = False
    delay: float = 0.0
    lost_replies: int = 0
    conflicts: deque[int] = field(default_factory=deque)
    hidden_from: dict[bytes, int] = field(default_factory=dict)
    old_state: bool = False
    old_vault: bool = False
    ghost: bool = False
    rosters: dict[bytes, RosterLie] = field(default_factory=dict)
    held: list[tuple[bytes, Entry]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Branch:
    """Another log of one room, and the devices that are shown it.

    Attributes:
        follows: what is new in the real log comes here too, and the other way round; else the two go apart.
        states: what joiners are given, by Commit entry.
        tricks: what becomes of the next entries from the real log.
    """

    room: bytes
    follows: bool
    first: int
    newest: int
    newest_commit: int
    entries: dict[int, Entry]
    state: replies.GroupState
    devices: set[bytes]
    states: dict[int, replies.GroupState] = field(default_factory=dict)
    published: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    tricks: deque[Trick] = field(default_factory=deque)
    late: Entry | None = None

    def append(self, message_id: bytes, body: bytes, received_at: int) -> Entry:
        self.newest += 1
        entry = Entry(self.newest, message_id, body, received_at)
        self.entries[self.newest] = entry
        if is_commit(body):
            self.newest_commit = self.newest
        return entry

    def place_of(self, body: bytes) -> int:
        """Where an entry stands here; if it does not, where it could be said to stand."""
        return next((number for number, entry in self.entries.items() if entry.body == body), self.newest + 1)

    def run(self, after: int, limit: int) -> replies.Entries:
        start = max(after + 1, self.first)
        found = tuple(self.entries[number] for number in range(start, min(self.newest + 1, start + limit)))
        return replies.Entries(self.room, self.first, self.newest, found)


class LyingServer:
    """Takes a server's handlers and its fan-out into its hands.

    Attributes:
        deceived: room and account of those who were shown another log than the others.
        feeds_removed: whether accounts that were removed are still shown everything.
        bugs: what the server's own handlers raised that is none of our errors.
    """

    def __init__(self, server: Server, seed: str) -> None:
        self.server = server
        self.fanout = server.services.fanout
        self.entropy = SeededEntropy(seed)
        self.moods: defaultdict[bytes, Mood] = defaultdict(Mood)
        self.views: dict[tuple[bytes, bytes], Branch] = {}
        self.accounts: dict[bytes, bytes] = {}
        self.deceived: set[tuple[bytes, bytes]] = set()
        self.feeds_removed = False
        self.bugs: list[Exception] = []
        self._inbox: defaultdict[bytes, list[InboxItem]] = defaultdict(list)
        self._items = _OTHER_INBOX
        table = handlers(server.services)
        for kind, honest in list(table.items()):
            table[kind] = self._wrapped(honest)
        self.fanout.publish = self._publish  # type: ignore[method-assign] # the hand in what is pushed
        self._log_in, login = server.services.login.device, server.services.login
        object.__setattr__(server.services, "login", _Login(login, self._device_login))

    # What a test asks for.

    def mood(self, device: bytes) -> Mood:
        """How a device is treated, to be changed."""
        return self.moods[device]

    async def fork(self, room: bytes, devices: set[bytes], *, follows: bool, tricks: tuple[Trick, ...] = ()) -> None:
        """Show devices a log of their own from now on; those that are shown one already keep it."""
        devices = {device for device in devices if (device, room) not in self.views}
        for device in devices:
            self._deceive(room, device)
        if devices:
            branch = await self._branch(room, devices, follows=follows)
            branch.tricks.extend(tricks)
            self.views.update({(device, room): branch for device in devices})

    async def be_honest(self) -> None:
        """Show everybody the real log, all of it, and tell them that it is there."""
        self.moods.clear()
        self.views.clear()
        self._inbox.clear()
        self.feeds_removed = False
        for room, subscribers in self.fanout._rooms.items():
            ((newest, _, _),) = await self._heads(room)
            for subscriber in list(subscribers):
                subscriber.outlet.push(frame_message(encode_event(LogAdvanced(room, newest))))
        for device, subscriber in list(self.fanout._devices.items()):
            del device
            subscriber.outlet.push(frame_message(encode_event(InboxChanged())))

    async def sql(self, text: str, *parameters: object) -> list[Any]:
        """What a server can do to what it keeps."""

        def operation(tx: Transaction) -> list[Any]:
            tx._cursor.execute(text, parameters)
            return list(tx._cursor.fetchall()) if text.startswith("SELECT") else []

        return await self.server.storage.write(operation)

    async def room_log(self, room: bytes) -> tuple[Entry, ...]:
        """The real log."""
        ((newest, _, _),) = await self._heads(room)
        return await self.server.storage.read(
            lambda tx: log.fetch(tx, room, 0, newest, limit=MAX_FETCH, size=MAX_BLOB_SIZE)
        )

    # Answers.

    def _wrapped(self, honest: Handler) -> Handler:
        async def answer(caller: Caller, request: Any) -> Any:
            self.accounts[caller.device] = caller.account
            mood = self.moods[caller.device]
            if mood.delay:
                await asyncio.sleep(mood.delay)
            try:
                reply = await self._reply(caller, request, honest)
            except EntrenousError:
                raise
            except Exception as bug:
                self.bugs.append(bug)
                raise
            if mood.lost_replies and isinstance(request, (requests.Publish, requests.Commit)):
                mood.lost_replies -= 1
                raise UnavailableError("whether it was stored is not known")
            return reply

        return answer

    async def _reply(self, caller: Caller, request: Any, honest: Handler) -> Any:
        mood = self.moods[caller.device]
        branch = self.views.get((caller.device, getattr(request, "room", b"")))
        match request:
            case requests.Publish() | requests.Commit():
                if mood.conflicts:
                    invented = request.base + mood.conflicts.popleft()
                    raise RefusedError("DS-BASE", ErrorCode.CONFLICT, "a Commit came between", invented)
                if branch is not None:
                    return await self._store(branch, caller, request, honest)
            case requests.Fetch():
                return await self._fetch(branch, caller, request, honest)
            case requests.FetchGroupState():
                return await self._group_state(branch, caller, request, honest)
            case requests.ListRooms():
                return await self._list(caller, request, honest)
            case requests.Acknowledge() if branch is not None:
                return replies.Done()
            case requests.FetchInbox() | requests.DropInbox() if self._inbox[caller.device]:
                return await self._mail(caller, request, honest)
            case requests.FindAccount() if mood.ghost:
                return self._haunted(await honest(caller, request))
        return await honest(caller, request)

    async def _mail(self, caller: Caller, request: requests.FetchInbox | requests.DropInbox, honest: Handler) -> Any:
        """The inbox of a device that was added to a room in another log than the real one."""
        if isinstance(request, requests.FetchInbox):
            return replies.Inbox(tuple(self._inbox[caller.device]))
        if request.id < _OTHER_INBOX:
            return await honest(caller, request)
        self._inbox[caller.device] = [item for item in self._inbox[caller.device] if item.id > request.id]
        return replies.Done()

    async def _store(self, branch: Branch, caller: Caller, request: Any, honest: Handler) -> replies.Published:
        before = branch.published.get((caller.device, request.message_id))
        if before is not None:
            return replies.Published(before)
        if request.base != branch.newest_commit:
            raise RefusedError("DS-BASE", ErrorCode.CONFLICT, "a Commit came between", branch.newest_commit)
        if branch.follows:
            ((_, newest_commit, _),) = await self._heads(branch.room)
            await honest(caller, msgspec.structs.replace(request, base=newest_commit))
            place = branch.place_of(request.entry)
        else:
            place = self._append(branch, request.message_id, request.entry).sequence
            if isinstance(request, requests.Commit):
                self._begin_state(branch, request, place)
        branch.published[caller.device, request.message_id] = place
        return replies.Published(place)

    def _begin_state(self, branch: Branch, request: requests.Commit, place: int) -> None:
        if request.tree is not None:
            branch.state = replies.GroupState(request.group_info, request.tree, ())
        else:
            changes = (*branch.state.node_changes, request.node_changes)
            branch.state = replies.GroupState(request.group_info, branch.state.tree, changes)
        branch.states[place] = branch.state
        for welcome in request.welcomes:
            self._items += 1
            self._inbox[welcome.device].append(InboxItem(self._items, branch.room, place, welcome.welcome))
            self.accounts[welcome.device] = welcome.account
            self._deceive(branch.room, welcome.device)
            self.views[welcome.device, branch.room] = branch
            branch.devices.add(welcome.device)
            self._send(welcome.device, encode_event(InboxChanged()))

    async def _fetch(self, branch: Branch | None, caller: Caller, request: requests.Fetch, honest: Handler) -> Any:
        if branch is not None:
            return branch.run(request.after, request.limit)
        if self.feeds_removed:
            ((newest, _, first),) = await self._heads(request.room)
            found = await self.room_log(request.room)
            kept = tuple(entry for entry in found if entry.sequence > request.after)[: request.limit]
            return replies.Entries(request.room, first, newest, kept)
        answer = await honest(caller, request)
        last = self.moods[caller.device].hidden_from.get(request.room)
        if last is None:
            return answer
        kept = tuple(entry for entry in answer.entries if entry.sequence <= last)
        return replies.Entries(answer.room, answer.first_available, min(last, answer.newest), kept)

    async def _group_state(
        self, branch: Branch | None, caller: Caller, request: requests.FetchGroupState, honest: Handler
    ) -> Any:
        if branch is not None and request.sequence in branch.states:
            return branch.states[request.sequence]
        answer = await honest(caller, request)
        if not self.moods[caller.device].old_state:
            return answer
        commits = await self.sql(
            "SELECT sequence FROM group_states WHERE room = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1",
            request.room,
            request.sequence,
        )
        if not commits:
            return answer
        return await self.server.storage.read(lambda tx: group_states.fetch(tx, request.room, commits[0][0])) or answer

    async def _list(self, caller: Caller, request: requests.ListRooms, honest: Handler) -> replies.Rooms:
        answer = await honest(caller, request)
        heads = {head.room: head for head in answer.rooms}
        for (device, room), branch in self.views.items():
            if device == caller.device:
                heads[room] = RoomHead(room, branch.newest, branch.newest_commit, branch.first, False, None)
        mood = self.moods[caller.device]
        for room, last in mood.hidden_from.items():
            if room in heads:
                heads[room] = msgspec.structs.replace(heads[room], newest=min(heads[room].newest, last))
        for room, lie in mood.rosters.items():
            if room in heads:
                heads[room] = _lie_about(heads[room], lie)
        lies = mood.rosters
        return replies.Rooms(tuple(head for head in heads.values() if lies.get(head.room) is not RosterLie.MISSING))

    def _haunted(self, account: replies.Account) -> replies.Account:
        """The account with the server's own device in its list, which the account has not signed."""
        ghost = DeviceKeys.generate(self.entropy)
        mine = AccountIdentity(account.account, SigningKey.generate(self.entropy))
        devices = SignedDeviceList.decode(account.device_list).list
        haunted = DeviceList(devices.account_id, devices.version + 1, (*devices.devices, ghost.entry), devices.revoked)
        return msgspec.structs.replace(account, device_list=sign_device_list(mine, haunted))

    async def _device_login(self, request: requests.DeviceLogin, binding: Any) -> Any:
        reply, rooms = await self._log_in(request, binding)
        if self.moods[request.device].old_vault:
            older = {"vault_version": max(reply.vault_version - 1, 0), "device_list_version": 0}
            reply = msgspec.structs.replace(reply, **older)
        return reply, rooms

    # Pushes.

    def _publish(self, room: bytes, entry: Entry) -> None:
        """In place of the fan-out's own."""
        for branch in {branch for (_, shown), branch in self.views.items() if shown == room and branch.follows}:
            self._follow(branch, entry)
        listening = set(self.fanout._rooms.get(room, {}))
        if self.feeds_removed:
            listening |= set(self.fanout._devices.values())
        for subscriber in sorted(listening, key=lambda each: each.device):
            if (subscriber.device, room) not in self.views:
                self._push(subscriber, room, entry)

    def _push(self, subscriber: Subscriber, room: bytes, entry: Entry) -> None:
        mood = self.moods[subscriber.device]
        if mood.drops or entry.sequence > mood.hidden_from.get(room, entry.sequence):
            return
        if mood.shuffles:
            mood.held.append((room, entry))
            if len(mood.held) < _HELD:
                return
            ready, mood.held = mood.held[::-1], []
        else:
            ready = [(room, entry)]
        for where, each in ready * (2 if mood.doubles else 1):
            subscriber.outlet.push(frame_message(encode_event(NewEntry(where, each))))

    def _follow(self, branch: Branch, entry: Entry) -> None:
        """An entry of the real log comes into another one, perhaps not as it is."""
        trick = branch.tricks.popleft() if branch.tricks else None
        message_id, body = entry.message_id, entry.body
        match trick:
            case Trick.OMIT:
                return
            case Trick.SWAP if branch.late is None:
                branch.late = entry
                return
            case Trick.ALTER:
                body = body[:-1] + bytes([body[-1] ^ 1])
            case Trick.GARBAGE:
                body = self.entropy(200)
            case Trick.RENAME:
                message_id = self.entropy(len(message_id))
        self._append(branch, message_id, body)
        if trick is Trick.REPEAT:
            self._append(branch, self.entropy(len(message_id)), body)
        if branch.late is not None:
            late, branch.late = branch.late, None
            self._append(branch, late.message_id, late.body)

    def _append(self, branch: Branch, message_id: bytes, body: bytes) -> Entry:
        entry = branch.append(message_id, body, int(self.server._clock.now() * 1000))
        for device in sorted(branch.devices):
            self._send(device, encode_event(NewEntry(branch.room, entry)))
        return entry

    def _send(self, device: bytes, event: bytes) -> None:
        subscriber = self.fanout.connection(device)
        if subscriber is not None and not self.moods[device].drops:
            subscriber.outlet.push(frame_message(event))

    # What there is.

    def _deceive(self, room: bytes, device: bytes) -> None:
        if device in self.accounts:
            self.deceived.add((room, self.accounts[device]))

    async def _heads(self, room: bytes) -> list[Any]:
        return await self.sql("SELECT newest, newest_commit, first_available FROM rooms WHERE id = ?", room)

    async def _branch(self, room: bytes, devices: set[bytes], *, follows: bool) -> Branch:
        ((newest, newest_commit, first),) = await self._heads(room)
        entries = {entry.sequence: entry for entry in await self.room_log(room)}
        state = await self.server.storage.read(lambda tx: group_states.fetch(tx, room, newest_commit))
        if state is None:
            raise AssertionError("the server keeps the state of its newest Commit")
        return Branch(room, follows, first, newest, newest_commit, entries, state, set(devices))


class _Login:
    """The server's logins, of which one kind is answered by somebody else."""

    def __init__(self, honest: Any, device: Any) -> None:
        self._honest = honest
        self.device = device

    def __getattr__(self, name: str) -> Any:
        return getattr(self._honest, name)


def is_commit(body: bytes) -> bool:
    """Whether an entry is a Commit, as far as it tells in clear."""
    try:
        header = message_header(MLSMessage.decode(body))
    except (MalformedError, RejectedError, CryptoError):
        return False
    return header is not None and header.content_type is ContentType.COMMIT


def _lie_about(head: RoomHead, lie: RosterLie) -> RoomHead:
    match lie:
        case RosterLie.GONE:
            return msgspec.structs.replace(head, removed_at=head.newest)
        case RosterLie.SHORT:
            return msgspec.structs.replace(head, newest=0, newest_commit=0)
        case RosterLie.LONG:
            return msgspec.structs.replace(head, newest=head.newest + 1_000)
        case RosterLie.MANAGER:
            return msgspec.structs.replace(head, may_manage=not head.may_manage)
    return head
