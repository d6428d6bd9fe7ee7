"""Entries as people read them: rows become lines, with the names that are known now."""

import dataclasses

import msgspec

from entrenous.client.people import People
from entrenous.client.store import Rows, entries, outbox
from entrenous.client.store.entries import EntryRow
from entrenous.client.store.outbox import OutboxRow
from entrenous.client.views import Message, MessageKind, MessageState
from entrenous.content import Content, RoomSettings, Text


class Change(msgspec.Struct, frozen=True):
    """What an applied Commit did: the body of a CHANGE entry.

    Attributes:
        added: accounts that joined, in hexadecimal.
        removed: accounts that left, in hexadecimal.
        settings: whether the room's settings changed in another way.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    settings: bool = False

    @classmethod
    def between(cls, before: RoomSettings, after: RoomSettings) -> "Change":
        """What differs between two settings."""
        old = {member.account_id for member in before.members}
        new = {member.account_id for member in after.members}
        return cls(
            tuple(sorted(account.hex() for account in new - old)),
            tuple(sorted(account.hex() for account in old - new)),
            _staying(before, old & new) != _staying(after, old & new),
        )

    def encode(self) -> str:
        """The body of the entry's row."""
        return msgspec.json.encode(self).decode()


def _staying(settings: RoomSettings, accounts: set[bytes]) -> RoomSettings:
    """The settings without the accounts that came or went."""
    members = tuple(member for member in settings.members if member.account_id in accounts)
    return dataclasses.replace(settings, members=members)


_change_decoder = msgspec.json.Decoder(Change)


def line(room: bytes, row: EntryRow, people: People, own_account: bytes) -> Message:
    """One entry of the log as a line."""
    name = "" if row.sender is None else people.name(row.sender)
    return Message(
        room=room,
        sequence=row.sequence,
        message_id=row.message_id,
        kind=row.kind or MessageKind.UNKNOWN,
        text=_text(row, name, people),
        sender=row.sender,
        sender_name=name,
        is_own=row.sender == own_account,
        state=MessageState.FAILED if row.received_at == entries.LOST else MessageState.SENT,
        sent_at=row.sent_at,
        received_at=max(row.received_at, 0),
    )


def waiting_line(row: OutboxRow, people: People, own_account: bytes) -> Message | None:
    """A content that is not in the log yet as a line; None where no timeline shows such a content."""
    content = Content.decode(row.content)
    if not isinstance(content.body, Text):
        return None
    return Message(
        room=row.room,
        sequence=None,
        message_id=row.message_id,
        kind=MessageKind.TEXT,
        text=content.body.text,
        sender=own_account,
        sender_name=people.name(own_account),
        is_own=True,
        state=_state(row),
        sent_at=content.sent_at,
        received_at=0,
    )


def history(
    rows: Rows, room: bytes, people: People, own_account: bytes, *, before: int | None, after: int | None, limit: int
) -> tuple[Message, ...]:
    """Lines of a room, oldest first; see ``commands.History``."""
    found = entries.before(rows, room, before, limit) if after is None else entries.after(rows, room, after, limit)
    lines = [line(room, row, people, own_account) for row in found]
    if before is None and after is None:
        waiting = (waiting_line(row, people, own_account) for row in outbox.of_room(rows, room))
        lines += [message for message in waiting if message is not None]
    return tuple(lines)


def _state(row: OutboxRow) -> MessageState:
    if row.failure is not None:
        return MessageState.FAILED
    return MessageState.SENDING if row.sequence is None else MessageState.SENT


def _text(row: EntryRow, name: str, people: People) -> str:
    if row.kind is not MessageKind.CHANGE:
        return row.body
    change = _change_decoder.decode(row.body)
    parts = [f"{name} added {people.name(bytes.fromhex(account))}" for account in change.added]
    parts += [f"{name} removed {people.name(bytes.fromhex(account))}" for account in change.removed]
    if change.settings:
        parts.append(f"{name} changed the room's settings")
    return ", ".join(parts) or f"{name} renewed the room's keys"
