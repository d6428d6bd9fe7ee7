"""A connection that comes through a load balancer: its PROXY header is read first, and then it is like any other.

Only connections from the addresses that the operator trusts are read so. From elsewhere a header is just the wrong
beginning: whoever could send one could choose the address that its limits are counted by.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import cast

from entrenous.errors import MalformedError
from entrenous.server.configuration.setting_kinds import Network
from entrenous.server.network.host import Host
from entrenous.server.network.proxy_protocol import parse_header
from entrenous.server.watching.counters import Count

#: Makes the end of a connection for a client at an address; None is the address that the connection has itself.
MakeLink = Callable[[str | None], asyncio.Protocol]


@dataclass(frozen=True, slots=True)
class Balancers:
    """Whose headers are believed, and the connections whose header is awaited."""

    trusted: tuple[Network, ...]
    waiting: "set[ProxiedLink]" = field(default_factory=set)

    def trust(self, peer: object) -> bool:
        """Whether a connection comes from one of them."""
        if not isinstance(peer, tuple) or not peer:
            return False
        try:
            address = ip_address(str(peer[0]).partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.trusted)


class ProxiedLink(asyncio.Protocol):
    """Waits for a header, and hands the connection on.

    Args:
        host: the server.
        balancers: whose headers are believed.
        make: what takes the connection over.
    """

    def __init__(self, host: Host, balancers: Balancers, make: MakeLink) -> None:
        self._host = host
        self._balancers = balancers
        self._make = make
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._data = b""

    @property
    def account(self) -> bytes:
        """Nobody has logged in."""
        return b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        # asyncio promises a streaming protocol such a transport; uvloop's does not derive from the class.
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        if peer is None:
            # Reset before anybody looked, as a balancer's own checks are: no one can tell any more who it was.
            self.abort()
            return
        if not self._balancers.trust(peer):
            self._hand_on(None)
            return
        limits = self._host.services.limits
        if len(self._balancers.waiting) >= limits.handshakes:
            self._host.services.counters.add(Count.HANDSHAKES)
            self._transport.abort()
            return
        self._balancers.waiting.add(self)
        self._host.connections.add(self)
        self._timer = asyncio.get_running_loop().call_later(limits.handshake_seconds, self._late)

    def data_received(self, data: bytes) -> None:
        """Bytes of the header, and perhaps the client's first."""
        if self not in self._balancers.waiting:
            return
        self._data += data
        try:
            header = parse_header(self._data)
        except MalformedError as error:
            self._host.services.counters.add(Count.FAILED_CONNECTIONS)
            self._host.reports.tell("connection.no_proxy_header", error=str(error))
            self.abort()
            return
        if header is not None:
            self._forget()
            self._host.connections.discard(self)
            self._hand_on(header.source, self._data[header.size :])

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone before it has begun."""
        del exc
        self._forget()
        self._host.connections.discard(self)

    def hold(self) -> None:
        """Take no more requests: there are none."""

    def adopt_limits(self) -> None:
        """Go by limits that have changed: here they are asked for."""

    def end(self, reason: str) -> None:
        """Close: who has not even begun is told nothing."""
        del reason
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._forget()
        if self._transport is not None:
            self._transport.abort()

    def _late(self) -> None:
        self._host.services.counters.add(Count.HANDSHAKE_SECONDS)
        self._host.reports.tell("connection.timed_out", waiting_for="proxy header")
        self.abort()

    def _hand_on(self, source: str | None, first: bytes = b"") -> None:
        link, transport = self._make(source), self._transport
        if transport is None:
            return
        transport.set_protocol(link)
        link.connection_made(transport)
        if first and not transport.is_closing():
            link.data_received(first)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._balancers.waiting.discard(self)
