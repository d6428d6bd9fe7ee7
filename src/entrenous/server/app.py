"""The server, put together: keys, store, services and connections, from the first start to a graceful end."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace

import structlog

from entrenous.crypto import Entropy
from entrenous.errors import UnavailableError, UsageError
from entrenous.identity import InviteLink, parse_address
from entrenous.server import notices, upkeep
from entrenous.server.clock import Clock
from entrenous.server.configuration.reloading import Reloaded, own_settings, take_over
from entrenous.server.configuration.settings import Settings
from entrenous.server.network.admission import Admission
from entrenous.server.network.connection import ClientLink
from entrenous.server.network.descriptors import room_for
from entrenous.server.network.holding import Holdings
from entrenous.server.network.host import Host
from entrenous.server.network.listening import Listener
from entrenous.server.network.proxied import Balancers, ProxiedLink
from entrenous.server.nodes.bus import Carrier, carrier_for
from entrenous.server.opening import open_database
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.people.keys import generate_keys, load_or_create_keys
from entrenous.server.renewal import AWAITED_LOOK_EVERY, LOOK_EVERY, Renewal
from entrenous.server.serving_lock import ServingLock
from entrenous.server.sessions.pacing import Pacer
from entrenous.server.sessions.services import Services
from entrenous.server.store import Storage, accounts
from entrenous.server.watching.counters import Count
from entrenous.server.watching.reporting import Reports
from entrenous.server.watching.watch import Watch
from entrenous.trace import SILENT, Trace

#: Seconds that clients get to take what is queued for them when the server ends.
GOODBYE_SECONDS = 5.0
#: Seconds that one Python thread runs while another wants to.
SWITCH_SECONDS = 0.0005

_log = structlog.get_logger(__name__)


class Server:
    """One running server. Make it with ``Server.open``, end it with ``close``."""

    def __init__(
        self,
        settings: Settings,
        keys: ServerKeys,
        storage: Storage,
        *,
        clock: Clock,
        entropy: Entropy,
        trace: Trace,
        bus: Carrier | None = None,
    ) -> None:
        self.settings = settings = own_settings(settings)
        self.storage = storage
        self._bus = bus
        #: What clients pin, 32 bytes.
        self.server_id = keys.server_id
        self._clock = clock
        self._balancers = Balancers(settings.proxy_from)
        self._watch: Watch | None = None
        self._listener: Listener | None = None
        self._lock: ServingLock | None = None
        services = Services.build(
            settings,
            storage=storage,
            keys=keys,
            clock=clock,
            entropy=entropy,
            address=self._public_address,
            trace=trace,
            bus=bus,
        )
        limits, counters = settings.limits, services.counters
        self._host = Host(
            services=services,
            clock=clock,
            entropy=entropy,
            trace=trace,
            admission=Admission(limits, counters.add),
            pacer=Pacer(
                lambda: limits.handshakes_per_turn, services.courtesy, counters.adder(Count.HANDSHAKES_PER_TURN)
            ),
            holdings=Holdings(lambda: limits.held_bytes, counters.adder(Count.HELD_BYTES)),
            reports=Reports(clock),
            credentials={},
        )
        renewal = Renewal(settings, keys, self._host, clock, entropy)
        self._notices = notices.Notices(
            storage=storage,
            fanout=services.fanout,
            connections=self._host.connections,
            login=services.login,
            quotas=services.quotas,
            renew_identity=renewal.renew_identity,
        )
        loop = asyncio.get_running_loop()
        self._upkeep = [
            loop.create_task(upkeep.repeat("sweep", settings.sweep_seconds, self.sweep)),
            loop.create_task(upkeep.repeat("renew", LOOK_EVERY, renewal.look)),
        ]
        # A store in memory has nobody beside this process.
        if settings.data_dir is not None:
            self._upkeep += [
                loop.create_task(upkeep.repeat("operators", notices.LOOK_EVERY, self.follow_operators)),
                loop.create_task(upkeep.repeat("keys", AWAITED_LOOK_EVERY, renewal.look_for_awaited)),
            ]

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        clock: Clock,
        entropy: Entropy,
        trace: Trace = SILENT,
        inline_storage: bool = False,
    ) -> "Server":
        """Start everything but the listening.

        Args:
            settings: what the operator has set.
            clock: the time of day.
            entropy: for keys, tokens and handshakes.
            trace: told of derivations.
            inline_storage: run the store in the loop's own thread, for virtual time.

        Raises:
            RejectedError: rule SRV-KEYS-MODE.
            MalformedError, UnavailableError: key file or database cannot be used.
        """
        if settings.keys_path is None:
            keys = generate_keys(entropy)
        else:
            keys = load_or_create_keys(settings.keys_path, entropy)
        bus = None if settings.bus is None else carrier_for(settings.bus, keys.server_id)
        storage = Storage(open_database(settings, keys.server_id), inline=inline_storage)
        if not inline_storage:
            # The storage thread would otherwise keep the loop waiting 5 ms at a time.
            sys.setswitchinterval(SWITCH_SECONDS)
            settings = _with_room(settings)
        server = cls(settings, keys, storage, clock=clock, entropy=entropy, trace=trace, bus=bus)
        await server.follow_operators()
        await server.services.quotas.refresh()
        _log.info("server.opened", server_id=keys.server_id.hex())
        return server

    @property
    def services(self) -> Services:
        """What sessions call: for an operator's own commands and for tests."""
        return self._host.services

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._host.connections)

    @property
    def address(self) -> tuple[str, int]:
        """Where the server listens: host and port, the real one where 0 was asked for.

        Raises:
            UsageError: it does not listen.
        """
        if self._listener is None:
            raise UsageError("the server does not listen")
        return self._listener.address

    def protocol_factory(self) -> Callable[[], asyncio.Protocol]:
        """What makes the server's end of a connection, for any transport."""
        host, balancers = self._host, self._balancers
        if not balancers.trusted:
            return lambda: ClientLink(host)
        return lambda: ProxiedLink(host, balancers, lambda address: ClientLink(host, address))

    async def listen(self) -> None:
        """Take connections by TCP.

        Raises:
            UnavailableError: the address cannot be had, or another process serves this data directory.
        """
        if self.settings.lock_path is not None:
            self._lock = ServingLock(self.settings.lock_path)
            self._lock.take()
        try:
            self._listener = await Listener.open(
                self.settings.host,
                self.settings.port,
                self.protocol_factory(),
                lambda: self.settings.limits.accepts_per_turn,
                self.services.courtesy,
                self.services.counters.adder(Count.ACCEPTS_PER_TURN),
            )
        except OSError as error:
            where = f"{self.settings.host or 'any interface'}, port {self.settings.port}"
            # asyncio puts the call and the address in place of the system's words; a failed lookup has its own.
            number = None if isinstance(error, socket.gaierror) else error.errno
            reason = os.strerror(number) if number else error.strerror or error
            remedy = "Choose another address or port, or end what uses it."
            raise UnavailableError(f"cannot listen on {where}: {reason}", remedy=remedy) from error
        if self._lock is not None:
            self._lock.tell(*self.address)
        _log.info("server.listening", host=self.address[0], port=self.address[1])
        self._watch = Watch(self.settings, self._host, self.storage, self._balancers, self._has_bus)
        self._follow_nodes()

    async def create_invite(self, uses: int, lifetime: int) -> InviteLink:
        """An invite by the operator, good for ``uses`` registrations within ``lifetime`` seconds."""
        made = await self.services.invites.make(uses=uses, lifetime_seconds=lifetime, created_by=None)
        host, port = parse_address(made.address)
        return InviteLink(host, port, self.server_id, made.token)

    async def has_people(self) -> bool:
        """Whether anybody has registered, at this node or another."""
        return await self.storage.read(accounts.any_at_all)

    async def sweep(self) -> int:
        """Delete what is due now, and tell which limits were reached lately; returns how many entries went."""
        reached = self.services.counters.news()
        if reached:
            _log.info("server.limits_reached", **reached)
        await self.services.quotas.refresh()
        return (await upkeep.sweep(self.storage, self._clock))["entries"]

    def reload(self, wanted: Settings) -> Reloaded:
        """Take over from other settings what a running server can; the log tells what, and what needs a restart."""
        result = take_over(self.settings, _with_room(wanted))
        for connection in self._host.connections:
            connection.adopt_limits()
        if "sweep_seconds" in result.changed:
            self._upkeep.pop(0).cancel()
            again = upkeep.repeat("sweep", self.settings.sweep_seconds, self.sweep)
            self._upkeep.insert(0, asyncio.get_running_loop().create_task(again))
        _log.info("server.reloaded", changed=result.changed, needs_restart=result.waiting)
        return result

    async def follow_operators(self) -> int:
        """Do what operators have asked for beside this process; returns how many of their actions were new."""
        return await self._notices.look()

    def _follow_nodes(self) -> None:
        """Hear of what other nodes store, and look for it besides."""
        counting = self.services.counting
        if self._bus is not None and counting is not None:
            self._bus.start(self.services.following, counting.hear)
        if self.settings.store is not None:
            look = upkeep.repeat("look", self.settings.poll_seconds, self.services.following.look)
            self._upkeep.append(asyncio.get_running_loop().create_task(look))

    async def close(self, reason: str = "the server is going down") -> None:
        """Say goodbye, finish what is being stored, and let go of everything."""
        for task in self._upkeep:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._listener is not None:
            await self._listener.close()
        # Who goes on asking must not keep the server from ending: what it has begun is finished, and no more is begun.
        self._host.closing = True
        for connection in self._host.connections:
            connection.hold()
        await self.services.settle()
        for connection in self._host.connections:
            connection.end(reason)
        await self._wait_for_connections()
        if self._watch is not None:
            await self._watch.close()
        await self.services.following.close()
        if self.services.counting is not None:
            self.services.counting.close()
        if self._bus is not None:
            await self._bus.close()
        await self.storage.close()
        if self._lock is not None:
            self._lock.release()
        _log.info("server.closed")

    async def _wait_for_connections(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._host.connections.all_gone(), GOODBYE_SECONDS)
        for connection in self._host.connections:
            connection.abort()
        await self._host.connections.all_gone()

    def _has_bus(self) -> bool | None:
        return None if self._bus is None else self._bus.is_connected

    def _public_address(self) -> str:
        if self.settings.public_address is not None:
            return self.settings.public_address
        port = self.settings.port if self._listener is None else self.address[1]
        return f"{socket.gethostname().lower()}:{port}"


def _with_room(settings: Settings) -> Settings:
    """The same settings, with no more connections than the system allows."""
    limits = settings.limits
    connections = room_for(limits.connections)
    if connections == limits.connections:
        return settings
    _log.warning("server.few_connections", wanted=limits.connections, allowed=connections, raise_with="ulimit -n")
    return replace(settings, limits=replace(limits, connections=connections))
