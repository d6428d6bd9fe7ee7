"""A client, and then a server, that dies at each of its writes, and what becomes of a conversation."""

import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from crashing import (
    DATABASE,
    Doom,
    KeyUse,
    MortalClient,
    MortalServer,
    cut_off,
    insist,
    line_of,
    start_server,
    watched_keys,
)
from entrenous.client import (
    Event,
    History,
    InviteMember,
    KickMember,
    ListMembers,
    MessageRef,
    MessageState,
    RefreshKeys,
    SendText,
    WaitUntilSent,
    key_packages,
)
from entrenous.errors import UnavailableError
from entrenous.server.store import ensure_schema, sqlite_engine
from entrenous.testing import run_virtual
from entrenous.testing.members import Person, World
from room_logs import LogEntry, assert_one_log, server_log, shown, transcript
from server_process import quick_folder
from worlds import garden

Wish = Callable[[Person], Awaitable[None]]


# What somebody wants, whatever happens in between.


def say(room: bytes, text: str) -> Wish:
    """That it stands in the outbox or in the log: who finds it there does not say it again."""

    async def wish(person: Person) -> None:
        lines = await person.do(History(room, limit=500))
        assert all(line.state is not MessageState.FAILED for line in lines)
        if text not in [line.text for line in lines]:
            await person.do(SendText(room, text))

    return wish


def be_heard(room: bytes, text: str) -> Wish:
    """That it is said, and the server has it."""

    async def wish(person: Person) -> None:
        await say(room, text)(person)
        (line,) = [line for line in await person.do(History(room, limit=500)) if line.text == text]
        await person.do(WaitUntilSent(MessageRef(room, line.message_id)))

    return wish


def hear(room: bytes, text: str) -> Wish:
    """That somebody's text is read."""

    async def wish(person: Person) -> None:
        if text not in [line.text for line in await person.do(History(room))]:
            raise UnavailableError("not yet")

    return wish


def have_member(room: bytes, name: str) -> Wish:
    """That somebody is in the room."""

    async def wish(person: Person) -> None:
        if name not in await members(person, room):
            await person.do(InviteMember(room, name))

    return wish


def be_rid_of(room: bytes, name: str) -> Wish:
    """That somebody is not in the room."""

    async def wish(person: Person) -> None:
        if name in await members(person, room):
            await person.do(KickMember(room, name))

    return wish


async def members(person: Person, room: bytes) -> list[str]:
    return [member.login_name for member in await person.do(ListMembers(room))]


def have_fresh_keys(room: bytes) -> Wish:
    """That own keys are new; pressed twice, they are renewed twice."""

    async def wish(person: Person) -> None:
        await person.do(RefreshKeys(room))

    return wish


def be_in(room: bytes, *, member: bool = True) -> Wish:
    """That the room is there, and whether this person is in it."""

    async def wish(person: Person) -> None:
        found = person.running._hall.find(room)
        if found is None or found.room.is_member is not member:
            raise UnavailableError("not yet")

    return wish


def catch_up_with(room: bytes, other: Person) -> Wish:
    """That everything is read that somebody else has read."""

    async def wish(person: Person) -> None:
        await person.running._hall.get(room).follower.reach(other.running._hall.get(room).follower.cursor)

    return wish


# The conversation. Bob has made the room; it is Alice's client, or the server, that dies.

#: What Bob reads, in this order.
SAID = [
    "bob: hello alice",
    "alice: hello bob",
    "alice: let me call carol",
    "carol: hello both",
    "alice: with new keys",
    "bob: alice is offline",
    "bob: and misses this",
    "alice: said offline",
    "bob: alice is out",
    "alice: back again",
    "bob: the end",
]
#: What Alice cannot read, and what Carol cannot.
WHILE_ALICE_WAS_OUT = {"bob: alice is out"}
BEFORE_CAROL = set(SAID[:3])


async def converse(room: bytes, alice: Person, bob: Person, carol: Person) -> None:
    """Join, receive, send, commit, go offline and come back, be removed, and come back."""
    await insist(bob, have_member(room, "alice"))
    await insist(alice, be_in(room))
    await insist(bob, be_heard(room, "bob: hello alice"))
    await insist(alice, catch_up_with(room, bob))
    await insist(alice, say(room, "alice: hello bob"))
    await insist(alice, be_heard(room, "alice: let me call carol"))
    await insist(alice, have_member(room, "carol"))
    await insist(carol, be_in(room))
    await insist(carol, be_heard(room, "carol: hello both"))
    await insist(alice, catch_up_with(room, carol))
    await insist(alice, have_fresh_keys(room))
    await insist(alice, be_heard(room, "alice: with new keys"))
    await insist(bob, catch_up_with(room, alice))
    await go_offline_and_come_back(room, alice, bob)
    await insist(bob, catch_up_with(room, alice))
    await insist(bob, be_rid_of(room, "alice"))
    await insist(alice, be_in(room, member=False))
    await insist(bob, be_heard(room, "bob: alice is out"))
    await insist(bob, have_member(room, "alice"))
    await insist(alice, be_in(room))
    await insist(alice, be_heard(room, "alice: back again"))
    await insist(bob, catch_up_with(room, alice))
    await insist(bob, be_heard(room, "bob: the end"))
    await insist(alice, hear(room, "bob: the end"))
    await insist(carol, hear(room, "bob: the end"))


async def go_offline_and_come_back(room: bytes, alice: Person, bob: Person) -> None:
    line = line_of(alice)
    server, line.server = line.server, None
    cut_off(alice)
    await insist(alice, say(room, "alice: said offline"))
    await insist(bob, be_heard(room, "bob: alice is offline"))
    await insist(bob, have_fresh_keys(room))
    await insist(bob, be_heard(room, "bob: and misses this"))
    line.server = server
    await insist(alice, be_heard(room, "alice: said offline"))


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """The folder of a server that nobody has used yet."""
    with quick_folder() as folder:
        engine = sqlite_engine(folder / DATABASE)
        ensure_schema(engine)
        engine.dispose()
        yield folder


def hold_conversation(template: Path, moment: int | None, *, mortal: str) -> Doom:
    """Hold the conversation once; the client or the server dies at a moment; judge what became of it."""

    async def scenario(folder: Path, patch: pytest.MonkeyPatch, keys: KeyUse) -> Doom:
        shutil.copytree(template, folder / "server")
        server = await start_server(folder / "server", "server")
        async with await World.open(folder, seed="crash at every write", server=server) as world:
            alice, bob, carol = people = await world.people("alice", "bob", "carol")
            room = await garden(bob)
            doom = Doom(moment, effects_of(alice) if mortal == "client" else effects_on(people))
            victim = (
                MortalClient(alice, doom) if mortal == "client" else MortalServer(world, folder / "server", doom, patch)
            )
            await converse(room, *people)
            await victim.close()
            for person in people:
                await insist(person, catch_up_with(room, bob))
            assert doom.has_struck is (moment is not None)
            database = world.server.server.settings.database_path
            assert database is not None
            judge(room, server_log(database, room), alice, bob, carol)
            assert keys.repeated == []
            return doom

    with quick_folder() as folder, pytest.MonkeyPatch.context() as patch, watched_keys() as keys:
        # A hundred KeyPackages for everybody in every run would be most of the work.
        patch.setattr(key_packages, "POOL_SIZE", 4)
        patch.setattr(key_packages, "REFILL_BELOW", 2)
        return run_virtual(scenario(folder, patch, keys))


def effects_of(person: Person) -> Callable[[], int]:
    """How much the outside has seen of a client: what it sent, and what it showed."""
    subscribers = person.running._subscribers
    emit = subscribers.emit
    count = 0

    def counting(event: Event) -> None:
        nonlocal count
        count += 1
        emit(event)

    subscribers.emit = counting  # type: ignore[method-assign] # counts, and passes on
    return lambda: count + sum(len(wire.upstream) for wire in line_of(person).wires)


def effects_on(people: Sequence[Person]) -> Callable[[], int]:
    """How much people have seen of a server."""
    return lambda: sum(len(wire.downstream) for person in people for wire in line_of(person).wires)


def judge(room: bytes, log: list[LogEntry], alice: Person, bob: Person, carol: Person) -> None:
    """The outcome must be one that a run without a death could have had."""
    assert_one_log(room, log, (alice, bob, carol))
    assert [text for _, text in transcript(bob, room)] == SAID
    assert [text for _, text in transcript(alice, room)] == [text for text in SAID if text not in WHILE_ALICE_WAS_OUT]
    assert [text for _, text in transcript(carol, room)] == [text for text in SAID if text not in BEFORE_CAROL]
    for person in (alice, bob, carol):
        # Who died between writing and showing was not shown it, and finds it in the history; but nothing comes twice.
        told = shown(person)
        assert len(set(told)) == len(told)
        assert set(told) <= set(transcript(person, room))


@pytest.mark.parametrize("mortal", ["client", "server"])
def test_who_dies_at_any_write_loses_nothing_repeats_nothing_and_uses_no_key_twice(template: Path, mortal: str) -> None:
    undisturbed = hold_conversation(template, None, mortal=mortal)
    moments = undisturbed.distinct_moments()
    for moment in moments:
        hold_conversation(template, moment, mortal=mortal)
    assert len(moments) > undisturbed.commits > 20
