"""People in memory: real clients with real cryptography, talking to a real server, under virtual time.

async with await World.open() as world:
    alice, bob = await world.people("alice", "bob")
    room = await alice.do(CreateRoom("Garden"))
    await alice.do(InviteMember(room.room, "bob"))
    await bob.sees(RoomJoined)
"""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from entrenous.channel import HYBRID, Suite
from entrenous.client import Client, Command, Event, MessageArrived, SendText
from entrenous.client.accounts import ServerAddress, Stretching, log_in, register
from entrenous.client.environment import Environment, in_place
from entrenous.client.keyfile import StoreKey
from entrenous.client.session import Connector
from entrenous.client.store import Store
from entrenous.crypto import Entropy
from entrenous.errors import UnavailableError
from entrenous.server import Limits
from entrenous.testing.clock import VirtualClock
from entrenous.testing.entropy import SeededEntropy
from entrenous.testing.server import FAST_KSF, MemoryServer
from entrenous.trace import SILENT, Trace

Result = TypeVar("Result")
E = TypeVar("E", bound=Event)

#: Everybody's password: strong enough to be taken, and no secret.
PASSWORD = "maple-orbit-velvet-canyon-thunder"  # noqa: S105 it opens nothing but tests
#: Virtual seconds in which anything that a test waits for must have happened.
PATIENCE = 300.0
_STORE_KEY = StoreKey(bytes(32))
_FAST = Stretching(FAST_KSF, FAST_KSF)


def _anything(_: object) -> bool:
    return True


@dataclass
class Person:
    """Somebody with an account and a device.

    Attributes:
        connector: how the server is reached; a test may take it away.
        events: everything the client has told, in order, over all its runs.
    """

    name: str
    path: Path
    connector: Connector
    environment: Environment
    seed: SeededEntropy
    store: Store
    client: Client | None = None
    runs: int = 0
    events: list[Event] = field(default_factory=list)
    _read: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the client, and wait until it has read what is there for it, and others can add it."""
        self.begin()
        async with asyncio.timeout(PATIENCE):
            await self.running.wait_until_caught_up()

    def begin(self) -> None:
        """Open the client, which begins to connect."""
        self.runs += 1
        # Each run draws from a source of its own: two runs must never agree by accident of the seed.
        entropy: Entropy = self.seed.child(f"run {self.runs}")
        environment = Environment(self.environment.clock, entropy, self.environment.trace, self.environment.offload)
        self.client = Client.open(self.store, self.connector, environment)
        self._listener = asyncio.get_running_loop().create_task(self._listen(self.client))

    async def stop(self) -> None:
        """Close the client and the store; nothing that was not on disk is kept."""
        client, self.client = self.running, None
        await client.close()
        if self._listener is not None:
            await self._listener
        self.store.close()

    async def come_back(self) -> None:
        """After ``stop``: start again from what is on disk."""
        self.store = Store.open(self.path, _STORE_KEY)
        await self.start()

    async def restart(self) -> None:
        """Stop, and start again from what is on disk."""
        await self.stop()
        await self.come_back()

    @property
    def running(self) -> Client:
        """The client.

        Raises:
            UnavailableError: it is not running.
        """
        if self.client is None:
            raise UnavailableError(f"{self.name}'s client is not running")
        return self.client

    async def do(self, command: Command[Result]) -> Result:
        """Carry out a command; in time, or the test fails."""
        async with asyncio.timeout(PATIENCE):
            return await self.running.do(command)

    async def says(self, room: bytes, text: str) -> None:
        """Send a text."""
        await self.do(SendText(room, text))

    async def sees(self, kind: type[E], matching: Callable[[E], bool] = _anything) -> E:
        """Wait for an event, starting behind the last one that was waited for.

        Raises:
            TimeoutError: it did not come.
        """
        event, self._read = await self._wait_for(kind, matching, self._read)
        return event

    async def has(self, kind: type[E], matching: Callable[[E], bool] = _anything) -> E:
        """Wait for an event that may have come at any time before, in any order.

        Raises:
            TimeoutError: it did not come.
        """
        return (await self._wait_for(kind, matching, 0))[0]

    async def _wait_for(self, kind: type[E], matching: Callable[[E], bool], start: int) -> tuple[E, int]:
        """The first such event from an index on, and the index behind it."""

        def found() -> tuple[E, int] | None:
            for index in range(start, len(self.events)):
                event = self.events[index]
                if isinstance(event, kind) and matching(event):
                    return event, index + 1
            return None

        async with asyncio.timeout(PATIENCE), self._news:
            while (result := found()) is None:
                await self._news.wait()
        return result

    async def reads(self, text: str) -> MessageArrived:
        """Wait until a text arrives."""
        return await self.sees(MessageArrived, lambda event: event.message.text == text)

    def saw(self, kind: type[E]) -> list[E]:
        """All events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def _listen(self, client: Client) -> None:
        async for event in client.events():
            self.events.append(event)
            async with self._news:
                self._news.notify_all()


@dataclass
class World:
    """A server and people. Made by ``open``; ``close`` ends all of it, or use it as a context manager."""

    server: MemoryServer
    directory: Path
    seed: SeededEntropy
    trace: Trace
    suite: Suite
    _temporary: "tempfile.TemporaryDirectory[str] | None"
    _people: list[Person] = field(default_factory=list)

    @classmethod
    async def open(
        cls,
        directory: Path | None = None,
        *,
        seed: str = "world",
        limits: Limits | None = None,
        trace: Trace = SILENT,
        server: MemoryServer | None = None,
        suite: Suite = HYBRID,
    ) -> "World":
        """Start a server, with nobody there yet.

        Args:
            directory: where the people's stores live; None makes one and deletes it at the end.
            seed: of everybody's randomness: the same seed gives the same run.
            limits: the server's.
            trace: sees all derivations of the people's clients.
            server: one that runs already.
            suite: of everybody's channels.
        """
        temporary = None if directory else tempfile.TemporaryDirectory()
        where = directory or Path(temporary.name if temporary else "")
        server = server or await MemoryServer.start(limits=limits)
        return cls(server, where, SeededEntropy(seed), trace, suite, temporary)

    async def people(self, *names: str) -> tuple[Person, ...]:
        """Register accounts of these names, and start their clients."""
        return tuple([await self.person(name) for name in names])

    async def person(self, name: str, connector: Connector | None = None) -> Person:
        """Register one account, start its client, and wait until others can add it to their rooms.

        Args:
            name: the login name.
            connector: how it reaches the server; in memory by default.
        """
        person = self._profile(name, name, connector)
        link = await self.server.server.create_invite(uses=1, lifetime=3_600)
        await register(
            link,
            person.connector,
            person.store,
            person.environment,
            login_name=name,
            password=PASSWORD,
            suite=self.suite,
            stretching=_FAST,
        )
        await person.start()
        return person

    async def new_device(self, name: str, connector: Connector | None = None) -> Person:
        """Log an account in on an empty profile, which becomes its one device, and start the client."""
        person = self._profile(name, f"{name}'s device {len(self._people)}", connector)
        address = ServerAddress("chat.example.org", 7443, self.server.server.server_id)
        await log_in(
            address,
            person.connector,
            person.store,
            person.environment,
            login_name=name,
            secret=PASSWORD,
            suite=self.suite,
            stretching=_FAST,
        )
        await person.start()
        return person

    def _profile(self, name: str, profile: str, connector: Connector | None) -> Person:
        """An empty profile for somebody."""
        seed = self.seed.child(profile)
        environment = Environment(VirtualClock(asyncio.get_running_loop()), seed, self.trace, in_place)
        path = self.directory / f"{profile}.db"
        store = Store.open(path, _STORE_KEY)
        person = Person(name, path, connector or self.server.connector(), environment, seed, store)
        self._people.append(person)
        return person

    async def close(self) -> None:
        """End everything."""
        for person in self._people:
            if person.client is not None:
                await person.stop()
            person.store.close()
        await self.server.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
