"""Taking connections by TCP: a few in one turn of the loop, however many wait to be taken.

asyncio's own servers take all that wait at once: for as long as that lasts, nobody else is served.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import structlog

from entrenous.server.configuration.limits import Live, Rate, live
from entrenous.server.sessions.pacing import Courtesy
from entrenous.server.watching.counters import uncounted

#: Connections that the system keeps waiting.
BACKLOG = 1_024
#: Seconds until another try where the system has nothing left to take a connection with.
RETRY_SECONDS = 1.0
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
#: Ports that are tried where the system chooses one.
PORTS_TRIED = 8
_NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)

#: Families and addresses.
Places: TypeAlias = Sequence[tuple[int, tuple[Any, ...]]]

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
        host, port = plugs[0].getsockname()[:2]
        #: The first socket's host and port, the real one where 0 was asked for.
        self.address = (str(host), int(port))
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
        # A name's addresses may be told twice.
        places = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
        return cls(_bind_all(places, port), factory, rate, courtesy, reached)

    async def close(self) -> None:
        """Take no more connections."""
        self._stop_reading()
        try:
            # Who was taken in this turn of the loop is connected first: a task that is cancelled would lose him.
            await asyncio.sleep(0)
            await self._stop()
        finally:
            # Here too, as who closes may be cancelled himself.
            for task in self._taking:
                task.cancel()
            self._stop_reading()
            for plug in self._plugs:
                plug.close()

    async def _stop(self) -> None:
        for task in self._taking:
            task.cancel()
        self._stop_reading()
        ended, _ = await asyncio.wait((*self._taking, *self._connecting))
        for work in ended:
            with contextlib.suppress(asyncio.CancelledError, OSError):
                work.result()

    def _stop_reading(self) -> None:
        """Have no socket looked at any more in this turn: asyncio would, on behalf of a task that is cancelled."""
        for plug in self._plugs:
            # Windows's loop has no readers.
            with contextlib.suppress(NotImplementedError):
                self._loop.remove_reader(plug)

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
            client = await self._accept(plug)
        except OSError as error:
            # Anything else is about a client that has already gone.
            if error.errno in _EXHAUSTED:
                _log.warning("server.cannot_accept", error=error.strerror)
                await asyncio.sleep(RETRY_SECONDS)
            return
        task: asyncio.Task[object] = self._loop.create_task(self._connect(client))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _accept(self, plug: socket.socket) -> socket.socket:
        """The next connection: at once where one waits, as to have the loop look out for it costs as much again."""
        try:
            return plug.accept()[0]
        except BlockingIOError:
            return (await self._loop.sock_accept(plug))[0]

    async def _connect(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, client)
        except OSError:
            # Gone before it was there.
            client.close()
        except Exception as error:  # noqa: BLE001 a bug of ours: one connection ends, the others are served
            _log.exception("server.connect_failed", error=repr(error))
            client.close()


def _bind_all(places: Places, port: int) -> list[socket.socket]:
    """All of them at one port, also where the system chooses it: then another where others have it in part."""
    for _ in range(PORTS_TRIED - 1 if port == 0 else 0):
        try:
            return _bind_each(places, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return _bind_each(places, port)


def _bind_each(places: Places, port: int) -> list[socket.socket]:
    plugs: list[socket.socket] = []
    try:
        for number, (family, address) in enumerate(places, 1):
            try:
                plugs.append(_bind(family, address, plugs[0].getsockname()[1] if plugs else port))
            except OSError as error:
                # A machine may lack IPv6, or IPv4.
                if (number == len(places) and not plugs) or error.errno not in _NOT_HERE:
                    raise
    except BaseException:
        for plug in plugs:
            plug.close()
        raise
    return plugs


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
