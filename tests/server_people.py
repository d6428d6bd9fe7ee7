"""A client that speaks the wire and nothing more: requests in, replies and events out. For tests of the server."""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any, Self, cast

from entrenous.channel import HYBRID, ClientConnection, HandshakeFinished, MessageReceived, PeerClosed, Suite
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.identity import (
    AccountIdentity,
    DeviceKeys,
    DeviceList,
    first_device_list,
    opaque_context,
    sign_device_list,
    sign_device_login,
)
from entrenous.mls.types import ContentType, MLSMessage, PrivateMessage
from entrenous.opaque import finish_login, finish_registration, start_login, start_registration
from entrenous.server.network.connection import ClientLink
from entrenous.testing import ADDRESS, FAST_KSF, MemoryServer, SeededEntropy, Wire, connect_in_memory
from entrenous.testing.server import MemoryConnector
from entrenous.wire import (
    EVENT_NUMBER,
    CommitData,
    ErrorCode,
    LogPosition,
    RosterAction,
    RosterChange,
    decode_from_server,
    encode_call,
    events,
    replies,
    requests,
)
from entrenous.wire.types import KsfParameters, WelcomeFor

KSF = KsfParameters(FAST_KSF.memory_kib, FAST_KSF.iterations, FAST_KSF.lanes)
RETENTION = 30 * 86_400


def no_stretching(output: bytes) -> bytes:
    """The server never runs the key stretching, so its tests need none."""
    return output


class RawClient(asyncio.Protocol):
    """One connection."""

    def __init__(self, *, pin: bytes | None, now: float, seed: str = "client", suite: Suite = HYBRID) -> None:
        self.channel = ClientConnection(suite, pin=pin, entropy=SeededEntropy(seed), now=now)
        self.now = now
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        self.handshake: HandshakeFinished | None = None
        self.secured = asyncio.Event()
        self.reading = True
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self.answered: list[int] = []
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's class.
        self.transport = cast("asyncio.Transport", transport)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self.secured.set()
        for call in self._calls.values():
            if not call.done():
                call.set_exception(ConnectionResetError())
                call.exception()

    def data_received(self, data: bytes) -> None:
        self.channel.receive_data(data, self.now)
        try:
            while (event := self.channel.next_event()) is not None:
                self._take(event)
        except (MalformedError, RejectedError, CryptoError) as error:
            self.failure = error
            self.transport.close()

    def _take(self, event: object) -> None:
        match event:
            case HandshakeFinished():
                self.handshake = event
                self.secured.set()
            case MessageReceived(data=data):
                number, body = decode_from_server(data)
                if number == EVENT_NUMBER:
                    self.events.put_nowait(body)
                else:
                    self.answered.append(number)
                    self._calls.pop(number).set_result(body)
            case PeerClosed():
                self.transport.close()

    def flush(self) -> None:
        self.transport.write(self.channel.data_to_send(self.now))

    def start(self, request: requests.Request) -> "asyncio.Future[Any]":
        """Send a request; the future is its reply."""
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        self._calls[number] = future
        self.channel.send_message(encode_call(number, request))
        self.flush()
        return future

    async def call(self, request: requests.Request) -> Any:
        return await self.start(request)

    async def refused(self, request: requests.Request) -> replies.Error:
        """The refusal that the request must get."""
        reply = await self.call(request)
        assert isinstance(reply, replies.Error), reply
        return reply

    async def event(self) -> Any:
        return await asyncio.wait_for(self.events.get(), 30)

    async def close(self) -> None:
        self.channel.close()
        self.flush()
        self.transport.close()
        await self.ended.wait()


@dataclass
class World:
    """A server in memory and the people on it."""

    memory: MemoryServer
    entropy: SeededEntropy = field(default_factory=lambda: SeededEntropy("people"))
    connectors: list[MemoryConnector] = field(default_factory=list)
    _clients: Any = field(default_factory=lambda: itertools.count())

    @classmethod
    async def start(cls, **options: Any) -> Self:
        return cls(await MemoryServer.start(**options))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.memory.close()

    async def connect(
        self, *, pin: bytes | None = None, suite: Suite = HYBRID, address: str = "192.0.2.1"
    ) -> RawClient:
        connector = self.memory.connector(address)
        self.connectors.append(connector)
        now = self.memory.clock.now()
        seed = f"client {next(self._clients)}"
        client = await connector.connect(
            lambda: RawClient(pin=pin or self.memory.server.server_id, now=now, seed=seed, suite=suite)
        )
        await client.secured.wait()
        return client

    async def person(self, name: str) -> "Person":
        """Somebody who has registered and logged in."""
        person = await self.register(name)
        await person.log_in()
        return person

    async def register(self, name: str, *, token: bytes | None = None) -> "Person":
        if token is None:
            token = (await self.memory.server.create_invite(1, 3_600)).token
        client = await self.connect()
        person = Person(self, name, client)
        done = await person.register(token)
        assert isinstance(done, replies.Done), done
        return person


@dataclass
class Person:
    """An account with one device."""

    world: World
    name: str
    client: RawClient
    password: bytes = b"correct horse"
    recovery: bytes = b"recovery code"
    launches: int = 0
    messages: int = 0
    identity: AccountIdentity = field(init=False)
    keys: DeviceKeys = field(init=False)
    devices: DeviceList = field(init=False)

    @property
    def account(self) -> bytes:
        return self.identity.account_id

    @property
    def device(self) -> bytes:
        return self.keys.device_id

    async def register(self, token: bytes) -> Any:
        entropy = self.world.entropy
        first, password_request = start_registration(self.password, entropy)
        second, recovery_request = start_registration(self.recovery, entropy)
        challenge = await self.client.call(requests.RegisterStart(token, self.name, password_request, recovery_request))
        if isinstance(challenge, replies.Error):
            return challenge
        self.identity = AccountIdentity.restore(challenge.account, entropy(32))
        self.keys = DeviceKeys.generate(entropy)
        self.devices = first_device_list(challenge.account, self.keys.entry)
        records = [
            finish_registration(
                state,
                response,
                server_identity=self.world.memory.server.server_id,
                client_identity=challenge.account,
                ksf=no_stretching,
                entropy=entropy,
            )[0]
            for state, response in ((first, challenge.password_response), (second, challenge.recovery_response))
        ]
        return await self.client.call(
            requests.RegisterFinish(
                KSF,
                records[0],
                records[1],
                self.identity.signing_key.public,
                sign_device_list(self.identity, self.devices),
                b"the vault",
            )
        )

    def login_request(self, client: RawClient) -> requests.DeviceLogin:
        self.launches += 1
        signature = sign_device_login(
            self.keys,
            handshake_hash=client.channel.handshake_hash,
            server_id=self.world.memory.server.server_id,
            account_id=self.account,
            launch_counter=self.launches,
        )
        return requests.DeviceLogin(self.account, self.device, self.launches, signature)

    async def log_in(self) -> Any:
        reply = await self.client.call(self.login_request(self.client))
        assert isinstance(reply, replies.DeviceLoginDone), reply
        self.client.channel.max_message = 8 << 20
        return reply

    async def reconnect(self) -> Any:
        self.client = await self.world.connect()
        return await self.log_in()

    async def password_login(
        self, client: RawClient, password: bytes | None = None, *, recovery: bool = False, name: str | None = None
    ) -> Any:
        """OPAQUE from the client's side; the reply to KE3, or the error that the client itself finds."""
        secret = password if password is not None else (self.recovery if recovery else self.password)
        state, ke1 = start_login(secret, self.world.entropy)
        challenge = await client.call(requests.LoginStart(name or self.name, recovery, ke1))
        if isinstance(challenge, replies.Error):
            return challenge
        assert client.handshake is not None
        result = finish_login(
            state,
            challenge.ke2,
            context=opaque_context(client.handshake.suite, client.channel.handshake_hash),
            server_identity=self.world.memory.server.server_id,
            client_identity=challenge.account,
            ksf=no_stretching,
        )
        return await client.call(requests.LoginFinish(result.ke3))

    def message_id(self) -> bytes:
        self.messages += 1
        return self.device[:8] + self.messages.to_bytes(4, "big")

    async def create_room(self, number: int = 1) -> bytes:
        room = number.to_bytes(16, "big")
        reply = await self.client.call(requests.CreateRoom(room, RETENTION, b"info 0", b"tree 0"))
        assert isinstance(reply, replies.Done), reply
        return room

    def publish_request(self, room: bytes, text: bytes = b"hello", base: int = 0) -> requests.Publish:
        return requests.Publish(room, base, self.message_id(), private_message(room, text))

    async def publish(self, room: bytes, text: bytes = b"hello", base: int = 0) -> Any:
        return await self.client.call(self.publish_request(room, text, base))

    def commit_request(
        self,
        room: bytes,
        base: int = 0,
        roster: "dict[Person, RosterAction] | None" = None,
        *,
        newest: int | None = None,
        welcome: "list[Person] | None" = None,
        retention: int = RETENTION,
        tree: bytes | None = None,
    ) -> requests.Commit:
        changes = tuple(RosterChange(person.account, action) for person, action in (roster or {}).items())
        return self.commit_of(room, base, changes, newest=newest, welcome=welcome, retention=retention, tree=tree)

    def commit_of(
        self,
        room: bytes,
        base: int,
        changes: tuple[RosterChange, ...],
        *,
        newest: int | None = None,
        welcome: "list[Person] | None" = None,
        retention: int = RETENTION,
        tree: bytes | None = None,
    ) -> requests.Commit:
        message_id = self.message_id()
        position = LogPosition(base if newest is None else newest, bytes(32))
        data = CommitData(message_id, retention, changes, position, b"")
        entry = private_message(room, b"commit", ContentType.COMMIT, data.encode())
        welcomes = tuple(WelcomeFor(person.account, person.device, b"welcome") for person in welcome or ())
        return requests.Commit(room, base, message_id, entry, welcomes, b"info", b"nodes", tree)

    async def add(self, room: bytes, *people: "Person", base: int = 0, newest: int | None = None) -> int:
        """Commit that adds people; returns its sequence number."""
        roster = dict.fromkeys(people, RosterAction.ADD)
        reply = await self.client.call(self.commit_request(room, base, roster, newest=newest, welcome=list(people)))
        assert isinstance(reply, replies.Published), reply
        return reply.sequence

    async def fetch(self, room: bytes, after: int = 0, limit: int = 500) -> Any:
        return await self.client.call(requests.Fetch(room, after, limit))

    def __hash__(self) -> int:
        return id(self)


def private_message(
    room: bytes, ciphertext: bytes, content: ContentType = ContentType.APPLICATION, authenticated: bytes = b""
) -> bytes:
    """An MLS PrivateMessage, as far as a server can tell."""
    return MLSMessage.of(PrivateMessage(room, 1, content, authenticated, b"sender data", ciphertext)).encode()


def is_refusal(reply: Any, code: ErrorCode) -> bool:
    return isinstance(reply, replies.Error) and reply.code is code


class Silent(asyncio.Protocol):
    """A peer that says nothing by itself, or whatever a test likes, and notes what it gets."""

    def __init__(self) -> None:
        self.got = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.got += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


def link_of(wire: Wire) -> ClientLink:
    """The server's end of a connection in memory."""
    link = wire.server.get_protocol()
    assert isinstance(link, ClientLink)
    return link


def silent(world: World, address: str = "192.0.2.9") -> tuple[Silent, asyncio.Transport, Wire]:
    """A connection to the world's server without a channel."""
    peer = Silent()
    transport, wire = connect_in_memory(peer, world.memory.server.protocol_factory()(), address=address)
    return peer, transport, wire


__all__ = [
    "ADDRESS",
    "KSF",
    "RETENTION",
    "Person",
    "RawClient",
    "Silent",
    "World",
    "events",
    "is_refusal",
    "private_message",
    "silent",
]
