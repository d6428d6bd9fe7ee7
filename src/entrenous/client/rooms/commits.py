"""Making Commits and putting them into force (docs/spec/delivery.md).

A Commit is made in the state of the moment, stored with the epoch it would begin, and only then sent. It is in force
when the log shows it. If the log shows another Commit first, it is dropped and its intent is judged again.
"""

from dataclasses import dataclass
from typing import Annotated, cast

from entrenous.client.environment import Environment
from entrenous.client.own_device import OwnDevice
from entrenous.client.policy import judge, settings_of
from entrenous.client.rooms.intents import Intent, Plan, StoredIntent, plan
from entrenous.client.rooms.room import Epoch, Room
from entrenous.client.rooms.sealed import ACCESS_KEY_SIZE, AccessKey, RoomAccessSecret, SealedKind
from entrenous.client.rooms.snapshot import encode_changes, encode_tree
from entrenous.client.rosters import corrected, roster_delta
from entrenous.client.store.stages import StageRow
from entrenous.codec import Fixed, Opaque, Struct, UInt8, UInt32, struct
from entrenous.content import RoomSettings, padded_size
from entrenous.mls.group import Group, InfoOptions, LeafChange, NewEpoch, OwnCommit, commit
from entrenous.mls.schedule import KeyChanges, KeySource
from entrenous.mls.tree import RatchetTree, TreeChanges, apply_changes
from entrenous.mls.types import Extension
from entrenous.wire import CommitData, LogPosition, RosterAction, decode_call, encode_call, requests
from entrenous.wire.types import WelcomeFor

#: What a Welcome's GroupInfo tells beside the group itself; a number for private use (RFC 9420 §17.3).
WELCOME_EXTENSION = 0xF0E3
#: How many numbers there are for generations of the access key.
_GENERATIONS = 1 << 32
#: Past epochs of which a room keeps a secret (protocol §3): its Commits name no resumption PSK (RFC 9420 §8.6).
PAST_EPOCHS = 0
#: Commit entries after which one brings a sealed whole tree again.
TREE_EVERY = 32


@struct
class WelcomeData(Struct):
    """The room access key in force, and where the log stood when the Commit was made (docs/adr/0004)."""

    access_generation: UInt32
    access_key: Annotated[bytes, Fixed(ACCESS_KEY_SIZE)]
    position: LogPosition


@struct
class StagedEpoch(Struct):
    """The epoch that a staged Commit would begin, as stored: secrets in clear, the store is encrypted.

    Its tree is not in it: that is as large as the room, and the epoch before has all but a path of it.
    """

    epoch: Opaque
    access_generation: UInt32
    access_key: Annotated[bytes, Fixed(ACCESS_KEY_SIZE)]
    has_tree: UInt8


@dataclass(frozen=True, slots=True)
class Staged:
    """A Commit ready to be stored, together with its intent and what making it consumed."""

    intent: bytes
    row: StageRow
    changes: KeyChanges


@dataclass(frozen=True, slots=True)
class Beginning:
    """An epoch that is about to begin, and its secret tree."""

    epoch: Epoch
    new: NewEpoch
    has_tree: bool


def stage_commit(
    room: Room,
    keys: KeySource,
    intent: Intent,
    device: OwnDevice,
    message_id: bytes,
    environment: Environment,
    *,
    is_own_chain: bool,
) -> Staged | None:
    """Make the Commit that an intent asks for now; None where the room is already as the intent wants it.

    Args:
        room: the room.
        keys: its keys.
        intent: what is wanted.
        device: this device.
        message_id: for this attempt.
        environment: clock, entropy and trace.
        is_own_chain: whether the room's last whole tree and all changes since are this account's. Nobody can check
            what others gave the server beside their Commits, so else a newcomer is given a whole tree.

    Raises:
        RejectedError: the room's rules do not allow it, or a KeyPackage is not fit to be added.
        MalformedError, CryptoError: a KeyPackage is not what it should be.
    """
    epoch = room.epoch
    wanted = plan(intent, epoch, room.standing.base)
    if wanted is None:
        return None
    made = _make(room, keys, wanted, device, message_id, environment)
    access = next_access(epoch, wanted.settings, made.epoch.group)
    has_tree = (
        access.generation != epoch.access.generation
        or room.standing.tree_age + 1 >= TREE_EVERY
        or (bool(wanted.newcomers) and not is_own_chain)
    )
    request = _request(room, made, access, wanted, message_id, environment, has_tree=has_tree)
    stored = made.epoch.encode(with_tree=False)
    staged = StagedEpoch(stored, access.generation, access.secret.reveal(), int(has_tree))
    row = StageRow(message_id, encode_call(1, request), staged.encode(), made.tree_changes.encode())
    return Staged(StoredIntent(intent).encode(), row, made.changes)


def next_access(before: Epoch, settings: RoomSettings, group: Group) -> AccessKey:
    """The access key of the epoch after ``before``: a new generation where an account was removed.

    Its number is the epoch's, and not the former one's successor: that one is what an inviter has told, and members who
    were told different numbers would hold different keys for ever.
    """
    delta = roster_delta(before.settings, settings)
    if any(change.action is RosterAction.REMOVE for change in delta):
        return AccessKey.of_epoch(group, group.epoch % _GENERATIONS)
    return before.access


def stored_request(row: StageRow) -> requests.Commit:
    """The call that sends a staged Commit."""
    return cast("requests.Commit", decode_call(row.request)[1])


def stored_beginning(row: StageRow, before: RatchetTree) -> Beginning:
    """The epoch that a staged Commit begins, given the tree of the epoch that it was made in."""
    staged = StagedEpoch.decode(row.staged)
    tree = None if row.tree_changes is None else apply_changes(before, TreeChanges.decode(row.tree_changes))
    access = AccessKey(staged.access_generation, RoomAccessSecret(staged.access_key))
    new = NewEpoch.decode(staged.epoch, tree)
    epoch = Epoch(new.group, settings_of(new.group.context.extensions), access)
    return Beginning(epoch, new, bool(staged.has_tree))


def _make(
    room: Room, keys: KeySource, wanted: Plan, device: OwnDevice, message_id: bytes, environment: Environment
) -> OwnCommit:
    epoch, position = room.epoch, room.standing.position
    data = CommitData(
        message_id=message_id,
        retention_seconds=wanted.settings.retention_seconds,
        roster=corrected(roster_delta(epoch.settings, wanted.settings), wanted.corrections),
        newest=position,
        link_proof=b"",
    )
    # Nobody is added by a Commit that removes an account (see intents), so the key in force is the newcomers' too.
    told = WelcomeData(epoch.access.generation, epoch.access.secret.reveal(), position)
    return commit(
        epoch.group,
        keys,
        device.signer,
        environment.entropy,
        proposals=wanted.proposals,
        authenticated_data=data.encode(),
        now=environment.seconds(),
        leaf=LeafChange(device.profile),
        info=InfoOptions(welcome_extensions=(Extension(WELCOME_EXTENSION, told.encode()),)),
        policy=judge,
        padding=padded_size,
        past_epochs=PAST_EPOCHS,
        trace=environment.trace,
    )


def _request(
    room: Room,
    made: OwnCommit,
    access: AccessKey,
    wanted: Plan,
    message_id: bytes,
    environment: Environment,
    *,
    has_tree: bool,
) -> requests.Commit:
    before, after, entropy = room.epoch.group, made.epoch.group, environment.entropy
    changes = encode_changes(before.tree, after.tree, made.tree_changes)
    welcome = made.welcome or b""
    return requests.Commit(
        room=room.id,
        base=room.standing.base,
        message_id=message_id,
        entry=made.message,
        welcomes=tuple(WelcomeFor(account, device_id, welcome) for account, device_id in wanted.newcomers),
        group_info=access.seal(SealedKind.GROUP_INFO, room.id, after.epoch, made.group_info.encode(), entropy),
        node_changes=access.seal(SealedKind.NODE_CHANGES, room.id, after.epoch, changes, entropy),
        tree=access.seal(SealedKind.TREE, room.id, after.epoch, encode_tree(after.tree), entropy) if has_tree else None,
    )
