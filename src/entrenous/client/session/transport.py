"""How a client reaches its server: a connector makes a protocol a connected one."""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from entrenous.errors import UnavailableError

P = TypeVar("P", bound=asyncio.Protocol)

#: Seconds after which the next of a name's addresses is tried beside the one that is slow (RFC 8305).
HAPPY_EYEBALLS_DELAY = 0.25


class Connector(Protocol):
    """Reaches one server; a test's connector reaches it in memory."""

    async def connect(self, factory: Callable[[], P]) -> P:
        """A new protocol, made by ``factory``, whose ``connection_made`` was called.

        Raises:
            UnavailableError: the server cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True)
class TcpConnector:
    """Reaches a server by TCP. Each attempt looks ``host`` up again."""

    host: str
    port: int

    async def connect(self, factory: Callable[[], P]) -> P:
        """A new protocol on a new TCP connection.

        Raises:
            UnavailableError: the name has no address, or nobody listens there.
        """
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.create_connection(
                factory, self.host, self.port, happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY
            )
        except (OSError, ValueError) as error:  # ValueError: a host name that no lookup can encode
            raise UnavailableError(f"{self.host} port {self.port} cannot be reached: {_reason(error)}") from error
        connected = transport.get_extra_info("socket")
        if connected is not None:
            # Small messages are answered by small messages: none may wait for the one before it.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return protocol


def _reason(error: OSError | ValueError) -> str:
    """The system's own words: asyncio puts its call and the address in their place."""
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and number:
        return os.strerror(number)
    return getattr(error, "strerror", None) or str(error)
