"""One room as this device holds it: its rows, read once and replaced together with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret
from entrenous.client.store import Rows, Transaction, keys, rooms, vault
from entrenous.client.store.rooms import EpochRow, Standing
from entrenous.client.views import MemberRole, RoomSummary
from entrenous.content import Role, RoomSettings, role_of
from entrenous.errors import RejectedError, UsageError
from entrenous.mls.group import Group


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of a room: the MLS group, the settings that its members agreed on, the access key in force."""

    group: Group
    settings: RoomSettings
    access: AccessKey


class Room:
    """A room's standing and epoch, the same as on disk between transactions.

    Attributes:
        standing: where this device stands in the log.
        settings: of the newest epoch this device was in.
    """

    def __init__(
        self,
        room: bytes,
        standing: Standing,
        settings: RoomSettings,
        epoch: Epoch | None,
        row: EpochRow | None = None,
    ) -> None:
        """Take a room as it was made; ``row`` in place of ``epoch`` is decoded when it is first needed."""
        self.id = room
        self.standing = standing
        self.settings = settings
        self._epoch = epoch
        self._row = row

    @classmethod
    def load(cls, rows: Rows, room: bytes) -> "Room":
        """Read a room.

        Raises:
            UsageError: there is no such room.
        """
        standing, row = rooms.standing(rows, room), rooms.epoch(rows, room)
        if standing is None or row is None:
            raise UsageError("this room is not in the store")
        return cls(room, standing, RoomSettings.decode(row.settings), None, row if row.group_state else None)

    @property
    def epoch(self) -> Epoch:
        """The epoch this device is in.

        Raises:
            RejectedError: rule CLIENT-REMOVED, this device is not in the room any more.
        """
        if self._row is not None:
            self._epoch, self._row = _epoch(self._row, self.settings), None
        if self._epoch is None:
            raise RejectedError("CLIENT-REMOVED", "this device is not in the room any more")
        return self._epoch

    @property
    def is_member(self) -> bool:
        """Whether this device is in the room."""
        return self._epoch is not None or self._row is not None

    @property
    def epoch_number(self) -> int:
        """The number of the epoch this device is in; 0 where it is in none."""
        if self._row is not None:
            return self._row.epoch
        return 0 if self._epoch is None else self._epoch.group.epoch

    def replace(self, standing: Standing, epoch: Epoch | None) -> None:
        """Follow what a transaction has just written."""
        self.standing = standing
        self._epoch, self._row = epoch, None
        if epoch is not None:
            self.settings = epoch.settings

    def summary(self, own_account: bytes) -> RoomSummary:
        """The room in a list."""
        settings = self.settings
        is_admin = role_of(settings, own_account) is Role.ADMIN
        return RoomSummary(
            room=self.id,
            name=settings.name,
            topic=settings.topic,
            state=self.standing.state,
            own_role=MemberRole.ADMIN if is_admin else MemberRole.MEMBER,
            members=len(settings.members),
            newest=self.standing.position.sequence,
            epoch=self.epoch_number,
            retention_seconds=settings.retention_seconds,
        )


def begin_epoch(tx: Transaction, room: bytes, epoch: Epoch, nodes: Mapping[int, bytes], sequence: int) -> None:
    """Write a new epoch over the one before, whose keys are deleted.

    Args:
        tx: the open transaction.
        room: the room.
        epoch: what begins.
        nodes: its secret tree.
        sequence: of the Commit entry that begins it; 0 at creation.
    """
    secret = epoch.access.secret.reveal()
    row = EpochRow(epoch.group.epoch, epoch.settings.encode(), epoch.access.generation, secret, epoch.group.encode())
    rooms.put_epoch(tx, room, row)
    keys.begin_epoch(tx, room, nodes)
    kept = vault.VaultRoomRow(room, secret, epoch.access.generation, epoch.group.epoch, sequence)
    vault.put_room(tx, kept)


def leave(tx: Transaction, room: bytes) -> None:
    """Delete every secret of a room that this device is not in any more."""
    row = rooms.epoch(tx, room)
    if row is not None:
        rooms.put_epoch(tx, room, replace(row, access_key=None, group_state=None))
    keys.forget(tx, room)
    vault.delete_room(tx, room)


def _epoch(row: EpochRow, settings: RoomSettings) -> Epoch | None:
    if row.group_state is None or row.access_key is None:
        return None
    access = AccessKey(row.access_generation, RoomAccessSecret(row.access_key))
    return Epoch(Group.decode(row.group_state), settings, access)
