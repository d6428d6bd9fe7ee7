"""Holding one scene, with or without a death in it."""

import asyncio
import gc
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crashes.doom import DIED, distinct_moments
from crashes.judging import Outcome, judge
from crashes.lockstep import GuestProcess, HouseLoop, fork
from crashes.players import Player, Resident, Surroundings, Visitor, lives_of_client, lives_of_server
from crashes.story import SCENES, Cast, Scene, everybody_is_there, last_words
from crashes.watching import watched
from crashes.wires import WireId, Wires
from crashes.wishes import close_server, stop
from entrenous.client import Event
from entrenous.errors import EntrenousError
from entrenous.testing import MemoryServer
from entrenous.testing.members import Person

#: Virtual seconds from the beginning of a scene to that of the next.
SCENE_EVERY = 7_200.0


@dataclass
class Held:
    """A scene that was held.

    Attributes:
        marks: the moments of the guest's last life.
        first, last: what was played came after the first and up to the last of these.
    """

    marks: list[tuple[int, int]]
    first: int
    last: int

    def moments(self, *, whole: bool) -> list[int]:
        """Those at which the guest is to die: in the whole scene, or while it is played."""
        first, last = (0, len(self.marks)) if whole else (self.first, self.last)
        return distinct_moments(self.marks, first, last)


def hold_scene(number: int, folder: Path, *, mortal: str, moment: int | None) -> Held:
    """Hold a scene upon what those before it have left in a folder, and judge what becomes of it.

    Args:
        number: of the scene.
        folder: with the server's folder and everybody's store; they are as they are at the scene's end afterwards.
        mortal: "client" or "server", which is the guest.
        moment: at which the guest dies; None if it does not.

    Raises:
        AssertionError: it is an outcome that a run without a death could not have had, or nobody died.
    """
    scene = SCENES[number]
    with watched() as notes:
        surroundings = Surroundings(folder, f"{scene.name} {mortal}", notes)
        if mortal == "client":
            lives = lives_of_client(surroundings, "alice", scene.profiles[0], moment)
        else:
            lives = lives_of_server(surroundings, moment)
        gc.freeze()  # what is not touched is not copied
        guests = fork(lives)
        try:
            start = number * SCENE_EVERY
            with asyncio.Runner(loop_factory=lambda: HouseLoop(start)) as runner:
                held, outcome = runner.run(_hold(number, surroundings, guests, mortal))
        finally:
            exits = [guest.end() for guest in guests]
        judge(outcome, notes)
    assert (exits[0] == DIED) is (moment is not None), f"the guest's processes ended with {exits}"
    return held


async def _hold(
    number: int, surroundings: Surroundings, guests: list[GuestProcess], mortal: str
) -> tuple[Held, Outcome]:
    scene = SCENES[number]
    house = _House(surroundings, scene, guests)
    await (house.receive_client() if mortal == "client" else house.receive_server())
    cast = house.cast()
    await everybody_is_there(cast, scene)
    first = await house.visitor.moments()
    await scene.play(cast)
    last = await house.visitor.moments()
    await last_words(cast, scene)
    await house.close()
    events = {profile: house.events_of(profile) for profile in scene.profiles}
    return Held(house.visitor.marks, first, last), Outcome(surroundings.folder, number, events)


class _House:
    """Who lives on, and the guest."""

    def __init__(self, surroundings: Surroundings, scene: Scene, guests: list[GuestProcess]) -> None:
        self._surroundings = surroundings
        self._scene = scene
        self.visitor = Visitor(guests, self._on_wire, self._on_death)
        self._wires: dict[str, Wires] = {}
        self._persons: dict[str, Person] = {}
        self._server: MemoryServer | None = None

    async def receive_client(self) -> None:
        """The guest is the client of the scene's first profile."""
        self._server = await self._surroundings.server(0)
        self._wires[""] = Wires(self.visitor.tell, self._server.server.protocol_factory())
        for profile in self._scene.profiles[1:]:
            self._persons[profile] = self._surroundings.person(profile, profile, self._server.connector(), 0)

    async def receive_server(self) -> None:
        """The guest is the server."""
        for profile in self._scene.profiles:
            wires = self._wires[profile] = Wires(self.visitor.tell, name=profile)
            name = "alice" if profile == "tablet" else profile
            self._persons[profile] = self._surroundings.person(name, profile, wires, 0)

    def cast(self) -> Cast:
        """Everybody."""
        people: dict[str, Player] = {profile: Resident(person) for profile, person in self._persons.items()}
        if self._server is None:
            return Cast(self.visitor, people, self._take_offline)
        people[self._scene.profiles[0]] = self.visitor
        return Cast(Resident(self._server), people, self._take_offline)

    def events_of(self, profile: str) -> list[Event]:
        """What somebody was told."""
        return self._persons[profile].events if profile in self._persons else self.visitor.events

    async def close(self) -> None:
        """Everybody stops, the server last."""
        cast = self.cast()
        for player in cast.people.values():
            await player.wants(stop)
        if self._server is None:
            await self.visitor.wants(close_server)
            await self.visitor.leave()
        else:
            await self.visitor.leave()
            await close_server(self._server)

    def _take_offline(self, is_offline: bool) -> None:
        wires = self._wires.get("") or self._wires[self._scene.profiles[0]]
        wires.is_up = not is_offline
        if is_offline:
            wires.cut()

    def _on_wire(self, kind: str, number: WireId, *data: Any) -> None:
        self._wires["" if self._server else number[0]].take(kind, number, *data)

    def _on_death(self) -> None:
        for wires in self._wires.values():
            wires.cut()
        for person in self._persons.values():
            if person.client is not None:
                person.client.retry_now()


@dataclass
class Tally:
    """What a campaign came to."""

    deaths: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def hold_all(folder: Path, mortal: str, only: str | None = None) -> Tally:
    """Hold the whole conversation, and each scene, or only one, again with a death at each of its moments."""
    _warm_up(folder / "warm")
    tally, before = Tally(), folder / "0"
    before.mkdir()
    for number, scene in enumerate(SCENES):
        after = folder / str(number + 1)
        shutil.copytree(before, after)
        guest = mortal if mortal in scene.mortals else scene.mortals[0]
        held = hold_scene(number, after, mortal=guest, moment=None)
        if guest == mortal and only in (None, scene.name):
            moments = held.moments(whole=mortal in scene.wholly)
            tally.deaths[scene.name] = len(moments)
            tally.failures += (failure for moment in moments for failure in _die(number, before, mortal, moment))
        before = after
    return tally


def _warm_up(folder: Path) -> None:
    """Do once in this process what would else be done for the first time in each of those that it forks."""
    folder.mkdir()
    for number, scene in enumerate(SCENES):
        hold_scene(number, folder, mortal=scene.mortals[0], moment=None)


def _die(number: int, before: Path, mortal: str, moment: int) -> list[str]:
    """Hold a scene with a death in it; returns what was wrong with that."""
    folder = before.with_name("attempt")
    shutil.copytree(before, folder)
    try:
        hold_scene(number, folder, mortal=mortal, moment=moment)
    except (AssertionError, RuntimeError, TimeoutError, EntrenousError) as error:
        return [f"{SCENES[number].name}, moment {moment}: {error!r}"]
    finally:
        shutil.rmtree(folder)
    return []
