"""The conversation at one keyboard: which room is open, what a typed line does, what an event shows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeVar

from entrenous.cli.chat.render import (
    NOTICE,
    confirmation,
    connection_line,
    event_line,
    member_lines,
    message_line,
    room_lines,
    room_names,
)
from entrenous.cli.output import json_line, kind_of, one_line, printable
from entrenous.cli.patience import patiently
from entrenous.cli.run import sentence
from entrenous.client.commands import Command, FindRoom, History, ListRooms, SendText, WaitUntilSent
from entrenous.client.events import ConnectionChanged, Event, MessageArrived, RoomJoined
from entrenous.client.slash import Quit, Run, Say, ShowHelp, SwitchRoom, help_text, interpret
from entrenous.client.views import MemberSummary, MessageKind, MessageRef, RoomState, RoomSummary
from entrenous.errors import EntrenousError, RejectedError, UnavailableError

T = TypeVar("T")

#: Lines of history that are shown when a room is opened.
HISTORY = 20


class Engine(Protocol):
    """What the conversation needs of the client."""

    async def do(self, command: Command[T]) -> T:
        """Do a command."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """What happens from now on."""
        ...


class Screen(Protocol):
    """Where lines go."""

    def show(self, line: str) -> None:
        """Print one line above the prompt."""
        ...


#: What lets a person end the wait for a command: called with what to do then, it lasts as long as its context.
Interruptible = Callable[[Callable[[], object]], contextlib.AbstractContextManager[None]]


class Conversation:
    """Turns typed lines into commands and events into lines.

    Args:
        engine: the client.
        screen: where lines go.
        as_json: lines are JSON objects.
        interruptible: given where a person sits at a prompt: Ctrl+C ends a wait, and arrow up brings a line back.
    """

    def __init__(
        self, engine: Engine, screen: Screen, *, as_json: bool = False, interruptible: Interruptible | None = None
    ) -> None:
        self._engine = engine
        self._screen = screen
        self._json = as_json
        self._interruptible = interruptible
        self.room: RoomSummary | None = None
        self._names: dict[bytes, str] = {}
        self._last_sent: MessageRef | None = None
        self._told_of_loss = False

    async def begin(self) -> None:
        """Open the only or first room there is, with its history."""
        rooms = await self._remember_rooms()
        active = [room for room in rooms if room.state is not RoomState.REMOVED]
        if active:
            await self._open(active[0])
        elif not self._json:
            self._lines(room_lines(rooms, None))

    async def typed(self, line: str) -> bool:
        """Do what a line means; False if it means to leave. Errors are shown, and nothing of the line is lost."""
        try:
            meaning = interpret(line, self.room.room if self.room else None)
            match meaning:
                case Quit():
                    return False
                case Say(text) if self.room is not None:
                    self._last_sent = await self._engine.do(SendText(self.room.room, text))
                case Run(command):
                    await self._show_result(await self._do(command))
                    if (told := confirmation(command)) is not None and not self._json:
                        self._lines([told])
                case SwitchRoom(name):
                    await self._open(await self._find(name))
                case ShowHelp(topic):
                    self._lines(help_text(topic).splitlines())
        except EntrenousError as error:
            self._fail(error)
            if self._interruptible is not None and not line.lstrip().startswith("/"):
                self._lines([f"{NOTICE} Your line was not sent; arrow up brings it back."])
        return True

    def prompt(self) -> str:
        """What stands before the line that is typed."""
        return f"{self._names.get(self.room.room, one_line(self.room.name))}> " if self.room else "> "

    async def finish(self, seconds: float) -> None:
        """Give the last message ``seconds`` to get out; what does not stays on this device and is sent next time."""
        if self._last_sent is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._engine.do(WaitUntilSent(self._last_sent))
        except TimeoutError:
            if not self._json:
                self._lines([f"{NOTICE} Not everything is sent yet: it waits on this device and goes out next time."])
        except EntrenousError:
            pass  # an event has told it

    async def follow(self) -> None:
        """Show events until the client closes."""
        async for event in self._engine.events():
            try:
                await self._show_event(event)
            except EntrenousError as error:  # this event only: the next may be shown
                self._fail(error)

    async def _do(self, command: Command[Any]) -> object:
        """Carry a command out; at a prompt, a person is told that it takes long and may stop to wait."""
        if self._interruptible is None:
            return await self._engine.do(command)
        work = asyncio.ensure_future(self._engine.do(command))
        stopped: list[bool] = []
        with self._interruptible(lambda: stopped.append(work.cancel())):
            try:
                return await patiently(work, lambda text: self._lines([f"{NOTICE} {text} Ctrl+C stops waiting."]))
            except asyncio.CancelledError:
                if not stopped:
                    raise  # the program ends
                raise UnavailableError(
                    "you stopped waiting; it may still happen", remedy="/rooms and /members show what is."
                ) from None

    async def _show_event(self, event: Event) -> None:
        if self._json:
            self._screen.show(json_line(kind_of(event), event))
            return
        if isinstance(event, ConnectionChanged):
            self._show_connection(event)
            return
        # The own message is on the screen already: it was typed there.
        if isinstance(event, MessageArrived) and event.message.is_own and event.message.kind is MessageKind.TEXT:
            return
        line = event_line(event)
        if line is not None:
            self._lines([await self._prefix(event) + line])
        if isinstance(event, RoomJoined):
            await self._show_joined(event)

    async def _show_joined(self, event: RoomJoined) -> None:
        """Open the room where none is; otherwise say how."""
        rooms = await self._remember_rooms()
        if self.room is None:
            await self._open(next(room for room in rooms if room.room == event.room))
        else:
            self._lines([f"{NOTICE} /join {self._names[event.room]} opens it."])

    def _show_connection(self, event: ConnectionChanged) -> None:
        """Once when it is lost, however often the client tries again, and once when it is back."""
        if event.is_connected or event.retry_in is None or not self._told_of_loss:
            self._lines([connection_line(event)])
        self._told_of_loss = not event.is_connected

    async def _prefix(self, event: Event) -> str:
        room = event.message.room if isinstance(event, MessageArrived) else getattr(event, "room", None)
        if room is None or (self.room is not None and room == self.room.room):
            return ""
        if room not in self._names:
            await self._remember_rooms()
        return f"[{self._names.get(room, room.hex()[:8])}] "

    async def _remember_rooms(self) -> tuple[RoomSummary, ...]:
        rooms = await self._engine.do(ListRooms())
        self._names = room_names(rooms)
        return rooms

    async def _find(self, text: str) -> RoomSummary:
        """The room of that name; where there is none, the only one whose name begins so. Only a switch may guess."""
        try:
            return await self._engine.do(FindRoom(text))
        except RejectedError:
            rooms = await self._remember_rooms()
            begun = [room for room in rooms if room.name.casefold().startswith(text.casefold())]
            if len(begun) == 1:
                return begun[0]
            if begun and not self._json:
                self._lines(room_lines(rooms, self.room.room if self.room else None))
            raise

    async def _open(self, room: RoomSummary) -> None:
        self.room = room
        if self._json:
            self._screen.show(json_line(kind_of(room), room))
            return
        name = self._names.get(room.room, one_line(room.name))
        title = f"{name} - {one_line(room.topic)}" if room.topic else name
        self._lines([f"== {title} =="])
        for message in await self._engine.do(History(room.room, limit=HISTORY)):
            self._lines([message_line(message)])

    async def _show_result(self, result: object) -> None:
        match result:
            case None:
                return
            case RoomSummary():
                await self._remember_rooms()
                await self._open(result)
            case tuple() if self._json:
                for row in result:
                    self._screen.show(json_line(kind_of(row), row))
            case str() if self._json:
                self._screen.show(json_line("link", result))
            case _ if self._json:
                self._screen.show(json_line(kind_of(result), result))
            case tuple():
                self._lines(self._table(result))
            case MemberSummary() | MessageRef():
                return  # the event that follows tells it
            case str():
                self._lines([result])

    def _table(self, rows: tuple[object, ...]) -> list[str]:
        members = tuple(row for row in rows if isinstance(row, MemberSummary))
        rooms = tuple(row for row in rows if isinstance(row, RoomSummary))
        return member_lines(members) if members else room_lines(rooms, self.room.room if self.room else None)

    def _fail(self, error: EntrenousError) -> None:
        text = sentence(error)
        self._screen.show(json_line("error", text)) if self._json else self._lines([f"! {text}"])

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            self._screen.show(printable(line))
