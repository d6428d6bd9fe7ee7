"""Groups that somebody makes up under the id of a room that exists, and Welcomes into them; for tests of attacks."""

from dataclasses import replace
from typing import Any

from entrenous.client.rooms.commits import WELCOME_EXTENSION, WelcomeData
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret, SealedKind
from entrenous.client.rooms.snapshot import encode_tree
from entrenous.client.store import account, keys
from entrenous.content import ROOM_SETTINGS_EXTENSION, RoomSettings
from entrenous.identity import AccountIdentity, DeviceKeys
from entrenous.mls.group import InfoOptions, commit
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.types import Add, Extension, KeyPackage
from entrenous.testing.members import Person
from entrenous.wire import CommitData, replies, requests
from entrenous.wire.types import WelcomeFor
from room_devices import Device


class ForgedRoom:
    """A group that its founder made alone, with the id and whatever settings he likes."""

    def __init__(self, founder: Person, room: bytes, settings: RoomSettings, epochs: int = 3) -> None:
        row = account.get(founder.store)
        assert row is not None
        identity = AccountIdentity.restore(row.account_id, row.identity_seed.reveal())
        device_keys = DeviceKeys.restore(row.device_id, row.login_seed.reveal(), row.mls_seed.reveal())
        self.person, self.room = founder, room
        self.access = AccessKey(1, RoomAccessSecret(bytes(32)))
        self.device = Device(identity, device_keys, ROOM_SUITE)
        self.device.create(room, [Extension(ROOM_SETTINGS_EXTENSION, settings.encode())])
        for _ in range(epochs):
            self.device.enter(self.device.prepare().epoch)

    async def invite(self, guest: bytes) -> WelcomeFor:
        """A Welcome for an account that claims the founder's place in the log; the server gives anybody KeyPackages."""
        services = self.person.running._services
        position = self.person.running._hall.get(self.room).room.standing.position
        answer = await services.caller.call(requests.ClaimKeyPackages(guest), replies.KeyPackages)
        claimed = answer.packages[0]
        package = KeyPackage.decode(claimed.key_package)
        told = WelcomeData(self.access.generation, self.access.secret.reveal(), position).encode()
        own = commit(
            self.device.group,
            self.device.keys,
            self.device.signer,
            self.device.entropy,
            proposals=[Add(package)],
            now=services.environment.seconds(),
            info=InfoOptions(welcome_extensions=(Extension(WELCOME_EXTENSION, told),)),
        )
        self.device.enter(own.epoch)
        assert own.welcome is not None
        return WelcomeFor(guest, claimed.device, own.welcome)

    def sealed_tree(self) -> bytes:
        """What a joiner is given in place of the room's tree."""
        group = self.device.group
        return self.access.seal(SealedKind.TREE, self.room, group.epoch, encode_tree(group.tree), self.device.entropy)


async def slip_in(forger: Person, room: bytes, *welcomes: WelcomeFor, tree: bytes | None = None, **lies: Any) -> int:
    """Send a Commit that renews the forger's keys, and what he likes beside it; returns its place in the log.

    Args:
        forger: a member.
        room: the real room.
        welcomes: for whom he likes.
        tree: sealed, for who joins.
        lies: what the Commit tells the server in place of the truth; the members refuse it then.
    """
    services = forger.running._services
    opened = forger.running._hall.get(room)
    message_id, standing = services.ids.next(), opened.room.standing
    data = CommitData(message_id, opened.room.settings.retention_seconds, (), standing.position, b"")
    with forger.store.transaction() as tx:
        made = commit(
            opened.room.epoch.group,
            StoredKeys(tx, room),
            services.device.signer,
            services.environment.entropy,
            authenticated_data=replace(data, **lies).encode(),
            now=services.environment.seconds(),
        )
        keys.apply(tx, room, made.changes)
    request = requests.Commit(room, standing.base, message_id, made.message, welcomes, b"", b"", tree)
    return (await services.caller.call(request, replies.Published)).sequence
