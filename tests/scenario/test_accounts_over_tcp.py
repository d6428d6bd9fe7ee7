"""The product as it is: a server on disk and on TCP, the real cost of a password, threads for Argon2id."""

import asyncio
import time
from pathlib import Path

import pytest

from entrenous.client.accounts import ServerAddress, log_in, register
from entrenous.client.environment import Environment
from entrenous.client.keyfile import create_store_key, load_store_key
from entrenous.client.profile import Profile
from entrenous.client.session import Connected, Disconnected, Session, TcpConnector
from entrenous.client.store import Store
from entrenous.crypto import system_entropy
from entrenous.errors import RejectedError
from entrenous.server import Server, Settings
from entrenous.wire import replies, requests

PASSWORD = "maple-orbit-velvet-canyon-thunder"


class SystemClock:
    """The machine's own."""

    def now(self) -> float:
        return time.time()


async def serve(path: Path, port: int = 0) -> Server:
    settings = Settings(data_dir=path, host="127.0.0.1", port=port)
    server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy)
    await server.listen()
    return server


async def test_register_restart_everything_log_in_again_and_replace_the_device(tmp_path: Path) -> None:
    environment = Environment(SystemClock(), system_entropy)
    server = await serve(tmp_path / "server")
    host, port = server.address
    link = await server.create_invite(uses=1, lifetime=3600)
    connector = TcpConnector(host, port)
    with Profile.open(tmp_path / "alice") as profile:
        key = create_store_key(profile.key_path, password=None, entropy=system_entropy)
        store = Store.open(profile.store_path, key)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        await register(link, connector, store, environment, login_name="alice", password=PASSWORD)
        ticking.cancel()
        assert ticks > 5  # Argon2id does not stop the world
        store.close()

    with Profile.open(tmp_path / "alice") as profile:
        store = Store.open(profile.store_path, load_store_key(profile.key_path, password=None))
        session = Session(store, connector, environment)
        session.start()
        async with asyncio.timeout(20):
            assert isinstance(await session.next_event(), Connected)
            await server.close()
            while not isinstance(await session.next_event(), Disconnected):
                pass
            server = await serve(tmp_path / "server", port)
            session.retry_now()
            await session.wait_until_connected()
            assert await session.call(requests.ListRooms(), replies.Rooms) == replies.Rooms(())

            second = Store.open(tmp_path / "second.db", key)
            address = ServerAddress(host, port, server.server_id)
            await log_in(address, connector, second, environment, login_name="alice", secret=PASSWORD)
            while not isinstance(event := await session.next_event(), Disconnected) or event.retry_in is not None:
                session.retry_now()
            with pytest.raises(RejectedError, match="revoked"):
                await session.call(requests.ListRooms(), replies.Rooms)
        await session.close()
        second.close()
        store.close()
    await server.close()
