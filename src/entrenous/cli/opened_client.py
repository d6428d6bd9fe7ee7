"""A running client for one command: the profile's store, a connection to its server, and what was missed fetched."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from entrenous.cli.output import note
from entrenous.cli.profile_store import client_environment, opened
from entrenous.errors import RejectedError, UnavailableError

if TYPE_CHECKING:
    from entrenous.client import Client

#: Seconds that a command which needs the server waits for it before it gives up.
CONNECT_SECONDS = 20


@contextlib.asynccontextmanager
async def running_client(path: Path) -> AsyncIterator["Client"]:
    """The client of the profile in ``path``; it connects by itself, and may be used before it has.

    Raises:
        RejectedError: there is no profile, or nobody has joined with it.
        UnavailableError: another process holds it.
    """
    from entrenous.client import Client
    from entrenous.client.session import TcpConnector
    from entrenous.client.store import server

    with opened(path) as profile:
        pinned = server.get(profile.store)
        if pinned is None:
            raise RejectedError("PROFILE-EMPTY", f"nobody has joined with the profile {path}: entrenous join LINK")
        client = Client.open(profile.store, TcpConnector(pinned.host, pinned.port), client_environment())
        try:
            yield client
        finally:
            await client.close()


@contextlib.asynccontextmanager
async def connected_client(path: Path) -> AsyncIterator["Client"]:
    """The same, once it has fetched everything that the server has for it.

    Raises:
        UnavailableError: the server cannot be reached in time.
    """
    async with running_client(path) as client:
        await caught_up(client)
        yield client


async def caught_up(client: "Client") -> None:
    """Wait until everything that the server has is on this device's disk.

    Raises:
        UnavailableError: it took too long.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.wait_until_caught_up()
    except TimeoutError:
        raise UnavailableError(f"the server did not answer within {CONNECT_SECONDS} s") from None


async def caught_up_if_possible(client: "Client") -> None:
    """The same for a command that can do something without the server: says so and goes on."""
    try:
        await caught_up(client)
    except UnavailableError as error:
        note(f"warning: {error}; going on with what this device has")
