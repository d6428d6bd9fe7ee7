"""Taking connections by TCP: a few in one turn of the loop, however many wait to be taken.

asyncio's own servers take all that wait at once: for as long as that lasts, nobody else is served.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

import structlog

from entrenous.server.counters import uncounted
from entrenous.server.limits import Live, Rate, live
from entrenous.server.pacing import Courtesy

#: Connections that the system keeps waiting.
BACKLOG = 1_024
#: Seconds until another try where the system has nothing left to take a connection with.
RETRY_SECONDS = 1.0
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)

_log = structlog.get_logger(__name__)


class Listener:
    """Listening sockets. Make it with ``Listener.open``.

    Args:
        plugs: what it listens on, bound and not blocking.
        factory: makes the server's end of a connection.
        rate: how many are taken in one turn, and seconds until the next ones.
        courtesy: to whom they give way.
        reached: called whenever so many came at once that others may have to wait.
    """

    def __init__(
        self,
        plugs: list[socket.socket],
        factory: Callable[[], asyncio.Protocol],
        rate: Live[Rate],
        courtesy: Courtesy,
        reached: Callable[[], None] = uncounted,
    ) -> None:
        self._plugs = plugs
        self._factory = factory
        self._rate = live(rate)
        self._courtesy = courtesy
        self._reached = reached
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[object]] = set()
        self._taking = [self._loop.create_task(self._take_from(plug)) for plug in plugs]

    @classmethod
    async def open(
        cls,
        host: str | None,
        port: int,
        factory: Callable[[], asyncio.Protocol],
        rate: Live[Rate],
        courtesy: Courtesy,
        reached: Callable[[], None] = uncounted,
    ) -> "Listener":
        """Listen at ``host``, or on every interface, IPv4 and IPv6.

        Raises:
            OSError: the address is not to be had; of gaierror if there is no such name.
        """
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        plugs: list[socket.socket] = []
        try:
            for family, _, _, _, address in found:
                try:
                    # All of them at one port, also where the system chooses it.
                    plugs.append(_bind(family, address, plugs[0].getsockname()[1] if plugs else port))
                except OSError as error:
                    # A machine may lack IPv6, or IPv4.
                    if (address is found[-1][4] and not plugs) or error.errno not in _NOT_HERE:
                        raise
        except BaseException:
            for plug in plugs:
                plug.close()
            raise
        return cls(plugs, factory, rate, courtesy, reached)

    @property
    def address(self) -> tuple[str, int]:
        """The first socket's host and port, the real one where 0 was asked for."""
        host, port = self._plugs[0].getsockname()[:2]
        return str(host), int(port)

    async def close(self) -> None:
        """Take no more connections."""
        for task in self._taking:
            task.cancel()
        for work in (*self._taking, *self._connecting):
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await work
        for plug in self._plugs:
            plug.close()

    async def _take_from(self, plug: socket.socket) -> None:
        while True:
            await self._take(plug)
            begun, rate = self._loop.time(), self._rate()
            for _ in range(rate.count - 1):
                await self._take(plug)
            if self._loop.time() - begun < rate.seconds:
                self._reached()
            await self._courtesy.take_a_rest(rate.seconds)

    async def _take(self, plug: socket.socket) -> None:
        try:
            client, _ = await self._loop.sock_accept(plug)
        except OSError as error:
            # Anything else is about a client that has already gone.
            if error.errno in _EXHAUSTED:
                _log.warning("server.cannot_accept", error=error.strerror)
                await asyncio.sleep(RETRY_SECONDS)
            return
        task: asyncio.Task[object] = self._loop.create_task(self._connect(client))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, client)
        except OSError:
            # Gone before it was there.
            client.close()


def _bind(family: int, address: tuple[object, ...], port: int) -> socket.socket:
    plug = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_REUSEADDR") and hasattr(socket, "SO_REUSEPORT"):
            # On Windows, which has no second one, the first would let others take the port.
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            plug.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        plug.bind((address[0], port, *address[2:]))
        plug.listen(BACKLOG)
        plug.settimeout(0)
    except BaseException:
        plug.close()
        raise
    return plug
