"""Joining a room by a Welcome (RFC 9420 §12.4.3.1): open it, fetch the tree it names, believe what is proved.

Neither the server nor the inviter is believed: the tree is the one whose hash the signed GroupInfo carries, every leaf
in it shows its account's certificate, and every account in it stands in the settings that the members agreed on.
"""

from dataclasses import dataclass

from entrenous.client.environment import Environment
from entrenous.client.leaf_owners import known_owner_of, owner_of
from entrenous.client.own_device import OwnDevice
from entrenous.client.people import People
from entrenous.client.policy import judge_state
from entrenous.client.rooms.commits import WELCOME_EXTENSION, WelcomeData
from entrenous.client.rooms.reasons import NOT_SEEN
from entrenous.client.rooms.returning import check_newer, check_return, place_of
from entrenous.client.rooms.room import Epoch, Room, begin_epoch
from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret
from entrenous.client.rooms.snapshot import rebuild
from entrenous.client.session import Caller, RefusedError
from entrenous.client.store import Store, Transaction, entries, key_packages, outbox, rooms, stages
from entrenous.client.store.entries import EntryRow
from entrenous.client.store.outbox import OutboxRow
from entrenous.client.store.rooms import Standing
from entrenous.client.views import MessageKind, RoomState
from entrenous.errors import RejectedError
from entrenous.mls.group import MAX_LIFETIME, Joined, KeyPackageBundle, OpenedWelcome, join_opened, open_welcome
from entrenous.mls.suite import ROOM_SUITE_ID
from entrenous.mls.types import find_extension
from entrenous.wire import LogPosition, replies, requests
from entrenous.wire.types import InboxItem

#: The last epoch that a device joins: the store has signed numbers, and a room needs some to go on.
_LAST_EPOCH = 1 << 62


@dataclass(frozen=True, slots=True)
class Entered:
    """A room that this device has joined, as stored.

    Attributes:
        inviter: the account whose device signed the Welcome.
        changed: accounts in the room whose identity key is another one than this profile trusts.
        lost: own messages that the server placed in a part of the log that this device will not see.
    """

    room: Room
    inviter: bytes
    changed: tuple[bytes, ...]
    lost: tuple[OutboxRow, ...]


class Joining:
    """Turns Welcomes into rooms."""

    def __init__(
        self, store: Store, device: OwnDevice, people: People, caller: Caller, environment: Environment
    ) -> None:
        self._store = store
        self._device = device
        self._people = people
        self._caller = caller
        self._environment = environment

    async def enter(self, item: InboxItem) -> Entered:
        """Join the room of one inbox item.

        Raises:
            UnavailableError: the server cannot be asked, or does not have what joining needs; trying again may help.
            RejectedError, MalformedError, CryptoError: the Welcome is not to be believed, or not for this device;
                trying again does not help.
        """
        check_newer(self._store, item)
        opened = open_welcome(item.welcome, self._bundle, trace=self._environment.trace)
        told = _read(opened, item)
        access = AccessKey(told.access_generation, RoomAccessSecret(told.access_key))
        state = await self._fetch_state(item)
        wanted = opened.group_info.group_context.tree_hash
        tree = rebuild(access, item.room, opened.bundle.suite.hash, state.tree, state.node_changes, wanted)
        joined = join_opened(opened, tree=tree, max_lifetime=MAX_LIFETIME, trace=self._environment.trace)
        group = joined.epoch.group
        settings = judge_state((leaf for _, leaf in group.members()), group.context.extensions)
        if owner_of(group.own_leaf_node).account_id != self._device.account_id:
            raise RejectedError("JOIN-OWN-LEAF", "the Welcome is for a leaf of another account")
        epoch, inviter = Epoch(group, settings, access), known_owner_of(group.tree.member(joined.inviter))
        if self._people.is_blocked(inviter.account_id):
            raise RejectedError("JOIN-BLOCKED", "whoever invites is blocked")
        with self._store.transaction() as tx:
            check_newer(tx, item)  # again: the server was asked meanwhile
            place = place_of(tx, item, told.position)
            check_return(tx, item, inviter, group.epoch)
            standing = Standing(
                RoomState.ACTIVE,
                place,
                base=item.sequence,
                own_from=item.sequence,
                tree_age=len(state.node_changes),
                renewed_at=0,
                said=0,
            )
            changed = self._store_room(tx, item, standing, epoch, joined, opened.bundle)
            lost = tuple(outbox.overtaken(tx, item.room, place.sequence))
            for row in lost:
                outbox.fail(tx, row.message_id, NOT_SEEN)
        return Entered(Room(item.room, standing, settings, epoch), inviter.account_id, changed, lost)

    async def _fetch_state(self, item: InboxItem) -> replies.GroupState:
        try:
            return await self._caller.call(requests.FetchGroupState(item.room, item.sequence), replies.GroupState)
        except RefusedError as error:
            raise RejectedError("JOIN-WITHDRAWN", f"removed again before this device could join: {error}") from error

    def _bundle(self, reference: bytes) -> KeyPackageBundle | None:
        row = key_packages.get(self._store, reference)
        return None if row is None else KeyPackageBundle.decode(row.bundle)

    def _store_start(self, tx: Transaction, room: bytes, position: LogPosition) -> None:
        """Note where this device's part of the log begins, and what it has missed if it was in the room before."""
        known = rooms.standing(tx, room)
        if known is None:
            rooms.put_standing(tx, room, Standing(RoomState.ACTIVE, position, 0, 0, 0, 0, 0))
        missed = 0 if known is None else position.sequence - known.position.sequence
        if position.sequence and entries.log_hash(tx, room, position.sequence) is None:
            kind = MessageKind.GAP if missed > 1 else None
            body = f"{missed} entries, from when this device was away or not in the room" if kind else ""
            entries.add(tx, room, EntryRow(position.sequence, position.hash, b"", kind, None, body, 0, 0))

    def _store_room(
        self,
        tx: Transaction,
        item: InboxItem,
        standing: Standing,
        epoch: Epoch,
        joined: Joined,
        bundle: KeyPackageBundle,
    ) -> tuple[bytes, ...]:
        now = self._environment.seconds()
        self._store_start(tx, item.room, standing.position)
        rooms.put_standing(tx, item.room, standing)
        begin_epoch(tx, item.room, epoch, joined.epoch.nodes, item.sequence)
        stages.drop(tx, item.room)
        key_packages.use(tx, bundle.reference, now)
        owners = {owner.account_id: owner for owner in (known_owner_of(leaf) for _, leaf in epoch.group.members())}
        seen = (owner for owner in owners.values() if self._people.see(tx, owner.account_id, owner.identity_key, now))
        return tuple(owner.account_id for owner in seen)


def _read(opened: OpenedWelcome, item: InboxItem) -> WelcomeData:
    """What a room's Welcome tells beside the group."""
    context = opened.group_info.group_context
    if context.cipher_suite != ROOM_SUITE_ID:
        raise RejectedError("JOIN-SUITE", f"rooms do not use cipher suite {context.cipher_suite:#06x}")
    if context.group_id != item.room:
        raise RejectedError("JOIN-GROUP", "a Welcome leads to another group than the server says")
    if context.epoch > _LAST_EPOCH:
        raise RejectedError("JOIN-EPOCH", "a Welcome leads to an epoch that no room comes to")
    data = find_extension(opened.group_info.extensions, WELCOME_EXTENSION)
    if data is None:
        raise RejectedError("JOIN-DATA", "a Welcome without the room's access key")
    told = WelcomeData.decode(data)
    if told.position.sequence >= item.sequence:
        raise RejectedError("JOIN-POSITION", "a Welcome names a place in the log after the Commit that it came with")
    return told
