"""How messages, rooms, members and events look as lines of text."""

import time

from entrenous.client.events import Event, MessageArrived, MessageStateChanged, RoomChanged
from entrenous.client.views import (
    MemberRole,
    MemberSummary,
    Message,
    MessageKind,
    MessageState,
    RoomState,
    RoomSummary,
)

#: What stands before a line that no person wrote.
NOTICE = "--"


def message_line(message: Message) -> str:
    """``14:05  bob: hello``; a change, a gap or an unreadable entry as a notice; a waiting message with its state."""
    clock = time.strftime("%H:%M", time.localtime((message.sent_at or message.received_at) / 1000))
    if message.kind is not MessageKind.TEXT:
        return f"{clock}  {NOTICE} {message.text}"
    state = {MessageState.SENDING: "  (waiting to be sent)", MessageState.FAILED: "  (NOT SENT)"}.get(message.state, "")
    return f"{clock}  {message.sender_name}: {message.text}{state}"


def room_lines(rooms: tuple[RoomSummary, ...], current: bytes | None) -> list[str]:
    """One line a room, the current one marked."""
    if not rooms:
        return ["You are in no room. /create NAME makes one, or ask somebody to /invite you."]
    return [f"{'>' if room.room == current else ' '} {room.name}{_remark(room)}" for room in rooms]


def member_lines(members: tuple[MemberSummary, ...]) -> list[str]:
    """One line a member."""
    return [f"  {member.login_name or member.account.hex()[:8]}{_attributes(member)}" for member in members]


def event_line(event: Event) -> str | None:
    """An event for people; None for what shows by itself or tells only that something is to be read again."""
    match event:
        case MessageArrived(message):
            return message_line(message)
        case RoomChanged() | MessageStateChanged(state=MessageState.SENDING | MessageState.SENT):
            return None
        case _:
            return f"{NOTICE} {event.sentence}"


def _remark(room: RoomSummary) -> str:
    topic = f" - {room.topic}" if room.topic else ""
    if room.state is RoomState.REMOVED:
        return f"{topic}  (you were removed; what you read stays)"
    if room.state is RoomState.CREATING:
        return f"{topic}  (not on the server yet)"
    return f"{topic}  ({room.members} member{'s' if room.members != 1 else ''})"


def _attributes(member: MemberSummary) -> str:
    words = []
    if member.is_self:
        words.append("you")
    if member.role is MemberRole.ADMIN:
        words.append("admin")
    if member.identity_changed:
        words.append("NEW IDENTITY KEY: /accept it if you know why")
    return f"  ({', '.join(words)})" if words else ""
