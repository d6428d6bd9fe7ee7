"""Nudges and sums through NATS: core subjects, nothing stored. Imported only where a bus is configured.

A node whose connection is lost tells nobody and hears nothing; it goes on looking into the store every few seconds.
When it is back it looks at everything once, and tells the others to do so.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from entrenous.errors import MalformedError, UnavailableError
from entrenous.server.nodes import sums as counted
from entrenous.server.nodes.bus import (
    MAX_NUDGES,
    Follower,
    Hear,
    News,
    Nudge,
    decode_nudges,
    encode_nudges,
    unheard,
)
from entrenous.server.nodes.bus_nkeys import Credentials, read_credentials

#: Seconds for a connection, between two attempts, and between two signs of life, of which two may be missing.
CONNECT_SECONDS = 5
AGAIN_SECONDS = 1.0
PING_SECONDS = 5
#: Nudges that may wait to be sent, and messages that may wait to be read; what is beyond is found by a look.
MAX_PENDING = 10_000
MAX_UNREAD = 1_024
#: Messages with sums that may wait to be sent; the oldest give way.
MAX_UNSENT = 8
_FILES = ("ca", "cert", "key", "creds", "nkey")
_NAMES = ", ".join(_FILES[:-1]) + f" and {_FILES[-1]}"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where NATS is, and how to get in.

    Attributes:
        server: the URL with name and password, if it has them.
        tls: how to check the server and what to show it; None sends everything in the clear.
        credentials: what to sign its challenge with, if anything.
    """

    server: str
    tls: ssl.SSLContext | None
    credentials: Credentials | None

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read ``nats://[USER:PASSWORD@]HOST[:PORT]`` or ``tls://…``, with files as ``?ca=&cert=&key=&creds=&nkey=``.

        Raises:
            UnavailableError: it is none, or a file cannot be used.
        """
        remedy = "Write it as nats://USER:PASSWORD@HOST:4222 or tls://HOST:4222?ca=FILE&creds=FILE."
        # It may hold a password, so it is not repeated.
        refusal = UnavailableError("the bus's URL cannot be read", remedy=remedy)
        try:
            parts = urlsplit(url)
            given = parse_qs(parts.query, strict_parsing=bool(parts.query))
            is_reachable = bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise refusal from None
        if parts.scheme not in ("nats", "tls") or not is_reachable:
            raise refusal
        if strange := sorted(set(given) - set(_FILES)):
            raise UnavailableError(f"the bus's URL has a parameter {strange[0][:80]!r}", remedy=f"There are {_NAMES}.")
        files = {name: Path(values[-1]) for name, values in given.items()}
        credentials = read_credentials(creds=files.get("creds"), nkey=files.get("nkey"))
        server = SplitResult(parts.scheme, parts.netloc, "", "", "").geturl()
        return cls(server, _tls(files) if parts.scheme == "tls" or "ca" in files else None, credentials)


def _tls(files: dict[str, Path]) -> ssl.SSLContext:
    context = None
    try:
        context = ssl.create_default_context(cafile=str(files["ca"]) if "ca" in files else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if "cert" in files:
            context.load_cert_chain(files["cert"], files.get("key"))
    except (OSError, ssl.SSLError) as error:
        # The library does not say in which of them the mistake is: at least it is one of two, or the other one.
        names = ("ca",) if context is None else ("cert", "key")
        which = " or ".join(f"{name}={files[name]}" for name in names if name in files)
        reason = error.strerror or error
        raise UnavailableError(f"a certificate for the bus cannot be used, {which}: {reason}") from error
    return context


class NatsBus:
    """See the module and ``bus.Bus``. Made with ``start`` it connects, and connects again, until ``close``.

    Args:
        address: where NATS is.
        server_id: of the server whose nodes these are: others may use the same NATS.
    """

    def __init__(self, address: Address, server_id: bytes) -> None:
        self._address = address
        self._subject = f"entrenous.{server_id.hex()}"
        self._pending: dict[tuple[News, bytes], int] = {}
        self._sums: deque[bytes] = deque(maxlen=MAX_UNSENT)
        self._wake = asyncio.Event()
        self._lost = False
        self._task: asyncio.Task[None] | None = None
        #: Whether nudges go through now.
        self.is_connected = False

    def start(self, follower: Follower, hear: Hear = unheard) -> None:
        """See ``bus.Carrier``."""
        self._task = asyncio.get_running_loop().create_task(self._work(follower, hear))

    def tell(self, nudge: Nudge) -> None:
        """See ``bus.Bus``."""
        if not self.is_connected:
            return
        if len(self._pending) >= MAX_PENDING:
            self._pending = {(News.ANYTHING, bytes(16)): 0}
        key = (nudge.news, nudge.id)
        self._pending[key] = max(nudge.number, self._pending.get(key, 0))
        self._wake.set()

    def carry(self, sums: bytes) -> None:
        """See ``bus.Bus``."""
        if self.is_connected:
            self._sums.append(sums)
            self._wake.set()

    async def close(self) -> None:
        """Send what waits, and end."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _work(self, follower: Follower, hear: Hear) -> None:
        while True:
            reason = "the connection was lost"
            try:
                await self._serve(follower, hear)
            except (OSError, TimeoutError, nats.errors.Error, ssl.SSLError, ValueError) as error:
                # Its words may show the URL.
                reason = type(error).__name__
            except Exception as error:  # noqa: BLE001 a bug, ours or the library's: the nodes find each other again
                reason = f"a mistake: {type(error).__name__}"
            _log.warning("bus.unavailable", reason=reason)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _serve(self, follower: Follower, hear: Hear) -> None:
        """One connection, from its beginning to its end."""
        client = Client()
        self._lost = False
        try:
            await self._connect(client, follower)
            await client.subscribe(self._subject, cb=_hearing(follower, hear), pending_msgs_limit=MAX_UNREAD)
            await client.flush(CONNECT_SECONDS)
            self._pending = {(News.ANYTHING, bytes(16)): 0}
            self._sums.clear()
            self.is_connected = True
            self._wake.set()
            follower.look_at_everything()
            _log.info("bus.connected")
            await self._send(client)
        finally:
            was_connected, self.is_connected = self.is_connected, False
            await self._leave(client, was_connected=was_connected and not self._lost)

    async def _connect(self, client: Client, follower: Follower) -> None:
        async def lost() -> None:
            self._lost = True
            self._wake.set()

        async def failed(error: Exception) -> None:
            if isinstance(error, nats.errors.SlowConsumerError):
                follower.look_at_everything()
            else:
                _log.debug("bus.error", error=type(error).__name__)

        credentials = self._address.credentials
        options: dict[str, Any] = {}
        if self._address.tls is not None:
            options["tls"] = self._address.tls
        if credentials is not None:
            # Its own way needs one library more. An empty token makes it answer the challenge at all.
            options |= {"signature_cb": credentials.sign, "token": str}
            if credentials.jwt is not None:
                jwt = credentials.jwt
                options["user_jwt_cb"] = lambda: bytearray(jwt)
            else:
                client._public_nkey = credentials.public  # noqa: SLF001 it takes an nkey in no other way
        await client.connect(
            self._address.server,
            name="entrenous",
            allow_reconnect=False,
            no_echo=True,
            connect_timeout=CONNECT_SECONDS,
            ping_interval=PING_SECONDS,
            closed_cb=lost,
            error_cb=failed,
            **options,
        )

    async def _send(self, client: Client) -> None:
        """Send what waits, as often as something does, until the connection is lost."""
        while not self._lost:
            await self._wake.wait()
            self._wake.clear()
            await self._send_pending(client)

    async def _send_pending(self, client: Client) -> None:
        pending, self._pending = self._pending, {}
        nudges = [Nudge(news, identity, number) for (news, identity), number in pending.items()]
        for start in range(0, len(nudges), MAX_NUDGES):
            await client.publish(self._subject, encode_nudges(nudges[start : start + MAX_NUDGES]))
        while self._sums:
            await client.publish(self._subject, self._sums.popleft())

    async def _leave(self, client: Client, *, was_connected: bool) -> None:
        with contextlib.suppress(OSError, TimeoutError, nats.errors.Error):
            if was_connected:
                await self._send_pending(client)
                await client.flush(1)
            await client.close()


def _hearing(follower: Follower, hear_sums: Hear) -> Callable[[Msg], Any]:
    async def hear(message: Msg) -> None:
        if message.data[:1] == bytes([counted.VERSION]):
            hear_sums(message.data)
            return
        try:
            nudges = decode_nudges(message.data)
        except MalformedError:
            _log.debug("bus.malformed", size=len(message.data))
            return
        for nudge in nudges:
            follower.heard(nudge)

    return hear
