"""Several nodes of one server in this process: one PostgreSQL, one NATS, real threads and real time."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from entrenous.server import Server, Settings
from entrenous.server.configuration.limits import Limits
from entrenous.server.watching.metrics import PREFIX, Exposition, ServerCollector
from entrenous.server.watching.pulse import Pulse
from entrenous.testing import ADDRESS, FAST_KSF, SeededEntropy
from entrenous.testing.clock import VirtualClock
from entrenous.testing.server import MemoryServer

#: Seconds in which anything that a test waits for must have happened, and between two looks of a node that rests.
PATIENCE, NEVER = 120.0, 300.0


@contextlib.asynccontextmanager
async def nodes(
    folder: Path,
    store: str,
    bus: str | None,
    *,
    count: int = 2,
    poll_seconds: float = NEVER,
    limits: Limits | None = None,
) -> AsyncIterator[list[MemoryServer]]:
    """Nodes that end with the block. By default they look by themselves so seldom that a test does not see it."""
    started: list[MemoryServer] = []
    try:
        for number in range(count):
            started.append(await _node(folder, number, store, bus, poll_seconds, limits or Limits()))  # noqa: PERF401 if one cannot start, the others are ended
        if bus is not None:
            await until(lambda: all(is_connected(node) for node in started))
        yield started
    finally:
        for node in started:
            await node.close()


async def _node(
    folder: Path, number: int, store: str, bus: str | None, poll_seconds: float, limits: Limits
) -> MemoryServer:
    data = folder / f"node{number}"
    if number:
        shutil.copytree(folder / "node0" / "keys", data / "keys")
    settings = Settings(
        data_dir=data,
        host="127.0.0.1",
        port=0,
        public_address=ADDRESS,
        ksf=FAST_KSF,
        store=store,
        bus=bus,
        poll_seconds=poll_seconds,
        limits=limits,
    )
    clock = VirtualClock(asyncio.get_running_loop())
    server = await Server.open(settings, clock=clock, entropy=SeededEntropy(f"node {number}"))
    await server.listen()
    return MemoryServer(server, clock)


def is_connected(node: MemoryServer) -> bool:
    """Whether a node hears the others."""
    return node.server._bus is not None and node.server._bus.is_connected


def figures(node: MemoryServer) -> dict[str, float]:
    """What a node would tell Prometheus, by name and labels."""
    server, pulse = node.server, Pulse()
    collector = ServerCollector(server._host, server.storage, server._balancers, pulse, server._has_bus)
    pulse.stop()
    lines = Exposition(collector).text().decode().splitlines()
    found = (line.rsplit(" ", 1) for line in lines if line.startswith(PREFIX))
    return {name.removeprefix(PREFIX): float(value) for name, value in found}


async def until(done: Callable[[], bool]) -> None:
    """Wait for something that nothing tells of."""
    async with asyncio.timeout(PATIENCE):
        while not done():  # noqa: ASYNC110 nothing tells of it
            await asyncio.sleep(0.01)
