"""Opening a room: a group of one, stored before the server hears of it."""

from entrenous.client.environment import Environment
from entrenous.client.own_device import OwnDevice
from entrenous.client.rooms.room import Epoch, Room, begin_epoch
from entrenous.client.rooms.sealed import AccessKey, SealedKind
from entrenous.client.rooms.snapshot import encode_tree
from entrenous.client.store import Store, rooms
from entrenous.client.store.rooms import Standing
from entrenous.client.views import RoomState
from entrenous.content import ROOM_SETTINGS_EXTENSION, RoomSettings
from entrenous.crypto import draw
from entrenous.identity import LEAF_CERTIFICATE_EXTENSION
from entrenous.mls.group import create_group, make_group_info
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.types import Extension, ExtensionType, RequiredCapabilities, make_extension
from entrenous.wire import LogPosition, requests
from entrenous.wire.limits import ROOM_ID_SIZE

#: What every leaf in a room has to understand.
_REQUIRED = RequiredCapabilities((ROOM_SETTINGS_EXTENSION, LEAF_CERTIFICATE_EXTENSION), (), ())
_FIRST_GENERATION = 1


def open_room(store: Store, device: OwnDevice, settings: RoomSettings, environment: Environment) -> Room:
    """Make a room and store it; ``opening_request`` then tells the server, as often as it takes.

    Raises:
        UnavailableError: it could not be stored.
    """
    room = draw(environment.entropy, ROOM_ID_SIZE)
    extensions = (
        Extension(ROOM_SETTINGS_EXTENSION, settings.encode()),
        make_extension(ExtensionType.REQUIRED_CAPABILITIES, _REQUIRED),
    )
    made = create_group(
        ROOM_SUITE,
        room,
        device.signer,
        device.profile,
        environment.entropy,
        extensions=extensions,
        trace=environment.trace,
    )
    epoch = Epoch(made.group, settings, AccessKey.of_epoch(made.group, _FIRST_GENERATION))
    standing = Standing(
        RoomState.CREATING,
        LogPosition.start(room),
        base=0,
        own_from=0,
        tree_age=0,
        renewed_at=int(environment.clock.now() * 1000),
        said=0,
    )
    with store.transaction() as tx:
        rooms.put_standing(tx, room, standing)
        begin_epoch(tx, room, epoch, made.nodes, 0)
    return Room(room, standing, settings, epoch)


def opening_request(room: Room, device: OwnDevice, environment: Environment) -> requests.CreateRoom:
    """The call that opens the room's log; creating twice is creating once."""
    group, access, entropy = room.epoch.group, room.epoch.access, environment.entropy
    info = make_group_info(group, device.signer, with_external_pub=True)
    return requests.CreateRoom(
        room=room.id,
        retention_seconds=room.settings.retention_seconds,
        group_info=access.seal(SealedKind.GROUP_INFO, room.id, group.epoch, info.encode(), entropy),
        tree=access.seal(SealedKind.TREE, room.id, group.epoch, encode_tree(group.tree), entropy),
    )
