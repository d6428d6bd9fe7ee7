"""The line-mode conversation, with real clients in memory: what is typed, and what appears."""

import asyncio
import json

from entrenous.cli.chat.conversation import Conversation
from entrenous.client import RoomJoined
from entrenous.testing.members import Person, World
from worlds import garden, in_world


class Lines:
    """A screen that keeps what it was shown."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self.grown = asyncio.Event()

    def show(self, line: str) -> None:
        self.all.append(line)
        self.grown.set()

    def has(self, text: str) -> bool:
        return any(text in line for line in self.all)


class Keyboard:
    """A person at a conversation."""

    def __init__(self, person: Person, *, as_json: bool = False) -> None:
        self.screen = Lines()
        self.conversation = Conversation(person.running, self.screen, as_json=as_json)
        self._following = asyncio.create_task(self.conversation.follow())

    async def begin(self) -> "Keyboard":
        await asyncio.sleep(0)
        await self.conversation.begin()
        return self

    async def types(self, *lines: str) -> None:
        for line in lines:
            assert await self.conversation.typed(line)

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(60):
            while not self.screen.has(text):
                self.screen.grown.clear()
                await self.screen.grown.wait()

    async def leave(self) -> None:
        assert not await self.conversation.typed("/quit")
        await self.conversation.finish(5)
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)


@in_world
async def test_two_people_meet_and_talk_by_typing(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    one, other = await Keyboard(alice).begin(), await Keyboard(bob).begin()
    assert one.screen.has("You are in no room")
    await one.types("/create Kitchen table")
    assert one.conversation.prompt() == "Kitchen table> "
    await one.types("/invite bob")
    await other.shows("alice added you to Kitchen table")
    await other.shows("== Kitchen table ==")  # the first room opens by itself
    await one.types("hello bob", "//slash")
    await other.shows("alice: hello bob")
    await other.shows("alice: /slash")
    await other.types("/members")
    await other.shows("alice  (admin)")
    await other.shows("bob  (you)")
    await one.types("/kick bob")
    await other.shows("alice removed you from Kitchen table")
    await other.types("can I still talk?")
    assert any(line.startswith("! ") for line in other.screen.all)
    await one.leave()
    await other.leave()


@in_world
async def test_a_typo_is_shown_and_never_sent(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await garden(alice, bob)
    one, other = await Keyboard(alice).begin(), await Keyboard(bob).begin()
    await one.types("/kcik bob", "/invite", "/rooms", "/help kick", "/help nothing", "hello")
    await other.shows("alice: hello")
    assert one.screen.has("Did you mean /kick?")
    assert one.screen.has("entrenous://")  # /invite alone makes a link
    assert one.screen.has("> Garden  (2 members)")
    assert one.screen.has("/kick PERSON")
    assert one.screen.has("There is no /nothing.")
    assert not other.screen.has("kcik")
    await one.leave()
    await other.leave()


@in_world
async def test_history_is_shown_on_start_and_other_rooms_are_named(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await alice.says(room, "from before")
    await bob.reads("from before")
    keyboard = await Keyboard(bob).begin()
    assert keyboard.screen.has("alice: from before")
    await keyboard.types("/create Attic")
    await alice.says(room, "elsewhere")
    await keyboard.shows("[Garden] ")
    await keyboard.types("/join gar")  # a switch may abbreviate
    assert keyboard.conversation.prompt() == "Garden> "
    await keyboard.types("/join nowhere")
    assert keyboard.screen.has("there is no room")
    await keyboard.leave()


@in_world
async def test_json_lines_tell_everything_a_program_needs(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    keyboard = await Keyboard(bob, as_json=True).begin()
    await garden(alice, bob)
    await keyboard.shows("room-joined")
    await keyboard.types("/join Garden", "hello", "/nonsense")
    await keyboard.shows("hello")
    await keyboard.leave()
    events = [json.loads(line) for line in keyboard.screen.all]
    kinds = {event["type"] for event in events}
    assert {"room-joined", "room", "message-arrived", "message-state-changed", "error"} <= kinds
    arrived = next(event for event in events if event["type"] == "message-arrived")
    assert (arrived["message"]["sender_name"], arrived["message"]["text"]) == ("bob", "hello")


@in_world
async def test_a_hostile_name_cannot_command_the_terminal(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    keyboard = await Keyboard(bob).begin()
    one = await Keyboard(alice).begin()
    await one.types('/create "\x1b[2Jevil"', "/invite bob")
    await bob.sees(RoomJoined)
    await one.types("\x1b]0;owned\x07 text")
    await keyboard.shows("owned")
    assert not any("\x1b" in line or "\x07" in line for line in keyboard.screen.all)
    assert "\x1b" not in keyboard.conversation.prompt()
    await keyboard.leave()
    await one.leave()
