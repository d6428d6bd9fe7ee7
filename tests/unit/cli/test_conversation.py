"""The chat at one keyboard, with real clients: what is shown, what is not shown twice, and what a person is told."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace

from entrenous.cli.chat.conversation import Conversation, Interruptible
from entrenous.cli.chat.render import event_line, message_line, room_lines
from entrenous.client import (
    ConnectionChanged,
    CreateRoom,
    EntryUnreadable,
    InviteMember,
    MessageArrived,
    RoomJoined,
)
from entrenous.client.commands import MAX_TEXT
from entrenous.client.views import Message, MessageKind, MessageState
from entrenous.testing import MemoryConnector
from entrenous.testing.members import Person, World
from worlds import garden, in_world, says


@dataclass
class Screen:
    lines: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, line: str) -> None:
        self.lines.append(line)
        self.news.set()

    async def shows(self, part: str) -> str:
        async with asyncio.timeout(30):
            while not (found := [line for line in self.lines if part in line]):
                self.news.clear()
                await self.news.wait()
        return found[0]


@dataclass
class CtrlC:
    """A keyboard's Ctrl+C, pressed by the test."""

    press: Callable[[], object] | None = None

    @contextlib.contextmanager
    def reaches(self, on_interrupt: Callable[[], object]) -> Iterator[None]:
        self.press = on_interrupt
        try:
            yield
        finally:
            self.press = None

    def is_heard(self) -> bool:
        return self.press is not None


@contextlib.asynccontextmanager
async def at_keyboard(
    person: Person, interruptible: Interruptible | None = None
) -> AsyncIterator[tuple[Conversation, Screen]]:
    screen = Screen()
    conversation = Conversation(person.running, screen, interruptible=interruptible or CtrlC().reaches)
    following = asyncio.create_task(conversation.follow())
    await asyncio.sleep(0)
    await conversation.begin()
    yield conversation, screen
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


@contextlib.asynccontextmanager
async def without_server(person: Person) -> AsyncIterator[None]:
    """The connection breaks, and no new one can be made while this lasts."""
    connector = person.connector
    assert isinstance(connector, MemoryConnector)
    server, connector.server = connector.server, None
    connector.wires[-1].cut()
    await person.sees(ConnectionChanged, lambda event: not event.is_connected)
    yield
    connector.server = server


def a_message(text: str, sender: str = "bob", state: MessageState = MessageState.SENT) -> Message:
    return Message(b"", 1, b"", MessageKind.TEXT, text, b"", sender, False, state, 0, 0)


def test_no_line_of_a_message_looks_like_another_persons() -> None:
    lines = message_line(a_message("one\n14:05  carol: I never said this\n-- bob left")).split("\n")
    assert lines[0].endswith("bob: one")
    assert [line[:9] for line in lines[1:]] == ["       | "] * 2


def test_any_clock_of_a_sender_is_shown_and_another_day_is_told() -> None:
    now = int(time.time() * 1000)
    yesterday = now - 86_400_000
    assert re.match(r"\d\d:\d\d  bob", message_line(replace(a_message("x"), sent_at=now, received_at=now)))
    told = message_line(replace(a_message("x"), sent_at=yesterday))
    assert told.startswith(time.strftime("%Y-%m-%d", time.localtime(yesterday / 1000)))
    for sent_at in (1, 2**53, 2**64 - 1):
        assert "bob: x" in message_line(replace(a_message("x"), sent_at=sent_at, received_at=now))
    assert message_line(replace(a_message("x"), sent_at=2**64 - 1, received_at=2**64 - 1)).startswith("??:??")


def test_names_and_reasons_from_others_stay_on_their_line() -> None:
    assert "\n" not in message_line(a_message("hello", "bob\n14:05  carol"))
    assert "\n" not in message_line(replace(a_message("a\nb"), kind=MessageKind.CHANGE))
    for event in (RoomJoined(b"", "ops\n-- x", "bob\x1b[2J"), EntryUnreadable(b"", 1, "why\nnot")):
        line = event_line(event)
        assert line is not None
        assert "\n" not in line
        assert "\x1b" not in line


def test_a_message_that_waits_or_failed_says_so() -> None:
    assert message_line(a_message("x", state=MessageState.SENDING)).endswith("(waiting to be sent)")
    assert message_line(a_message("x", state=MessageState.FAILED)).endswith("(NOT SENT)")


@in_world
async def test_rooms_of_one_name_show_their_ids_and_open_by_them(world: World) -> None:
    (alice,) = await world.people("alice")
    async with at_keyboard(alice) as (conversation, screen):
        for name in ("ops", "ops", "it's ours"):
            await conversation.typed(f"/create {name}")
        rooms = await conversation._remember_rooms()
        same = [room for room in rooms if room.name == "ops"]
        assert [f"ops [{room.room.hex()[:8]}]" in "\n".join(room_lines(rooms, None)) for room in same] == [True, True]
        assert conversation.prompt() == "it's ours> "
        await conversation.typed("/join ops")
        assert screen.lines[-1].startswith("! several rooms")
        await conversation.typed(f"/join {same[1].room.hex()[:8]}")
        assert conversation.prompt() == f"ops [{same[1].room.hex()[:8]}]> "
        await conversation.typed("/join it")
        assert conversation.prompt() == "it's ours> "


@in_world
async def test_every_command_shows_that_it_is_done(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await garden(alice, bob)
    async with at_keyboard(alice) as (conversation, screen):
        for line, told in (
            ("/invite bob", "-- bob is in this room."),
            ("/rekey", "-- This device has new keys in this room."),
            ("/invite", "entrenous://"),
            ("/members", "  alice  (you, admin)"),
            ("/kick bob", "-- alice removed bob."),
            ("/rooms", "> Garden  (1 member)"),
            ("/help kick", "/kick PERSON"),
        ):
            assert await conversation.typed(line)
            assert (await screen.shows(told)).startswith(told)
        assert not await conversation.typed("/quit")


@in_world
async def test_a_lost_connection_is_told_once_and_what_is_said_meanwhile_is_sent(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await garden(alice, bob)
    async with at_keyboard(alice) as (conversation, screen):
        async with without_server(alice):
            await conversation.typed("still here")
            for _ in range(5):
                await alice.sees(ConnectionChanged, lambda event: not event.is_connected)
            assert "What you say is kept here" in await screen.shows("Not connected")
            assert len([line for line in screen.lines if "onnected" in line]) == 1
            await conversation.finish(1)
            assert screen.lines[-1].startswith("-- Not everything is sent yet")
        await screen.shows("-- Connected.")
        await bob.sees(MessageArrived, says("still here"))


@in_world
async def test_ctrl_c_ends_the_wait_for_a_command_and_not_the_chat(world: World) -> None:
    (alice,) = await world.people("alice")
    await garden(alice)
    ctrl_c = CtrlC()
    async with at_keyboard(alice, ctrl_c.reaches) as (conversation, screen), without_server(alice):
        typing = asyncio.create_task(conversation.typed("/rekey"))
        assert "Ctrl+C stops waiting" in await screen.shows("Waiting for the server")
        assert ctrl_c.press is not None
        ctrl_c.press()
        assert await typing
        assert "it may still happen" in screen.lines[-1]
        assert not ctrl_c.is_heard()
        await conversation.typed("/members")
        assert "alice" in screen.lines[-1]


@in_world
async def test_a_line_that_is_not_sent_says_how_it_comes_back(world: World) -> None:
    (alice,) = await world.people("alice")
    async with at_keyboard(alice) as (conversation, screen):
        await conversation.typed("into the void")
        assert "No room is open" in screen.lines[-2]
        assert "arrow up brings it back" in screen.lines[-1]
        await conversation.typed("/create ops")
        await conversation.typed("x" * (MAX_TEXT + 1))
        assert "at most" in screen.lines[-2]
        assert "arrow up brings it back" in screen.lines[-1]
        await conversation.typed("/nonsense")
        assert "Nothing was sent" in screen.lines[-1]


@in_world
async def test_being_added_opens_the_first_room_and_says_how_to_open_the_next(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    async with at_keyboard(bob) as (conversation, screen):
        await garden(alice, bob)
        await screen.shows("== Garden ==")
        assert conversation.prompt() == "Garden> "
        other = await alice.do(CreateRoom("Second"))
        await alice.do(InviteMember(other.room, "bob"))
        assert await screen.shows("-- /join Second opens it.")
        assert conversation.prompt() == "Garden> "
