"""An account on a real server, made and used without a store: it lives as long as the measurement."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from entrenous.bench.line import Line
from entrenous.crypto import FLOOR, system_entropy
from entrenous.identity import AccountIdentity, DeviceKeys, first_device_list, sign_device_list, sign_device_login
from entrenous.mls.types import ContentType, MLSMessage, PrivateMessage
from entrenous.opaque import finish_registration, start_registration
from entrenous.server import SystemClock
from entrenous.wire import CommitData, LogPosition, RosterAction, RosterChange, replies, requests
from entrenous.wire.limits import ID_SIZE, MESSAGE_ID_SIZE, ROOM_ID_SIZE
from entrenous.wire.types import KsfParameters

L = TypeVar("L", bound=Line)

#: Seconds that a measurement's rooms keep their entries.
RETENTION = 3_600
_RUN_ID_SIZE = 8
#: Bytes of a hash of the log.
HASH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Place:
    """A server, as a guest reaches it."""

    host: str
    port: int
    server_id: bytes

    async def connect(self) -> Line:
        """A new connection, its handshake finished.

        Raises:
            UnavailableError: the server closed it.
        """
        return await self.connect_as(Line)

    async def connect_as(self, kind: type[L]) -> L:
        """The same, with a line of one's own kind.

        Raises:
            UnavailableError: the server closed it.
        """
        clock = SystemClock()
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(
            lambda: kind(self.server_id, clock, system_entropy), self.host, self.port
        )
        await line.secured
        return line


@dataclass(slots=True)
class Guest:
    """An account with one device and one room. It may be handed to another process."""

    place: Place
    account: bytes
    login_seed: bytes = field(repr=False)
    mls_seed: bytes = field(repr=False)
    device: bytes
    room: bytes = field(default_factory=lambda: system_entropy(ROOM_ID_SIZE))
    launches: int = 0
    _run_id: bytes = field(default_factory=lambda: system_entropy(_RUN_ID_SIZE))
    _messages: int = 0

    @classmethod
    async def register(cls, place: Place, token: bytes, name: str, password: bytes | None = None) -> "Guest":
        """Make the account. Its password is stretched by nobody; without one it is random, and no one will log in."""
        line = await place.connect()
        passwords = (password or system_entropy(32), system_entropy(32))
        starts = [start_registration(each, system_entropy) for each in passwords]
        challenge = await line.call(
            requests.RegisterStart(token, name, starts[0][1], starts[1][1]), replies.RegisterChallenge
        )
        records = [
            finish_registration(
                state,
                response,
                server_identity=place.server_id,
                client_identity=challenge.account,
                ksf=lambda output: output,
                entropy=system_entropy,
            )[0]
            for (state, _), response in zip(
                starts, (challenge.password_response, challenge.recovery_response), strict=True
            )
        ]
        identity = AccountIdentity.restore(challenge.account, system_entropy(32))
        keys = DeviceKeys.generate(system_entropy)
        devices = sign_device_list(identity, first_device_list(challenge.account, keys.entry))
        cost = KsfParameters(FLOOR.memory_kib, FLOOR.iterations, FLOOR.lanes)
        finish = requests.RegisterFinish(
            cost, records[0], records[1], identity.signing_key.public, devices, b"no vault"
        )
        await line.call(finish, replies.Done)
        line.transport.close()
        seeds = (keys.login.seed.reveal(), keys.mls.seed.reveal())
        return cls(place, challenge.account, *seeds, keys.device_id)

    async def come(self) -> Line:
        """Connect, log in as the device, and open the room."""
        line = await self.enter(Line)
        await line.call(requests.CreateRoom(self.room, RETENTION, b"info", b"tree"), replies.Done)
        return line

    async def enter(self, kind: type[L]) -> L:
        """Connect and log in as the device."""
        line = await self.place.connect_as(kind)
        self.launches += 1
        signature = sign_device_login(
            DeviceKeys.restore(self.device, self.login_seed, self.mls_seed),
            handshake_hash=line.channel.handshake_hash,
            server_id=self.place.server_id,
            account_id=self.account,
            launch_counter=self.launches,
        )
        login = requests.DeviceLogin(self.account, self.device, self.launches, signature)
        await line.call(login, replies.DeviceLoginDone)
        return line

    def message(self, size: int, base: int = 0) -> requests.Publish:
        """A message that the server takes for one of MLS, with ``size`` bytes of ciphertext."""
        entry = self._entry(ContentType.APPLICATION, b"", size)
        return requests.Publish(self.room, base, self._next_id(), entry)

    def again(self, message: requests.Publish) -> requests.Publish:
        """The same message under an id of its own: cheaper than a new one."""
        return requests.Publish(message.room, message.base, self._next_id(), message.entry)

    def commit(self, removed: int) -> requests.Commit:
        """A Commit that the server takes for one of MLS, and that removes so many accounts that nobody has."""
        return self._commit(RosterChange(system_entropy(ID_SIZE), RosterAction.REMOVE) for _ in range(removed))

    def commit_adding(self, accounts: Iterable[bytes]) -> requests.Commit:
        """A Commit that adds accounts to the room."""
        return self._commit(RosterChange(account, RosterAction.ADD) for account in accounts)

    def _commit(self, changes: Iterable[RosterChange]) -> requests.Commit:
        message_id = self._next_id()
        data = CommitData(message_id, RETENTION, tuple(changes), LogPosition(0, bytes(HASH_SIZE)), b"")
        entry = self._entry(ContentType.COMMIT, data.encode(), 0)
        return requests.Commit(self.room, 0, message_id, entry, (), b"info", b"nodes", None)

    def _next_id(self) -> bytes:
        self._messages += 1
        return self._run_id + self._messages.to_bytes(MESSAGE_ID_SIZE - _RUN_ID_SIZE, "big")

    def _entry(self, kind: ContentType, authenticated_data: bytes, size: int) -> bytes:
        content = PrivateMessage(self.room, 1, kind, authenticated_data, b"sender data", bytes(size))
        return MLSMessage.of(content).encode()
