"""Welcomes into rooms that this device knows: what they have to prove beyond what any Welcome does.

Anybody can make a group under any id and a Welcome into it, and claim a KeyPackage for that. Who is in a room is
therefore led elsewhere only where the log itself has left him behind: by a gap, or by a Commit that he could not follow
(RFC 9420 §16.12). Then an admin of the room as he knew it, under the identity key that he knows, brings him back.
"""

from entrenous.client.store import Rows, Transaction, contacts, entries, rooms
from entrenous.client.store.rooms import Standing
from entrenous.client.views import MessageKind, RoomState
from entrenous.content import Role, RoomSettings, role_of
from entrenous.errors import RejectedError
from entrenous.identity import LeafOwner
from entrenous.wire import LogPosition
from entrenous.wire.types import InboxItem


def check_newer(rows: Rows, item: InboxItem) -> None:
    """An old Welcome, replayed, must not take this device back to an epoch it has left.

    Raises:
        RejectedError: rule JOIN-OLD.
    """
    known = rooms.standing(rows, item.room)
    if known is None or item.sequence > max(known.position.sequence, known.own_from):
        return
    if not (_is_member(known) and item.sequence > known.own_from and _was_refused(rows, item)):
        raise RejectedError("JOIN-OLD", "the Welcome belongs to a Commit that this device has processed")


def check_return(rows: Rows, item: InboxItem, inviter: LeafOwner, epoch: int) -> None:
    """Judge who brings this device back into a room, and to where.

    Args:
        rows: the store.
        item: the Welcome.
        inviter: who signed the GroupInfo in it.
        epoch: of the group that it leads to.

    Raises:
        RejectedError: rule JOIN-EPOCH, the room has been further already; rule JOIN-INVITER, this device is in the
            room, and whoever invites it is no admin there.
    """
    known, last = rooms.standing(rows, item.room), rooms.epoch(rows, item.room)
    if known is None or last is None:
        return
    if epoch <= last.epoch:
        raise RejectedError("JOIN-EPOCH", f"a Welcome leads to epoch {epoch}, this device was in {last.epoch}")
    if not _is_member(known):
        return
    pinned = contacts.get(rows, inviter.account_id)
    is_admin = role_of(RoomSettings.decode(last.settings), inviter.account_id) is Role.ADMIN
    if not is_admin or pinned is None or pinned.identity_key != inviter.identity_key:
        raise RejectedError("JOIN-INVITER", "somebody who is no admin wants this device in another group of this room")


def place_of(tx: Transaction, item: InboxItem, told: LogPosition) -> LogPosition:
    """Where in the log this device goes on after joining; what it could not read behind that place is read again.

    Raises:
        RejectedError: rule JOIN-POSITION, it has passed the place that the Welcome tells.
    """
    known = rooms.standing(tx, item.room)
    if known is None:
        return told
    if known.position.sequence >= item.sequence:
        seen = entries.log_hash(tx, item.room, item.sequence)
        if seen is not None:
            entries.forget_after(tx, item.room, item.sequence)
            return LogPosition(item.sequence, seen)
    if known.position.sequence > told.sequence:
        raise RejectedError("JOIN-POSITION", "a Welcome names a place in the log that this device has passed")
    return told


def _is_member(known: Standing) -> bool:
    return known.state is not RoomState.REMOVED


def _was_refused(rows: Rows, item: InboxItem) -> bool:
    """Whether this device could not follow the Commit that the Welcome came with."""
    row = entries.get(rows, item.room, item.sequence)
    return row is not None and row.kind is MessageKind.REFUSED
