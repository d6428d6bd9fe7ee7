"""Processes that die at a chosen write: a client's store, a server's database; and how they come back.

A write is a COMMIT, since SQLite keeps its promise that what was not committed never was. Each has two moments to die
at: before it, with everything done and sent that came earlier, and after it, with nothing yet done about it. Whoever
dies does not write, send or show anything any more, and starts again from a copy of his files as they were then.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from entrenous.client.keyfile import StoreKey
from entrenous.client.store import Store
from entrenous.crypto import AeadId
from entrenous.errors import EntrenousError, UnavailableError
from entrenous.server import Server, Settings
from entrenous.server.store import Transaction
from entrenous.testing import ADDRESS, FAST_KSF, MemoryConnector, MemoryServer, SeededEntropy, VirtualClock
from entrenous.testing.members import Person, World

STORE_KEY = StoreKey(bytes(32))
#: The server's database in its folder.
DATABASE = "server.db"
#: Times that a person tries something before he gives up.
TRIES = 500


class Died(BaseException):
    """The process is gone in the middle of what it did. No error: nothing of the program may catch it."""


class Doom:
    """When to die, in moments counted from 1; None never. ``marks`` tells moments apart that differ in their effects.

    Args:
        moment: of dying.
        effects: what the outside has seen so far, as a number that grows.
    """

    def __init__(self, moment: int | None, effects: Callable[[], int]) -> None:
        self._moment = moment
        self._effects = effects
        self.marks: list[tuple[int, int]] = []
        self.has_struck = False
        self.on_death: Callable[[], None] = lambda: None
        self.commits = 0

    def strike(self) -> None:
        """A moment to die at has come."""
        self.marks.append((self.commits, self._effects()))
        if len(self.marks) == self._moment:
            self.has_struck = True
            self.on_death()
            raise Died

    def around(self, commit: Callable[[], Any]) -> Any:
        """Run a COMMIT with its two moments."""
        self.strike()
        result = commit()
        self.commits += 1
        self.strike()
        return result

    def distinct_moments(self) -> list[int]:
        """After a run without a death: the moments of which none is, in the disk and to the outside, as another."""
        before = (None, *self.marks)
        return [number for number, mark in enumerate(self.marks, start=1) if mark != before[number - 1]]


class MortalConnection:
    """Stands between a store and its driver; after the death the driver is out of reach."""

    def __init__(self, real: Any, doom: Doom) -> None:
        self.real = real
        self._doom = doom
        self._is_dead = False

    def die(self) -> None:
        """Nothing passes any more."""
        self._is_dead = True

    @property
    def in_transaction(self) -> bool:
        """Whether there is something to roll back."""
        return not self._is_dead and self.real.in_transaction

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        """Pass a statement on."""
        self._check()
        if sql == "COMMIT" and not self._doom.has_struck:
            return self._doom.around(lambda: self.real.execute(sql))
        return self.real.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any) -> Any:
        """Pass a statement on."""
        self._check()
        return self.real.executemany(sql, parameters)

    def close(self) -> None:
        """Let go of the files."""
        self.real.close()

    def _check(self) -> None:
        if self._is_dead:
            raise Died


def copy_database(source: Path, target: Path) -> None:
    """A database as another process would find it now: the file, and the log of what is not in it yet."""
    for suffix in ("", "-wal"):
        if Path(f"{source}{suffix}").exists():
            shutil.copyfile(f"{source}{suffix}", f"{target}{suffix}")


class MortalClient:
    """A person whose client dies once, and starts again at once."""

    def __init__(self, person: Person, doom: Doom) -> None:
        self.person = person
        self._doom = doom
        self._copy = person.path.with_suffix(".copy.db")
        self._dead = asyncio.Event()
        doom.on_death = self._die
        self._connection = MortalConnection(person.store._connection, doom)
        person.store._connection = self._connection
        self._watching = asyncio.ensure_future(self._rise())

    async def close(self) -> None:
        """Who has died is up again when this returns."""
        if not self._dead.is_set():
            self._watching.cancel()
        await asyncio.wait((self._watching,))
        if not self._watching.cancelled():
            self._watching.result()

    def _die(self) -> None:
        copy_database(self.person.path, self._copy)
        self._connection.die()
        cut_off(self.person)
        self._dead.set()

    async def _rise(self) -> None:
        await self._dead.wait()
        person, client = self.person, self.person.running
        person.client = None
        with contextlib.suppress(Died, EntrenousError):
            await client.close()
        client._subscribers.close()
        if person._listener is not None:
            await person._listener
        self._connection.close()
        person.path = self._copy
        person.store = Store.open(self._copy, STORE_KEY)
        person.begin()


class MortalServer:
    """A world's server, on disk, that dies once, and starts again at once.

    Args:
        world: made with a server of ``start_server``, everybody in it already.
        folder: that server's.
        doom: when it dies.
        patch: undone by the caller.
    """

    def __init__(self, world: World, folder: Path, doom: Doom, patch: pytest.MonkeyPatch) -> None:
        self._world = world
        self._folder = folder
        self._after = folder.with_name(f"{folder.name} again")
        self._dead = asyncio.Event()
        self._is_down = False
        doom.on_death = self._die
        for person in world._people:
            line_of(person).server = self._connect
        self._watching = asyncio.ensure_future(self._rise())
        _kill_at_commit(doom, patch)

    async def close(self) -> None:
        """Who has died is up again when this returns."""
        if not self._dead.is_set():
            self._watching.cancel()
        await asyncio.wait((self._watching,))
        if not self._watching.cancelled():
            self._watching.result()

    def _connect(self) -> asyncio.Protocol:
        """The end of a new connection at the server that lives."""
        if self._is_down:
            raise UnavailableError("the server is dead")
        return self._world.server.server.protocol_factory()()

    def _die(self) -> None:
        shutil.copytree(self._folder / "keys", self._after / "keys")
        copy_database(self._folder / DATABASE, self._after / DATABASE)
        self._is_down = True
        # A dead process works nothing off.
        self._world.server.server.storage._drain = lambda: None  # type: ignore[method-assign] # this one is the dead one's
        for person in self._world._people:
            cut_off(person)
        self._dead.set()

    async def _rise(self) -> None:
        await self._dead.wait()
        for task in self._world.server.server._upkeep:
            task.cancel()
        self._world.server = await start_server(self._after, "server again")
        self._is_down = False
        for person in self._world._people:
            person.running.retry_now()


def _kill_at_commit(doom: Doom, patch: pytest.MonkeyPatch) -> None:
    """Let a server's transactions that write have their two moments."""
    control = Transaction.control
    writes = False

    def mortal(self: Transaction, command: str) -> None:
        nonlocal writes
        if command.startswith("BEGIN"):
            writes = command == "BEGIN IMMEDIATE"
        if command == "COMMIT" and writes and not doom.has_struck:
            doom.around(lambda: control(self, command))
        else:
            control(self, command)

    patch.setattr(Transaction, "control", mortal)


async def start_server(folder: Path, seed: str) -> MemoryServer:
    """A server in memory but for its database and its keys, which are in a folder."""
    clock = VirtualClock(asyncio.get_running_loop())
    settings = Settings(data_dir=folder, public_address=ADDRESS, ksf=FAST_KSF)
    return MemoryServer(
        await Server.open(settings, clock=clock, entropy=SeededEntropy(seed), inline_storage=True), clock
    )


def cut_off(person: Person) -> None:
    """Nothing more leaves this person's connections, nothing more arrives, and both ends learn that they are gone."""
    for wire in line_of(person).wires:
        wire.tamper = lambda _data, _upward: b""
        wire.cut()


def line_of(person: Person) -> MemoryConnector:
    """How a person in memory reaches the server."""
    assert isinstance(person.connector, MemoryConnector)
    return person.connector


async def insist(person: Person, wish: Callable[[Person], Awaitable[None]]) -> None:
    """Have a wish fulfilled as somebody would whose program or server crashed in between: he looks, and tries again.

    Raises:
        AssertionError: it was not fulfilled.
    """
    for _ in range(TRIES):
        client = person.client
        trying = asyncio.ensure_future(wish(person))
        while not trying.done() and person.client is client:
            await asyncio.wait((trying,), timeout=0.1)
        if not trying.done():
            trying.cancel()
            await asyncio.wait((trying,))
            continue
        if isinstance(error := trying.exception(), Died | UnavailableError):
            await asyncio.sleep(0.5)
        elif error is None:
            return
        else:
            raise error
    raise AssertionError(f"{person.name} gave up")


class KeyUse:
    """Every (key, nonce) pair that anybody sealed with under AES-256-GCM, and those that somebody used again."""

    def __init__(self) -> None:
        self._used: set[tuple[bytes, bytes]] = set()
        self.repeated: list[tuple[bytes, bytes]] = []

    def note(self, key: bytes, nonce: bytes) -> None:
        """Somebody seals."""
        pair = (key, nonce)
        if pair in self._used:
            self.repeated.append(pair)
        self._used.add(pair)

    def __len__(self) -> int:
        return len(self._used)


@contextlib.contextmanager
def watched_keys() -> Iterator[KeyUse]:
    """Watch what is sealed in this process, of all its clients and servers, over all their lives."""
    use = KeyUse()

    class Watched:
        def __init__(self, key: bytes) -> None:
            self._key = bytes(key)
            self._real = AESGCM(self._key)

        def encrypt(self, nonce: bytes, data: bytes, aad: bytes | None) -> bytes:
            use.note(self._key, bytes(nonce))
            return self._real.encrypt(nonce, data, aad)

        def decrypt(self, nonce: bytes, data: bytes, aad: bytes | None) -> bytes:
            return self._real.decrypt(nonce, data, aad)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AeadId.AES_256_GCM, "cipher", Watched)
        yield use
