"""The server as it runs: TCP, a database in a file, the storage thread, keys that outlive the process."""

import asyncio
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from entrenous.channel import ALERT
from entrenous.crypto import system_entropy
from entrenous.errors import UnavailableError, UsageError
from entrenous.server import Server, Settings, SystemClock
from entrenous.server.network.descriptors import RESERVE
from entrenous.testing import ADDRESS, FAST_KSF, MemoryServer, VirtualClock
from entrenous.wire import replies, requests
from server_people import Person, RawClient, World


class TcpWorld(World):
    """The same people, over TCP."""

    async def connect(self, **options: Any) -> RawClient:
        del options
        host, port = self.memory.server.address
        pin, now = self.memory.server.server_id, self.memory.clock.now()
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: RawClient(pin=pin, now=now, seed=f"tcp {next(self._clients)}"), host, port
        )
        await client.secured.wait()
        return client


def settings(path: Path, **options: Any) -> Settings:
    return Settings(data_dir=path, host="127.0.0.1", port=0, ksf=FAST_KSF, **options)


async def start(path: Path) -> TcpWorld:
    server = await Server.open(settings(path), clock=SystemClock(), entropy=system_entropy)
    await server.listen()
    return TcpWorld(MemoryServer(server, VirtualClock(start=time.time())))


async def conversation(path: Path) -> None:
    world = await start(path)
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    base = await alice.add(room, bob)
    before = world.memory.server.storage.commits
    pending = [
        person.client.start(person.publish_request(room, bytes(200), base))
        for _ in range(150)
        for person in (alice, bob)
    ]
    got = [reply.sequence for reply in await asyncio.gather(*pending)]
    assert sorted(got) == list(range(2, 302))
    assert world.memory.server.storage.commits - before < 150
    await world.memory.close()
    await restarted(path, world, alice, bob, room)


async def restarted(path: Path, former: World, alice: Person, bob: Person, room: bytes) -> None:
    """The same server again: the same identity, the same accounts, the same log."""
    world = await start(path)
    assert world.memory.server.server_id == former.memory.server.server_id
    for person in (alice, bob):
        person.world = world
        person.client = await world.connect()
        await person.log_in()
    assert isinstance(await alice.password_login(await world.connect()), replies.LoginDone)
    assert len((await bob.fetch(room)).entries) == 301
    assert await alice.publish(room, base=1) == replies.Published(302)
    assert (await bob.client.event()).entry.sequence == 302
    await world.memory.close()


def run(main: Coroutine[Any, Any, None], factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def test_people_talk_over_tcp_and_find_everything_after_a_restart(tmp_path: Path) -> None:
    run(conversation(tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run there")
def test_people_talk_over_tcp_on_uvloop(tmp_path: Path) -> None:
    import uvloop

    run(conversation(tmp_path), uvloop.new_event_loop)


def test_an_invite_link_names_where_the_server_really_listens(tmp_path: Path) -> None:
    async def main() -> None:
        server = await Server.open(settings(tmp_path), clock=SystemClock(), entropy=system_entropy)
        with pytest.raises(UsageError):
            _ = server.address
        await server.listen()
        link = await server.create_invite(1, 60)
        assert link.port == server.address[1] != 0
        assert link.server_id == server.server_id
        await server.close()

    run(main())


def test_a_port_that_is_taken_is_said_plainly(tmp_path: Path) -> None:
    async def main() -> None:
        first = await Server.open(settings(tmp_path / "a"), clock=SystemClock(), entropy=system_entropy)
        await first.listen()
        taken = Settings(data_dir=None, host="127.0.0.1", port=first.address[1], ksf=FAST_KSF)
        second = await Server.open(taken, clock=SystemClock(), entropy=system_entropy)
        with pytest.raises(UnavailableError, match=r"cannot listen on 127\.0\.0\.1, port"):
            await second.listen()
        await second.close()
        await first.close()

    run(main())


def test_a_client_that_dribbles_its_handshake_byte_by_byte_gets_in(tmp_path: Path) -> None:
    async def main() -> None:
        world = await start(tmp_path)
        host, port = world.memory.server.address
        reader, writer = await asyncio.open_connection(host, port)
        client = RawClient(pin=world.memory.server.server_id, now=world.memory.clock.now())
        for byte in client.channel.data_to_send(client.now):
            writer.write(bytes([byte]))
            await writer.drain()
        while client.handshake is None:
            client.channel.receive_data(await reader.read(65_536), client.now)
            event = client.channel.next_event()
            if event is not None:
                client._take(event)
        writer.close()
        await writer.wait_closed()
        await world.memory.close()

    run(main())


def test_nothing_that_was_acknowledged_is_lost_when_the_process_is_gone_without_a_word(tmp_path: Path) -> None:
    async def main() -> None:
        world = await start(tmp_path)
        alice = await world.person("alice")
        room = await alice.create_room()
        for _ in range(5):
            await alice.publish(room)
        # A copy of the files as they are now is what a power cut would leave.
        copy = tmp_path / "after the cut"
        (copy / "keys").mkdir(parents=True)
        (copy / "keys").chmod(0o700)
        for name in ("server.db", "server.db-wal", "keys/server.keys"):
            (copy / name).write_bytes((tmp_path / name).read_bytes())
        (copy / "keys" / "server.keys").chmod(0o600)
        again = await start(copy)
        alice.world = again
        alice.client = await again.connect()
        await alice.log_in()
        assert (await alice.client.call(requests.Fetch(room, 0, 10))).newest == 5
        await again.memory.close()
        await world.memory.close()

    run(main())


def test_two_processes_do_not_serve_one_directory_though_a_second_may_make_invites(tmp_path: Path) -> None:
    async def main() -> None:
        world = await start(tmp_path)
        named = settings(tmp_path, public_address=ADDRESS)
        second = await Server.open(named, clock=SystemClock(), entropy=system_entropy)
        with pytest.raises(UnavailableError, match="another server"):
            await second.listen()
        token = (await second.create_invite(1, 60)).token
        assert isinstance(await Person(world, "alice", await world.connect()).register(token), replies.Done)
        await second.close()
        await world.memory.close()
        third = await start(tmp_path)
        await third.memory.close()

    run(main())


def test_a_database_that_is_none_is_said_plainly_and_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "server.db"
    database.write_bytes(b"not a database at all" * 500)

    async def main() -> None:
        with pytest.raises(UnavailableError, match=r"server\.db cannot be used"):
            await Server.open(settings(tmp_path), clock=SystemClock(), entropy=system_entropy)

    run(main())
    assert database.read_bytes() == b"not a database at all" * 500


def test_half_closed_and_reset_connections_are_forgotten_and_others_served(tmp_path: Path) -> None:
    async def main() -> None:
        world = await start(tmp_path)
        alice = await world.person("alice")
        room = await alice.create_room()
        ends = asyncio.Queue[bytes]()

        async def half_close() -> None:
            reader, writer = await asyncio.open_connection(*world.memory.server.address)
            writer.write(b"ENTR")
            writer.write_eof()
            ends.put_nowait(await reader.read())
            writer.close()

        async def reset() -> None:
            _, writer = await asyncio.open_connection(*world.memory.server.address)
            plug = writer.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

        await asyncio.gather(*(half_close() for _ in range(40)), *(reset() for _ in range(200)))
        assert await alice.publish(room) == replies.Published(1)
        # The server sends nothing but its alert to who hangs up, and waits for nobody.
        assert {ends.get_nowait() for _ in range(40)} <= {b"", ALERT}
        async with asyncio.timeout(30):
            while world.memory.server.connections > 1:  # noqa: ASYNC110 the system tells the server in its own time
                await asyncio.sleep(0.01)
        await world.memory.close()

    run(main())


def test_a_server_asks_the_system_for_descriptors_and_takes_no_more_connections_than_they_suffice_for() -> None:
    """Where they are out, the system turns newcomers away, and greedy ones would not give way to others."""
    resource = pytest.importorskip("resource", reason="Windows knows no such limit")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    script = (
        "import resource, sys\n"
        "from entrenous.server.network.descriptors import room_for\n"
        "soft, hard, wanted = map(int, sys.argv[1:])\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))\n"
        "print(room_for(wanted), resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
    )

    def told(soft: int, most: int, wanted: int) -> tuple[int, ...]:
        command = [sys.executable, "-c", script, str(soft), str(most), str(wanted)]
        output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        return tuple(int(word) for word in output.split())

    assert told(256, hard, 500) == (500, 500 + RESERVE)
    assert told(256, 700, 500) == (700 - RESERVE, 700)
    assert told(128, 128, 500) == (64, 128)
    assert told(1_000, 1_000, 100) == (100, 1_000)
