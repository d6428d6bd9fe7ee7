"""A canary: two people who hold a short conversation on a live server, and what must be found nowhere afterwards."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from entrenous.errors import UnavailableError

if TYPE_CHECKING:
    from entrenous.client import Client
    from entrenous.client.events import Event
    from entrenous.identity import InviteLink

#: Seconds in which each step of the conversation must have happened.
PATIENCE = 60
#: Random bytes that make each of the canary's words the only one of its kind, and those in a login name.
_WORD, _NAME = 12, 6
_HOW_TO_GO_ON = "Look into the server's log, and try again."


@dataclass(frozen=True, slots=True)
class Canary:
    """What one run says, all of it new and random.

    Attributes:
        names: login names, which a server knows.
        password: of both, which it must not know; neither room name and texts.
    """

    names: tuple[str, str]
    password: str = field(repr=False)
    room_name: str
    texts: tuple[str, str]

    @classmethod
    def hatch(cls) -> "Canary":
        """A new one."""
        from entrenous.crypto import system_entropy

        words = [system_entropy(_WORD).hex() for _ in range(4)]
        names = [f"canary-{system_entropy(_NAME).hex()}" for _ in range(2)]
        return cls(
            (names[0], names[1]),
            f"password-{words[0]}",
            f"canary room {words[1]}",
            (f"canary text {words[2]}", f"canary reply {words[3]}"),
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        """What no server may have, by what a report may call it."""
        return {
            "the password": self.password,
            "the room's name": self.room_name,
            "the text": self.texts[0],
            "the reply": self.texts[1],
        }


async def sing(canary: Canary, link: "InviteLink", host: str, port: int) -> bytes:
    """Register both, and have them talk; returns the room's id. Their profiles are gone when it returns.

    Raises:
        EntrenousError: the server refused something, or did not do it in time.
    """
    from entrenous.client import CreateRoom, InviteMember, RoomJoined

    async with _person(canary, 0, link, host, port) as (alice, heard), _person(canary, 1, link, host, port) as both:
        bob, bob_heard = both
        room = (await alice.do(CreateRoom(canary.room_name))).room
        await alice.do(InviteMember(room, canary.names[1]))
        await _hear(bob_heard, lambda event: isinstance(event, RoomJoined))
        await _say(alice, bob_heard, room, canary.texts[0])
        await _say(bob, heard, room, canary.texts[1])
        return room


@contextlib.asynccontextmanager
async def _person(
    canary: Canary, number: int, link: "InviteLink", host: str, port: int
) -> "AsyncIterator[tuple[Client, AsyncIterator[Event]]]":
    """Register one, with a profile that lasts as long as the block."""
    from entrenous.client import Client
    from entrenous.client.accounts import register
    from entrenous.client.environment import Environment
    from entrenous.client.keyfile import STORE_KEY_SIZE, StoreKey
    from entrenous.client.session import TcpConnector
    from entrenous.client.store import Store
    from entrenous.crypto import system_entropy
    from entrenous.server.clock import SystemClock

    environment, connector = Environment(SystemClock(), system_entropy), TcpConnector(host, port)
    with tempfile.TemporaryDirectory(prefix="entrenous-canary-") as folder:
        store = Store.open(Path(folder) / "profile.db", StoreKey(system_entropy(STORE_KEY_SIZE)))
        try:
            await register(
                link, connector, store, environment, login_name=canary.names[number], password=canary.password
            )
            client = Client.open(store, connector, environment)
            try:
                events = client.events()
                async with asyncio.timeout(PATIENCE):
                    await client.wait_until_caught_up()
                yield client, events
            finally:
                await client.close()
        except TimeoutError:
            raise UnavailableError(f"the canary waited for {PATIENCE} s in vain", remedy=_HOW_TO_GO_ON) from None
        finally:
            store.close()


async def _say(speaker: "Client", listening: "AsyncIterator[Event]", room: bytes, text: str) -> None:
    """Have one say something, and the other hear it."""
    from entrenous.client import MessageArrived, SendText

    await speaker.do(SendText(room, text))
    await _hear(listening, lambda event: isinstance(event, MessageArrived) and event.message.text == text)


async def _hear(events: "AsyncIterator[Event]", is_it: Callable[["Event"], bool]) -> None:
    """Wait for an event."""
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            if is_it(event):
                return
    raise UnavailableError("the canary's client ended", remedy=_HOW_TO_GO_ON)
