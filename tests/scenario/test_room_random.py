"""Members come and go, talk, restart and lose their lines at random: whoever is in a room is in one epoch of it."""

import random
from typing import Any

import pytest

from entrenous.client import (
    Command,
    CommitRefused,
    CreateRoom,
    EntryUnreadable,
    FindRoom,
    GapShown,
    History,
    InvitationRefused,
    InviteMember,
    KickMember,
    ListMembers,
    LogsDiffer,
    MessageArrived,
    MessageKind,
    MessagesMissing,
    RefreshKeys,
    RoomState,
    SendText,
)
from entrenous.errors import RejectedError, UnavailableError
from entrenous.testing import Person, World, run_virtual
from worlds import cut, epochs

NAMES = ("alice", "bob", "carol", "dave", "erin")
#: What an honest server and honest members never give reason to tell.
ALARMS = (CommitRefused, EntryUnreadable, GapShown, LogsDiffer, MessagesMissing)


class Crowd:
    """People, one room, and what has happened."""

    def __init__(self, people: tuple[Person, ...], room: bytes, chance: random.Random) -> None:
        self.people = people
        self.room = room
        self.chance = chance
        self.members = {people[0].name}
        self.said: list[str] = []

    async def step(self) -> None:
        actions = (self.speak, self.speak, self.speak, self.invite, self.kick, self.refresh, self.harm)
        person = self.chance.choice(self.people)
        await self.chance.choice(actions)(person)

    async def insist(self, person: Person, command: Command[Any]) -> bool:
        """Try until the line holds for long enough; returns whether the person is in the room."""
        while True:
            try:
                await person.do(command)
            except UnavailableError:
                await person.running.wait_until_connected()
            except RejectedError as error:
                if error.rule not in ("CLIENT-ROOM", "CLIENT-REMOVED"):  # it has not heard yet that it was invited
                    raise
                return False
            else:
                return True

    async def speak(self, person: Person) -> None:
        if person.name in self.members:
            text = f"{person.name} says {len(self.said)}"
            if await self.insist(person, SendText(self.room, text)):
                self.said.append(text)

    async def invite(self, person: Person) -> None:
        newcomer = self.chance.choice([name for name in NAMES if name not in self.members] or [NAMES[0]])
        if newcomer not in self.members:
            await self.insist(self.people[0], InviteMember(self.room, newcomer))
            self.members.add(newcomer)

    async def kick(self, person: Person) -> None:
        if person.name in self.members and person is not self.people[0]:
            await self.insist(self.people[0], KickMember(self.room, person.name))
            self.members.discard(person.name)

    async def refresh(self, person: Person) -> None:
        if person.name in self.members:
            await self.insist(person, RefreshKeys(self.room))

    async def harm(self, person: Person) -> None:
        if self.chance.random() < 0.5:
            await person.restart()
        else:
            cut(person)


async def log_of(person: Person, room: bytes) -> list[str]:
    """What a person read in the log, without what was never sent."""
    lines = await person.do(History(room, limit=500))
    return [line.text for line in lines if line.kind is MessageKind.TEXT and line.sequence is not None]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_members_share_an_epoch_and_read_the_same_and_nothing_strange_is_told(seed: int) -> None:
    async def scenario() -> None:
        async with await World.open(seed=f"random {seed}") as world:
            people = await world.people(*NAMES)
            room = (await people[0].do(CreateRoom("Crowd"))).room
            crowd = Crowd(people, room, random.Random(seed))
            for _ in range(6):
                await crowd.step()
            # The last word: whoever reads it has read everything before it.
            await people[0].says(room, "the end")
            members = [person for person in people if person.name in crowd.members]
            for person in members:
                await person.has(MessageArrived, lambda event: event.message.text == "the end")
            for person in people:
                await person.running.wait_until_caught_up()
            listed = {member.login_name for member in await people[0].do(ListMembers(room))}
            assert listed == crowd.members
            assert len(epochs(room, *members)) == 1
            heard = await log_of(people[0], room)
            assert set(heard) <= {*crowd.said, "the end"}
            for person in members:
                own = await log_of(person, room)
                assert own == [text for text in heard if text in own]
            for person in people:
                assert [event for kind in ALARMS for event in person.saw(kind)] == []
                assert {event.rule for event in person.saw(InvitationRefused)} <= {"JOIN-WITHDRAWN"}
                if person not in members and person.running._hall.find(room) is not None:
                    assert (await person.do(FindRoom("Crowd"))).state is RoomState.REMOVED

    run_virtual(scenario())
