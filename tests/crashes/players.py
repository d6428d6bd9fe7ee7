"""Who takes part in a conversation, in the house or as its guest: asked for the same things in the same way."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol, TypeVar

from crashes.doom import Doom, doom_databases, doom_stores
from crashes.lockstep import GuestLoop, GuestProcess, HouseLoop, News
from crashes.watching import Notes
from crashes.wires import Wires
from crashes.wishes import insist, is_active
from entrenous.channel import HYBRID
from entrenous.client import Event
from entrenous.client.environment import Environment, in_place
from entrenous.client.keyfile import StoreKey
from entrenous.client.session import Connector
from entrenous.client.store import Store
from entrenous.server import Server, Settings
from entrenous.testing import ADDRESS, FAST_KSF, MemoryServer, SeededEntropy, VirtualClock
from entrenous.testing.members import Person

T = TypeVar("T")
STORE_KEY = StoreKey(bytes(32))


class Player(Protocol):
    """A person, or the server."""

    async def wants(self, wish: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Have a wish fulfilled."""
        ...


@dataclass
class Resident:
    """One in the house."""

    subject: Any

    async def wants(self, wish: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Have a wish fulfilled."""
        return await insist(self.subject, wish, *arguments)


class Visitor:
    """The guest. What was asked of a life that ended before it was fulfilled is asked of the next.

    Args:
        lives: its processes, the first one first.
        on_wire: told what is sent on connections.
        on_death: told when a life has ended.
    """

    def __init__(
        self, lives: Iterable[GuestProcess], on_wire: Callable[..., None], on_death: Callable[[], None]
    ) -> None:
        self._lives = iter(lives)
        self._on_wire = on_wire
        self._on_death = on_death
        self._loop = asyncio.get_running_loop()
        self._asked: dict[int, tuple[asyncio.Future[Any], tuple[Any, ...]]] = {}
        self._number = 0
        self._has_left = False
        #: What it has told, in all its lives; and the moments of the last one.
        self.events: list[Event] = []
        self.marks: list[tuple[int, int]] = []
        self._begin()

    async def wants(self, wish: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Have a wish fulfilled."""
        self._number += 1
        future: asyncio.Future[T] = self._loop.create_future()
        self._asked[self._number] = future, ("ask", self._number, wish, arguments)
        self.tell("ask", self._number, wish, arguments)
        return await future

    async def moments(self) -> int:
        """How many moments to die at its present life has had."""
        self._number += 1
        future: asyncio.Future[int] = self._loop.create_future()
        self._asked[self._number] = future, ("count", self._number)
        self.tell("count", self._number)
        return await future

    async def leave(self) -> None:
        """Let it go, once nothing more is wanted; it tells its moments."""
        self._has_left = True
        left = self._asked[0] = self._loop.create_future(), ()
        self.tell("leave")
        await left[0]

    def tell(self, *news: Any) -> None:
        """Send the one that lives something."""
        self._guest.tell(*news)

    def _begin(self) -> None:
        assert isinstance(self._loop, HouseLoop)
        self._guest = next(self._lives)
        self._guest.on_news, self._guest.on_death = self._take, self._die
        self._guest.wakes_at = self._loop.now
        self._loop.guest = self._guest

    def _die(self) -> None:
        if self._has_left:
            return
        self._on_death()
        self._begin()
        for _, news in self._asked.values():
            self.tell(*news)

    def _take(self, news: News) -> None:
        match news:
            case ("told", event):
                self.events.append(event)
            case ("left", marks):
                self.marks = marks
                self._asked.pop(0)[0].set_result(None)
            case ("answer", number, value):
                self._asked.pop(number)[0].set_result(value)
            case ("failed", number, reason):
                self._asked.pop(number)[0].set_exception(AssertionError(reason))
            case _:
                self._on_wire(*news)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for all of a run.

    Attributes:
        seed: of all randomness; two lives of one player never share what is drawn from it.
    """

    folder: Path
    seed: str
    notes: Notes

    def person(self, name: str, profile: str, connector: Connector, life: int) -> Person:
        """Somebody, on a profile that is on the disk, or will be; the client runs if it is an account's."""
        seed = SeededEntropy(f"{self.seed} {profile} {life}")
        clock = VirtualClock(asyncio.get_running_loop())
        path = self.folder / f"{profile}.db"
        environment = Environment(clock, seed, self.notes, in_place)
        person = Person(name, path, connector, environment, seed, Store.open(path, STORE_KEY))
        if is_active(person):
            person.begin()
        return person

    async def server(self, life: int) -> MemoryServer:
        """The server, whose database and keys are on the disk, or will be."""
        clock = VirtualClock(asyncio.get_running_loop())
        folder = self.folder / "server"
        settings = Settings(data_dir=folder, public_address=ADDRESS, ksf=FAST_KSF, suites=(HYBRID.number,))
        entropy = SeededEntropy(f"{self.seed} server {life}")
        return MemoryServer(await Server.open(settings, clock=clock, entropy=entropy, inline_storage=True), clock)


class _Telling(list[Event]):
    """A person's events, told to the house as they are shown."""

    def __init__(self, send: Callable[..., None]) -> None:
        super().__init__()
        self._send = send

    def append(self, event: Event) -> None:
        super().append(event)
        self._send("told", event)


class _Guest:
    """The inside of a guest's process."""

    def __init__(self, line: Connection, moment: int | None) -> None:
        self._line = line
        self.sent = 0
        self.doom = Doom(moment, lambda: self.sent)
        self.wires: Wires | None = None
        self._left = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, make: "Callable[[_Guest], Awaitable[Any]]") -> None:
        """Live: make what wishes are told to, fulfil them, and leave."""
        now, news = self._line.recv()

        async def live() -> None:
            self._subject = await make(self)
            for one in news:
                self._take(one)
            await self._left.wait()
            self.send("left", self.doom.marks)

        with asyncio.Runner(loop_factory=lambda: GuestLoop(now, self._line, self._take)) as runner:
            runner.run(live())

    def send(self, *news: Any) -> None:
        """Tell the house."""
        self.sent += 1
        self._line.send(news)

    def _take(self, news: News) -> None:
        match news:
            case ("ask", number, wish, arguments):
                task = asyncio.ensure_future(self._fulfil(number, wish, arguments))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case ("count", number):
                self.send("answer", number, len(self.doom.marks))
            case ("leave",):
                self._left.set()
            case _ if self.wires is not None:
                self.wires.take(*news)

    async def _fulfil(self, number: int, wish: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...]) -> None:
        try:
            value = await insist(self._subject, wish, *arguments)
        except Exception as error:  # noqa: BLE001 it is the house that judges
            self.send("failed", number, f"{wish.__name__} {arguments}: {error!r}")
        else:
            self.send("answer", number, value)


def live_as_client(
    line: Connection, *, surroundings: Surroundings, name: str, profile: str, life: int, moment: int | None
) -> None:
    """Be a person's client."""

    async def make(guest: _Guest) -> Person:
        guest.wires = Wires(guest.send, name=f"{profile} {life}")
        person = surroundings.person(name, profile, guest.wires, life)
        person.events = _Telling(guest.send)
        return person

    guest = _Guest(line, moment)
    doom_stores(guest.doom)
    guest.run(make)


def live_as_server(line: Connection, *, surroundings: Surroundings, life: int, moment: int | None) -> None:
    """Be the server."""

    async def make(guest: _Guest) -> MemoryServer:
        server = await surroundings.server(life)
        guest.wires = Wires(guest.send, server.server.protocol_factory())
        return server

    guest = _Guest(line, moment)
    doom_databases(guest.doom)
    guest.run(make)


def lives_of_client(
    surroundings: Surroundings, name: str, profile: str, moment: int | None
) -> list[Callable[[Connection], None]]:
    """Two lives of a client, of which the first dies at a moment."""
    common: dict[str, Any] = {"surroundings": surroundings, "name": name, "profile": profile}
    return [partial(live_as_client, life=life, moment=at, **common) for life, at in ((1, moment), (2, None))]


def lives_of_server(surroundings: Surroundings, moment: int | None) -> list[Callable[[Connection], None]]:
    """Two lives of a server, of which the first dies at a moment."""
    return [
        partial(live_as_server, surroundings=surroundings, life=life, moment=at)
        for life, at in ((1, moment), (2, None))
    ]
