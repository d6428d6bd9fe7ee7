"""What a client writes to disk for one application message, in groups of any size; prints a table.

The group is made with the library and put into a client's store as the client puts it there; what is measured is the
client's own way of a message through that store, out (said, protected, accepted, seen in the log) and in. Rows are
those that SQLite says it changed, bytes those of the values written, and the log is the WAL: what really reaches the
disk, in whole pages.

    PYTHONPATH=tests python -m store_sizes [--members 2 100 1000]
"""

import argparse
import math
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from entrenous.client.environment import Environment
from entrenous.client.events import Event
from entrenous.client.inbox import take
from entrenous.client.keyfile import StoreKey
from entrenous.client.message_ids import MessageIds
from entrenous.client.outbox import Outbox
from entrenous.client.own_device import OwnDevice
from entrenous.client.people import People
from entrenous.client.rooms.commits import stage_commit, stored_request
from entrenous.client.rooms.intents import WHENEVER, RenewKeys
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.room import Epoch, Room, begin_epoch
from entrenous.client.rooms.sealed import AccessKey
from entrenous.client.rooms.services import Services
from entrenous.client.store import Store, keys, rooms, stages
from entrenous.client.store.rooms import Standing
from entrenous.client.store.store import Parameters
from entrenous.client.views import MessageKind, RoomState
from entrenous.content import (
    ROOM_SETTINGS_EXTENSION,
    Content,
    JoinPolicy,
    MemberRole,
    Role,
    RoomSettings,
    SettingsVersion,
    Text,
    padded_size,
)
from entrenous.crypto import SigningKey
from entrenous.errors import UnavailableError
from entrenous.identity import AccountIdentity, DeviceKeys
from entrenous.mls.framing import protect_application
from entrenous.mls.group import NewEpoch
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.types import Extension
from entrenous.testing.entropy import SeededEntropy
from entrenous.trace import SILENT, Trace
from entrenous.wire import LogPosition, MessageData
from entrenous.wire.types import Entry
from mls_members import NOW
from room_devices import Device

KEY = StoreKey(bytes(range(32)))
ROOM = b"a room of size N"
TEXT = "What a person says in one line."
#: The bound on what one message writes: bytes at any size, and bytes for each level of the group's tree.
FIXED, PER_LEVEL = 4096, 100


#: What is measured.
FIRST_SENT, LATER_SENT = "sent, the first of the epoch", "sent, a later one"
FIRST_RECEIVED, LATER_RECEIVED = "received, its leaf's first", "received, a later one"


def bound(members: int) -> float:
    """The most bytes that one message may write in a group of so many members."""
    return FIXED + PER_LEVEL * math.log2(members)


@dataclass(frozen=True, slots=True)
class Written:
    """What reached the store: rows, bytes of their values, bytes that the write-ahead log grew by; and the tables."""

    rows: int
    size: int
    log: int
    tables: frozenset[str]


class CountedConnection:
    """The driver's connection, with what is written through it counted."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.size = 0
        self.statements: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: Parameters = ()) -> Any:
        if _writes(sql):
            self.size += sum(map(_size, parameters))
            self.statements.append(sql)
        return self._connection.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Sequence[Parameters]) -> Any:
        self.size += sum(_size(value) for row in parameters for value in row)
        self.statements.append(sql)
        return self._connection.executemany(sql, parameters)


_WRITE = re.compile(r"\s*(?:INSERT (?:OR REPLACE )?INTO|UPDATE|DELETE FROM) (\w+)")


def _writes(sql: str) -> bool:
    return sql.lstrip().partition(" ")[0] not in ("SELECT", "PRAGMA", "BEGIN", "COMMIT", "ROLLBACK")


def _table_of(sql: str) -> str:
    found = _WRITE.match(sql)
    assert found is not None, sql
    return found[1]


def _size(value: object) -> int:
    """Bytes that SQLite stores of a value."""
    match value:
        case bytes():
            return len(value)
        case str():
            return len(value.encode())
        case int():
            return (value.bit_length() + 8) // 8
        case None:
            return 0
    raise TypeError(type(value))


class CountedStore(Store):
    """A client's store that tells what was written."""

    path: Path
    counted: CountedConnection

    @classmethod
    def of(cls, path: Path) -> Self:
        store = cls.open(path, KEY)
        store.path = path
        store.counted = store._connection = CountedConnection(store._connection)
        return store

    def measure(self, work: Callable[[], object]) -> Written:
        """What a piece of work writes."""
        self.scrub()
        counted, wal = self.counted, self.path.with_name(self.path.name + "-wal")
        rows, size, statements = counted.total_changes, counted.size, len(counted.statements)
        work()
        tables = frozenset(map(_table_of, counted.statements[statements:]))
        return Written(counted.total_changes - rows, counted.size - size, wal.stat().st_size, tables)


class NobodyToAsk:
    """No server: nothing that is measured here asks one."""

    async def call(self, request: object, expected: type[Any]) -> Any:
        raise UnavailableError(f"{request!r} needs a server, for {expected}")


@dataclass(frozen=True)
class FixedClock:
    """The moment when everything here happens."""

    def now(self) -> float:
        return float(NOW)


@dataclass
class SizedGroup:
    """A group at the very beginning of an epoch: its founder and one other, who have said nothing yet."""

    founder: Device
    epoch: NewEpoch
    other: Device
    settings: RoomSettings

    @classmethod
    def of(cls, members: int) -> Self:
        """So many members, each an account of its own."""
        people = [_device(number) for number in range(members)]
        roster = sorted((MemberRole(person.owner.account_id, Role.MEMBER) for person in people), key=_account_of)
        settings = RoomSettings(
            SettingsVersion.V1, "Garden", "", tuple(roster), (), 30 * 86_400, JoinPolicy.MEMBERS_ADD, ()
        )
        founder, other = people[0], people[-1]
        founder.create(ROOM, [Extension(ROOM_SETTINGS_EXTENSION, settings.encode())])
        own = founder.prepare(*(person.key_package() for person in people[1:]))
        founder.enter(own.epoch)
        other.join(own.welcome, founder.group.tree)
        return cls(founder, own.epoch, other, settings)


def _account_of(member: MemberRole) -> bytes:
    return member.account_id


def _device(number: int) -> Device:
    def key(role: int) -> SigningKey:
        return SigningKey.from_seed(bytes([role]) * 28 + number.to_bytes(4, "big"))

    identifier = number.to_bytes(16, "big")
    return Device(AccountIdentity(identifier, key(1)), DeviceKeys(identifier, key(2), key(3)), ROOM_SUITE)


class OneClient:
    """The founder's client, as far as messages need it, with the test in the server's place."""

    def __init__(self, store: Store, group: SizedGroup, trace: Trace = SILENT) -> None:
        self.store, self.group = store, group
        founder = group.founder
        environment = Environment(FixedClock(), SeededEntropy("a client"), trace)
        account = founder.owner.account_id
        key = founder.owner.credential.identity_key
        device_id = founder.device.device_id
        device = OwnDevice(account, device_id, "founder", key, 1, founder.device.mls, founder.profile)
        self.told: list[Event] = []
        self.services = Services(
            store,
            environment,
            device,
            People(store, account, "founder"),
            NobodyToAsk(),
            MessageIds(environment.entropy),
            self.told.append,
        )
        epoch = Epoch(group.epoch.group, group.settings, AccessKey.of_epoch(group.epoch.group, 1))
        with store.transaction() as tx:
            rooms.put_standing(tx, ROOM, Standing(RoomState.ACTIVE, LogPosition.start(ROOM), 0, 0, 0, 0, 0))
            begin_epoch(tx, ROOM, epoch, group.epoch.nodes, 0)
        self.room = Room.load(store, ROOM)
        self.outbox = Outbox(self.services)

    def sends(self) -> bytes:
        """A message's whole way out, until the log has shown it; returns what was sent."""
        self.outbox.say(self.room, Text(TEXT))
        request = self.outbox.next_request(self.room)
        assert request is not None
        sequence = self.room.standing.position.sequence + 1
        self.outbox.accepted(self.room, request.message_id, sequence)
        self._shows(request.message_id, request.entry)
        return request.entry

    def stages(self) -> bytes:
        """A Commit that renews the founder's keys is made and stored; returns what would be sent."""
        with self.store.transaction() as tx:
            staged = stage_commit(
                self.room,
                StoredKeys(tx, ROOM),
                RenewKeys(WHENEVER),
                self.services.device,
                self.services.ids.next(),
                self.services.environment,
                is_own_chain=False,
            )
            assert staged is not None
            keys.apply(tx, ROOM, staged.changes)
            stages.put(tx, ROOM, staged.intent, staged.row)
        return stored_request(staged.row).entry

    def takes(self, commit: bytes) -> None:
        """The log shows a Commit."""
        sequence = self.room.standing.position.sequence + 1
        taken = take(self.room, self.services, Entry(sequence, b"a commit 123", commit, NOW * 1000))
        assert taken.row.kind is MessageKind.CHANGE

    def receives(self, entry: Entry) -> None:
        """A message of the other's, as it comes out of the log."""
        self._shows(entry.message_id, entry.body)

    def others_entry(self) -> Entry:
        """The next message of the other, as the log will show it."""
        other, position = self.group.other, self.room.standing.position
        message_id = b"other id" + position.sequence.to_bytes(4, "big")
        protected = protect_application(
            other.group,
            other.keys,
            other.signer,
            Content(message_id, NOW * 1000, Text(TEXT)).encode(),
            MessageData(position).encode(),
            padding=padded_size,
            entropy=other.entropy,
        )
        other.keys.apply(protected.changes)
        return Entry(position.sequence + 1, message_id, protected.message, NOW * 1000)

    def _shows(self, message_id: bytes, body: bytes) -> None:
        sequence = self.room.standing.position.sequence + 1
        taken = take(self.room, self.services, Entry(sequence, message_id, body, NOW * 1000))
        assert taken.row.kind is MessageKind.TEXT
        assert taken.row.body == TEXT


def measure(folder: Path, members: int) -> dict[str, Written]:
    """What each kind of message writes in a group of so many members."""
    store = CountedStore.of(folder / f"{members}.db")
    client = OneClient(store, SizedGroup.of(members))
    written = {name: store.measure(client.sends) for name in (FIRST_SENT, LATER_SENT)}
    for name in (FIRST_RECEIVED, LATER_RECEIVED):
        written[name] = store.measure(partial(client.receives, client.others_entry()))
    store.close()
    return written


def main() -> None:
    """Print what each kind of message writes at each size, and the bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[2, 100, 1000])
    sizes = parser.parse_args().members
    _tell(f"{'members':>7}  {'message':<28} {'rows':>4} {'bytes':>6} {'at most':>7} {'WAL bytes':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for members in sizes:
            for name, each in measure(Path(folder), members).items():
                _tell(f"{members:>7}  {name:<28} {each.rows:>4} {each.size:>6} {bound(members):>7.0f} {each.log:>9}")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
