"""How messages, rooms, members and events look as lines of text."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from entrenous.cli.output import one_line, printable
from entrenous.client.commands import AcceptIdentity, Command, InviteMember, RefreshKeys
from entrenous.client.events import (
    ConnectionChanged,
    Event,
    MessageArrived,
    MessageStateChanged,
    RoomChanged,
)
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
#: Digits of an id that are shown where a name is not enough.
SHOWN_ID = 8
#: Of clocks that are believed.
_LAST_YEAR = 9999
#: What stands before the second and every further line of a message: nothing else on the screen begins so.
_INDENT = "       | "


def message_line(message: Message) -> str:
    """``14:05  bob: hello``; a change, a gap or an unreadable entry as a notice; a waiting message with its state.

    What was not said today carries its day. Further lines of a message are indented, so that none can look like
    another person's.
    """
    clock = _clock(message)
    if message.kind is not MessageKind.TEXT:
        return f"{clock}  {NOTICE} {one_line(message.text)}"
    state = {MessageState.SENDING: "  (waiting to be sent)", MessageState.FAILED: "  (NOT SENT)"}.get(message.state, "")
    text = printable(message.text).replace("\n", f"\n{_INDENT}")
    return f"{clock}  {one_line(message.sender_name)}: {text}{state}"


def _clock(message: Message) -> str:
    """When it was said: the time, and the day unless it is today. Its sender's clock may say anything."""
    for moment in (message.sent_at or message.received_at, message.received_at):
        try:
            said = time.localtime(moment / 1000)
        except (OverflowError, ValueError, OSError):  # a year that this platform does not have
            continue
        if said.tm_year > _LAST_YEAR:
            continue
        return time.strftime("%H:%M" if said[:3] == time.localtime()[:3] else "%Y-%m-%d %H:%M", said)
    return "??:??"


def room_lines(rooms: tuple[RoomSummary, ...], current: bytes | None) -> list[str]:
    """One line a room, the current one marked; rooms of one name with the beginning of their id, which names them."""
    if not rooms:
        return ["You are in no room. /create NAME makes one,", "or ask somebody to /invite you."]
    names = room_names(rooms)
    return [f"{'>' if room.room == current else ' '} {names[room.room]}{_remark(room)}" for room in rooms]


def room_names(rooms: Iterable[RoomSummary]) -> dict[bytes, str]:
    """What each room is called on one line; rooms of one name carry the beginning of their id, which names them."""
    rooms = tuple(rooms)
    count = Counter(room.name.casefold() for room in rooms)
    return {
        room.room: f"{one_line(room.name)} [{room.room.hex()[:SHOWN_ID]}]"
        if count[room.name.casefold()] > 1
        else one_line(room.name)
        for room in rooms
    }


def member_lines(members: tuple[MemberSummary, ...]) -> list[str]:
    """One line a member."""
    return [
        f"  {one_line(member.login_name) or member.account.hex()[:SHOWN_ID]}{_attributes(member)}" for member in members
    ]


def event_line(event: Event) -> str | None:
    """An event for people; None for what shows by itself or tells only that something is to be read again."""
    match event:
        case MessageArrived(message):
            return message_line(message)
        case RoomChanged() | MessageStateChanged(state=MessageState.SENDING | MessageState.SENT):
            return None
        case _:
            return f"{NOTICE} {one_line(event.sentence)}"


def connection_line(event: ConnectionChanged) -> str:
    """That the connection is there, or is not and what that means."""
    if event.is_connected:
        return f"{NOTICE} Connected."
    if event.retry_in is None:
        return f"{NOTICE} Not connected, and not trying again: {one_line(event.reason)}."
    return f"{NOTICE} Not connected: {one_line(event.reason)}. What you say is kept here and sent as soon as possible."


def confirmation(command: Command[Any]) -> str | None:
    """That a command is done, where nothing else shows it."""
    match command:
        case RefreshKeys():
            return f"{NOTICE} This device has new keys in this room."
        case AcceptIdentity(name):
            return f"{NOTICE} The new identity key of {one_line(name)} is trusted; what was held back is sent."
        case InviteMember(login_name=name):
            return f"{NOTICE} {one_line(name)} is in this room."
        case _:
            return None


def _remark(room: RoomSummary) -> str:
    topic = f" - {one_line(room.topic)}" if room.topic else ""
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
