"""A running client for one command: the profile's store, a connection to its server, and what was missed fetched."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from entrenous.cli.options import Common
from entrenous.cli.output import note
from entrenous.cli.profile_store import client_environment, opened
from entrenous.errors import RejectedError, UnavailableError

if TYPE_CHECKING:
    from entrenous.client import Client
    from entrenous.client.environment import Environment
    from entrenous.client.views import RoomSummary

#: Seconds that a command which needs the server waits for it before it gives up.
CONNECT_SECONDS = 20


@contextlib.asynccontextmanager
async def running_client(
    options: Common, *, environment: "Environment | None" = None, password: bytes | None = None
) -> AsyncIterator["Client"]:
    """The client of the profile that was named; it connects by itself, and may be used before it has.

    Args:
        options: what stands before the command.
        environment: if the command has made one already.
        password: opens a locked profile; None asks for it.

    Raises:
        RejectedError: there is no profile, or nobody has joined with it.
        UnavailableError: another process holds it.
    """
    from entrenous.client import Client
    from entrenous.client.session import TcpConnector
    from entrenous.client.store import server

    path = options.profile_path
    with opened(path, password=password) as profile:
        pinned = server.get(profile.store)
        if pinned is None:
            raise RejectedError(
                "PROFILE-EMPTY", f"nobody has joined with the profile {path} yet; begin with: entrenous join LINK"
            )
        connector = TcpConnector(pinned.host, pinned.port)
        client = Client.open(profile.store, connector, environment or client_environment(options))
        try:
            yield client
        finally:
            await client.close()


@contextlib.asynccontextmanager
async def connected_client(
    options: Common, *, environment: "Environment | None" = None, password: bytes | None = None
) -> AsyncIterator["Client"]:
    """The same, once it has fetched everything that the server has for it.

    Raises:
        UnavailableError: the server cannot be reached in time.
    """
    async with running_client(options, environment=environment, password=password) as client:
        await caught_up(client)
        yield client


async def caught_up(client: "Client") -> None:
    """Wait until everything that the server has is on this device's disk.

    Raises:
        UnavailableError: it took too long.
    """
    from entrenous.client.events import ConnectionChanged

    events = client.events()
    reasons: list[str] = []

    async def listen() -> None:
        async for event in events:
            if isinstance(event, ConnectionChanged) and event.reason:
                if not reasons:
                    note(f"Not connected: {event.reason}. Trying for {CONNECT_SECONDS} s …")
                reasons.append(event.reason)

    listening = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.wait_until_caught_up()
    except TimeoutError:
        reason = reasons[-1] if reasons else "it did not answer"
        raise UnavailableError(f"the server could not be asked for {CONNECT_SECONDS} s: {reason}") from None
    finally:
        events.close()
        await listening


async def caught_up_if_possible(client: "Client") -> None:
    """The same for a command that can do something without the server: says so and goes on."""
    try:
        await caught_up(client)
    except UnavailableError as error:
        note(f"warning: {error}; going on with what this device has")


async def find_room(client: "Client", text: str) -> "RoomSummary":
    """The room that ``text`` names; where several have the name, or none, the error helps to name one.

    Raises:
        RejectedError: rule CLIENT-ROOM or CLIENT-ROOM-AMBIGUOUS.
    """
    from entrenous.cli.chat.render import room_names
    from entrenous.client.commands import FindRoom, ListRooms

    try:
        return await client.do(FindRoom(text))
    except RejectedError as error:
        wanted = text.strip().casefold()
        same = [room for room in await client.do(ListRooms()) if room.name.casefold() == wanted]
        choice = ", ".join(room_names(same).values())
        advice = f"{choice} (the id is in brackets)" if same else "entrenous rooms lists yours"
        raise RejectedError(error.rule, f"{error.detail}; {advice}") from None
