"""The same conversation over TCP: sockets, a real event loop, a storage thread, a database on the disk."""

import asyncio
from pathlib import Path

from entrenous.client import CreateRoom, InviteMember, KickMember, RemovedFromRoom, RoomJoined
from entrenous.client.session import TcpConnector
from entrenous.server import Server, Settings
from entrenous.testing import FAST_KSF, MemoryServer, SeededEntropy, VirtualClock
from entrenous.testing.members import World
from worlds import epochs, texts


async def test_three_people_talk_over_tcp_one_is_away_and_one_is_removed(tmp_path: Path) -> None:
    clock = VirtualClock(asyncio.get_running_loop())
    settings = Settings(
        data_dir=tmp_path / "server", host="127.0.0.1", port=0, public_address="localhost:7443", ksf=FAST_KSF
    )
    server = await Server.open(settings, clock=clock, entropy=SeededEntropy("tcp"))
    await server.listen()
    async with await World.open(tmp_path, server=MemoryServer(server, clock)) as world:
        connector = TcpConnector(*server.address)
        alice, bob, carol = [await world.person(name, connector) for name in ("alice", "bob", "carol")]
        room = (await alice.do(CreateRoom("Garden"))).room
        for guest in (bob, carol):
            await alice.do(InviteMember(room, guest.name))
            await guest.sees(RoomJoined)
        await alice.says(room, "hello both")
        await bob.reads("hello both")
        await carol.reads("hello both")
        await carol.stop()
        await bob.says(room, "carol is away")
        await alice.reads("carol is away")
        await carol.come_back()
        await carol.reads("carol is away")
        await alice.do(KickMember(room, "bob"))
        await bob.sees(RemovedFromRoom)
        await alice.says(room, "bob is out")
        await carol.reads("bob is out")
        assert await texts(bob, room) == ["hello both", "carol is away"]
        assert await texts(carol, room) == await texts(alice, room) == ["hello both", "carol is away", "bob is out"]
        assert len(epochs(room, alice, carol)) == 1
