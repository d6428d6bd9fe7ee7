"""What a Commit is made for, kept beside it: judged again, in the state then, whenever another Commit came first."""

from dataclasses import dataclass
from typing import Annotated

from entrenous.client.leaf_owners import known_owner_of
from entrenous.client.rooms.room import Epoch
from entrenous.codec import Bytes16, Opaque, Select, Struct, UInt8Enum, UInt64, Vector, struct
from entrenous.content import ROOM_SETTINGS_EXTENSION, Role, RoomSettings, role_of, with_member, without_member
from entrenous.identity import LeafOwner
from entrenous.mls.types import (
    Add,
    Extension,
    GroupContextExtensions,
    KeyPackage,
    Proposal,
    Remove,
)
from entrenous.wire import RosterChange

#: In place of a Commit entry: whichever is the newest.
WHENEVER = (1 << 64) - 1


class IntentKind(UInt8Enum):
    """The kinds of intents."""

    ADD_ACCOUNT = 1
    REMOVE_ACCOUNT = 2
    RENEW_KEYS = 3
    CORRECT_ROSTER = 4


@struct
class ClaimedDevice(Struct):
    """A device to add, and the KeyPackage that was claimed for it and judged."""

    device_id: Bytes16
    key_package: Opaque


@struct
class AddAccount(Struct):
    """Let an account's devices in; those that its device list revokes go in the same Commit."""

    account_id: Bytes16
    devices: Vector[ClaimedDevice]
    revoked: Vector[Bytes16]


@struct
class RemoveAccount(Struct):
    """Remove an account with all its devices."""

    account_id: Bytes16


@struct
class RenewKeys(Struct):
    """Give this device new keys.

    Attributes:
        base: the Commit entry that must still be the newest, else it is left for another time; ``WHENEVER`` for one
            that a person asked for.
    """

    base: UInt64


@struct
class CorrectRoster(Struct):
    """Tell the server again who is in the room, where its roster is not what the members have agreed on.

    Attributes:
        base: the Commit entry that the roster was compared at, which must still be the newest.
        corrections: true of the room's settings then.
    """

    base: UInt64
    corrections: Vector[RosterChange]


_CASES = {
    IntentKind.ADD_ACCOUNT: AddAccount,
    IntentKind.REMOVE_ACCOUNT: RemoveAccount,
    IntentKind.RENEW_KEYS: RenewKeys,
    IntentKind.CORRECT_ROSTER: CorrectRoster,
}

Intent = AddAccount | RemoveAccount | RenewKeys | CorrectRoster


@struct
class StoredIntent(Struct):
    """An intent in its row."""

    intent: Annotated[AddAccount | RemoveAccount | RenewKeys | CorrectRoster, Select(IntentKind, _CASES)]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to commit in one state of the room.

    Attributes:
        newcomers: account and device of each KeyPackage that is added, in order.
        corrections: of the server's roster, beside what the Commit does to it.
    """

    proposals: tuple[Proposal, ...]
    settings: RoomSettings
    newcomers: tuple[tuple[bytes, bytes], ...] = ()
    corrections: tuple[RosterChange, ...] = ()


def plan(intent: Intent, epoch: Epoch, base: int) -> Plan | None:
    """What an intent asks for in this state; None where the room is as it should be already.

    Args:
        intent: what somebody wants.
        epoch: the room's.
        base: the room's newest Commit entry.

    Raises:
        RejectedError: ROOM-BANNED or ROOM-FULL.
        MalformedError: a KeyPackage is none.
    """
    match intent:
        case AddAccount():
            return _plan_add(intent, epoch)
        case RemoveAccount():
            return _plan_remove(intent, epoch)
        case RenewKeys():
            return Plan((), epoch.settings) if intent.base in (WHENEVER, base) else None
        case CorrectRoster():
            corrections = tuple(intent.corrections)
            return Plan((), epoch.settings, corrections=corrections) if intent.base == base else None


def leaves_of(epoch: Epoch, account: bytes) -> list[tuple[int, LeafOwner]]:
    """Leaf index and owner of each leaf of an account."""
    owned = ((index, known_owner_of(leaf)) for index, leaf in epoch.group.members())
    return [(index, owner) for index, owner in owned if owner.account_id == account]


def read_key_package(data: bytes) -> KeyPackage:
    """A KeyPackage as the server hands it out.

    Raises:
        MalformedError: it is none.
    """
    return KeyPackage.decode(data)


def _plan_add(intent: AddAccount, epoch: Epoch) -> Plan | None:
    settings, account = epoch.settings, intent.account_id
    present = leaves_of(epoch, account)
    here = {owner.device_id for _, owner in present}
    coming = [claimed for claimed in intent.devices if claimed.device_id not in here]
    if not coming:
        return None
    replaced = [Remove(index) for index, owner in present if owner.device_id in intent.revoked]
    adds = [Add(read_key_package(claimed.key_package)) for claimed in coming]
    newcomers = tuple((account, claimed.device_id) for claimed in coming)
    if role_of(settings, account) is not None:
        return Plan((*replaced, *adds), settings, newcomers)
    after = with_member(settings, account, Role.MEMBER)
    return Plan((*replaced, *adds, _new_settings(epoch, after)), after, newcomers)


def _plan_remove(intent: RemoveAccount, epoch: Epoch) -> Plan | None:
    removes = [Remove(index) for index, _ in leaves_of(epoch, intent.account_id)]
    after = without_member(epoch.settings, intent.account_id)
    if not removes and after == epoch.settings:
        return None
    return Plan((*removes, _new_settings(epoch, after)), after)


def _new_settings(epoch: Epoch, settings: RoomSettings) -> GroupContextExtensions:
    """The group's extensions with other settings; the rest as it is."""
    kept = (e for e in epoch.group.context.extensions if e.extension_type != ROOM_SETTINGS_EXTENSION)
    return GroupContextExtensions((Extension(ROOM_SETTINGS_EXTENSION, settings.encode()), *kept))
