"""Clients, a server that lies between their steps, and a member who keeps no rule (RFC 9420 §16, protocol §4 and §6).

Whatever the two do: nobody reads what was not said to him, nobody reads anything twice, those who processed the same
entries are in the same state, no client breaks, and once the lies stop everybody is where the others are or was told.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backups import Backup
from entrenous.client import CreateRoom, InviteMember, KickMember, RefreshKeys, SendText
from entrenous.client.key_packages import REFILL_BELOW
from entrenous.client.store import Store
from entrenous.errors import EntrenousError
from entrenous.server.store import Transaction, rosters
from entrenous.testing import VirtualTimeLoop
from entrenous.testing.members import _STORE_KEY, Person, World
from hostile_member import Traitor
from lying_server import LyingServer, RosterLie, Trick
from watched_world import Watch
from worlds import cut, garden

T = TypeVar("T")

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

NAMES = ("alice", "mallory", "carol", "dave", "erin", "frank", "grace", "heidi")
MALLORY = NAMES[1]
#: Virtual seconds: that a person waits for a command; between two steps; and for everything to come right again.
PATIENCE = 20.0
MOMENT = 2.0
RECOVERY = 200.0

people_ = st.integers(0, len(NAMES) - 1)
rooms_ = st.integers(0, 1)


class HostileWorld(RuleBasedStateMachine):
    """Up to eight people, up to two rooms. ``who`` and ``room`` count around those that there are."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        # What is stored need not outlive the test, so it need not wait for a disk.
        memory = Path("/dev/shm")  # noqa: S108 a new folder is made inside it
        self.directory = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.patch.setattr("entrenous.client.key_packages.POOL_SIZE", REFILL_BELOW)
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.watch = Watch(faithless={MALLORY})
        self.founders: dict[bytes, Person] = {}
        self.backups: dict[bytes, Backup] = {}
        self.set_back: set[bytes] = set()
        self.world: World
        self.liar: LyingServer
        self.is_open = False
        self.failed = False

    @initialize(count=st.integers(4, len(NAMES)), guests=st.integers(2, 4))
    def open(self, count: int, guests: int) -> None:
        """Everybody registers; the first few are in a room."""

        async def run() -> None:
            self.world = await World.open(Path(self.directory.name), seed="hostile world")
            self.liar = LyingServer(self.world.server.server, "liar")
            self.watch.begin(self.patch)
            for name in NAMES[:count]:
                self.watch.add(await self.world.person(name))
            self.founders[await garden(*self.watch.people[: guests + 1])] = self.watch.people[0]

        self.run(run())
        self.is_open = True

    # How a step runs.

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one step, and a moment longer."""

        async def step() -> T:
            result = await work
            await asyncio.sleep(MOMENT)
            return result

        try:
            return self.runner.run(step())
        except BaseException:
            self.failed = True
            raise

    async def attempt(self, work: Awaitable[object]) -> bool:
        """Whether something that may be refused, or may take for ever, was done in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                await work
        except (EntrenousError, TimeoutError):
            return False
        return True

    def person(self, who: int) -> Person:
        return self.watch.people[who % len(self.watch.people)]

    def room(self, room: int) -> bytes:
        return list(self.founders)[room % len(self.founders)]

    def device(self, who: int) -> bytes:
        return self.watch.device_of[self.person(who).name][1]

    # What people do.

    @rule(who=people_, room=rooms_, count=st.integers(1, 3))
    def somebody_speaks(self, who: int, room: int, count: int) -> None:
        person, where = self.person(who), self.room(room)
        if person.client is None or person not in self.watch.present(where):
            return

        async def run() -> None:
            for _ in range(count):
                await person.do(SendText(where, self.watch.says(where, person.running.account)))

        self.run(run())

    @rule(who=people_, whom=people_, room=rooms_)
    def somebody_invites(self, who: int, whom: int, room: int) -> None:
        host, guest = self.person(who), self.person(whom)
        if host.client is not None:
            self.run(self.attempt(host.do(InviteMember(self.room(room), guest.name))))

    @rule(whom=people_, room=rooms_, by_founder=st.sampled_from((True, True, False)))
    def somebody_removes(self, whom: int, room: int, by_founder: bool) -> None:
        """Only the founder may; another one who tries is refused."""
        where = self.room(room)
        host = self.founders[where] if by_founder else self.watch.people[-1]
        if host.client is not None:
            self.run(self.attempt(host.do(KickMember(where, self.person(whom).name))))

    @rule(who=people_, room=rooms_)
    def somebody_renews_keys(self, who: int, room: int) -> None:
        if (person := self.person(who)).client is not None:
            self.run(self.attempt(person.do(RefreshKeys(self.room(room)))))

    @precondition(lambda self: len(self.founders) < 2)
    @rule(who=people_)
    def somebody_opens_a_room(self, who: int) -> None:
        if (person := self.person(who)).client is None:
            return

        async def run() -> None:
            if await self.attempt(person.do(CreateRoom("Cellar"))):
                (opened,) = [each.room.id for each in person.running._hall if each.room.id not in self.founders]
                self.founders[opened] = person

        self.run(run())

    @rule(who=people_)
    def somebody_goes_or_comes_back(self, who: int) -> None:
        person = self.person(who)
        self.run(person.stop() if person.client is not None else self._back(person))

    async def _back(self, person: Person) -> None:
        person.store = Store.open(person.path, _STORE_KEY)
        person.begin()

    @rule(who=people_)
    def a_line_breaks(self, who: int) -> None:
        self.run(self._cut(self.person(who)))

    async def _cut(self, person: Person) -> None:
        cut(person)

    @rule(seconds=st.integers(1, 150))
    def time_passes(self, seconds: int) -> None:
        self.run(asyncio.sleep(seconds))

    # How the server lies.

    @rule(who=people_, drops=st.booleans(), doubles=st.booleans(), shuffles=st.booleans())
    def pushes_are_lost_doubled_or_shuffled(self, who: int, drops: bool, doubles: bool, shuffles: bool) -> None:
        mood = self.liar.mood(self.device(who))
        mood.drops, mood.doubles, mood.shuffles = drops, doubles, shuffles

    @rule(who=people_, seconds=st.sampled_from((0.3, 5.0, 25.0)))
    def answers_are_late(self, who: int, seconds: float) -> None:
        self.liar.mood(self.device(who)).delay = seconds

    @rule(who=people_, count=st.integers(1, 2))
    def replies_are_lost(self, who: int, count: int) -> None:
        self.liar.mood(self.device(who)).lost_replies += count

    @rule(who=people_, distance=st.sampled_from((0, 1, 1_000)))
    def a_conflict_is_invented(self, who: int, distance: int) -> None:
        self.liar.mood(self.device(who)).conflicts.append(distance)

    @rule(who=people_, room=rooms_, count=st.integers(0, 3))
    def the_newest_entries_are_withheld(self, who: int, room: int, count: int) -> None:
        where = self.room(room)
        newest = self.run(self._newest(where))
        self.liar.mood(self.device(who)).hidden_from[where] = max(newest - count, 0)

    @rule(who=people_)
    def joiners_get_an_old_state(self, who: int) -> None:
        self.liar.mood(self.device(who)).old_state = True

    @rule(who=people_)
    def an_old_vault_is_told_of(self, who: int) -> None:
        self.liar.mood(self.device(who)).old_vault = True
        self.run(self._cut(self.person(who)))

    @rule(who=people_)
    def accounts_are_shown_with_a_ghost_device(self, who: int) -> None:
        self.liar.mood(self.device(who)).ghost = True

    @rule(who=people_, room=rooms_, lie=st.sampled_from(RosterLie))
    def the_roster_is_lied_about(self, who: int, room: int, lie: RosterLie) -> None:
        self.liar.mood(self.device(who)).rosters[self.room(room)] = lie
        self.run(self._cut(self.person(who)))

    @rule(whom=people_, room=rooms_, manages=st.booleans())
    def a_ghost_member_is_put_on_the_roster(self, whom: int, room: int, manages: bool) -> None:
        account, _ = self.watch.device_of[self.person(whom).name]
        where = self.room(room)

        def operation(tx: Transaction) -> None:
            if not rosters.parties(tx, where, [account]).get(account):
                rosters.add(tx, where, account, may_manage=manages, added_at=0, readable_after=0, now=0)

        async def run() -> None:
            await self.world.server.server.storage.write(operation)

        self.run(run())

    @rule(room=rooms_)
    def a_backup_is_made(self, room: int) -> None:
        where = self.room(room)
        self.backups[where] = self.run(Backup.of(self.world, where))

    @rule(room=rooms_)
    def a_room_is_set_back(self, room: int) -> None:
        """Nobody is shown its true log any more: there is none."""
        where = self.room(room)
        if (backup := self.backups.pop(where, None)) is None:
            return
        self.liar.deceived |= {(where, account) for account, _ in self.watch.device_of.values()}
        self.set_back.add(where)
        self.run(backup.restore(self.world))

    @rule()
    def the_removed_are_shown_everything(self) -> None:
        self.liar.feeds_removed = True

    @rule(whom=st.sets(people_, min_size=1, max_size=4), room=rooms_)
    def a_room_is_forked(self, whom: set[int], room: int) -> None:
        self.run(self.liar.fork(self.room(room), {self.device(who) for who in whom}, follows=False))

    @rule(
        whom=st.sets(people_, min_size=1, max_size=3), room=rooms_, tricks=st.lists(st.sampled_from(Trick), max_size=3)
    )
    def some_are_shown_an_altered_log(self, whom: set[int], room: int, tricks: list[Trick]) -> None:
        devices = {self.device(who) for who in whom}
        self.run(self.liar.fork(self.room(room), devices, follows=True, tricks=tuple(tricks)))

    @rule()
    def the_server_is_honest_again(self) -> None:
        self.run(self.liar.be_honest())

    # What the hostile member does.

    def traitor(self, room: int) -> Traitor | None:
        mallory = self.watch.people[1]
        return Traitor(mallory, self.room(room)) if mallory in self.watch.present(self.room(room)) else None

    @rule(room=rooms_, count=st.integers(1, 4), kind=st.integers(0, 3))
    def mallory_sends_bad_commits(self, room: int, count: int, kind: int) -> None:
        if (traitor := self.traitor(room)) is None:
            return
        bad = (traitor.garbage, *traitor.breaches())[kind]

        async def run() -> None:
            for _ in range(count):
                await self.attempt(bad())
                await asyncio.sleep(0.1)

        self.run(run())

    @rule(room=rooms_)
    def mallory_gives_joiners_garbage(self, room: int) -> None:
        """Beside a Commit that everybody follows."""
        if (traitor := self.traitor(room)) is not None:
            self.run(self.attempt(traitor.spoiling()))

    @rule(room=rooms_, whom=people_)
    def mallory_lies_in_the_roster_delta(self, room: int, whom: int) -> None:
        if (traitor := self.traitor(room)) is not None:
            account, _ = self.watch.device_of[self.person(whom).name]
            self.run(self.attempt(traitor.smuggling(account)))

    @rule(room=rooms_)
    def mallory_does_not_sign(self, room: int) -> None:
        if (traitor := self.traitor(room)) is not None:
            self.run(self.attempt(traitor.unsigned("unsigned")))

    @rule(room=rooms_, index=st.integers(0, 50))
    def mallory_replays_an_entry(self, room: int, index: int) -> None:
        if (traitor := self.traitor(room)) is None:
            return

        async def run() -> None:
            found = await self.liar.room_log(self.room(room))
            if found:
                await self.attempt(traitor.replay(found[index % len(found)]))

        self.run(run())

    @rule(room=rooms_, with_help=st.booleans())
    def mallory_says_one_thing_twice(self, room: int, with_help: bool) -> None:
        if (traitor := self.traitor(room)) is None:
            return

        async def run() -> None:
            content = traitor.content(self.watch.says(self.room(room), traitor.account))
            self.watch.encrypted(traitor.room, content.message_id)
            await self.attempt(traitor.publishes(content, content.message_id))
            if with_help:
                await self.liar.sql("DELETE FROM sent")
            outer = content.message_id if with_help else traitor.services.ids.next()
            await self.attempt(traitor.publishes(content, outer))

        self.run(run())

    # What must be true.

    @invariant()
    def nothing_is_broken(self) -> None:
        if self.is_open:
            self._checked(self.watch.check)
            assert not self.liar.bugs, self.liar.bugs

    def _checked(self, check: Any, *args: Any) -> None:
        try:
            check(*args)
        except AssertionError:
            self.failed = True
            raise

    async def _newest(self, room: bytes) -> int:
        ((newest, _, _),) = await self.liar._heads(room)
        return int(newest)

    async def _roster(self, room: bytes) -> set[bytes]:
        found = await self.liar.sql("SELECT account FROM roster WHERE room = ? AND removed_at IS NULL", room)
        return {bytes(account) for (account,) in found}

    async def _everybody_catches_up(self) -> None:
        await self.liar.be_honest()
        for person in self.watch.people:
            if person.client is None:
                await self._back(person)
            else:
                await self._cut(person)
        await asyncio.sleep(RECOVERY)
        honest = {person.name for person in self.watch.people} - {MALLORY}
        for room in self.founders:
            deceived = {account for where, account in self.liar.deceived if where == room}
            deceived = self.watch.tainted(room, deceived)
            await self.watch.last_words(room, honest, deceived, RECOVERY)
            self.watch.check_converged(room, honest, deceived, await self._newest(room))
            if self.founders[room].name in honest and room not in self.set_back:
                self.watch.check_roster(room, self.founders[room], deceived, await self._roster(room))
        self.watch.check()

    def teardown(self) -> None:
        try:
            if self.is_open and not self.failed:
                self.run(self._everybody_catches_up())
        finally:
            if self.is_open:
                self.runner.run(self.world.close())
            self.runner.close()
            self.patch.undo()
            self.directory.cleanup()


def test_in_a_hostile_world_nobody_is_fooled_and_everybody_recovers_or_is_told() -> None:
    run_state_machine_as_test(
        HostileWorld,
        settings=settings(
            max_examples=300 if THOROUGH else 8,
            stateful_step_count=40 if THOROUGH else 16,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
