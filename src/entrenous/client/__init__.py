"""The headless engine every front end uses: commands in, events out, one encrypted store.

    client = Client.open(store, connector, environment)
    room = await client.do(CreateRoom("Garden"))
    await client.do(SendText(room.room, "hello"))
    async for event in client.events():
        print(event.sentence)

A profile becomes an account's device with ``client.accounts``; ``client.profile`` and ``client.keyfile`` open it.
"""

from entrenous.client.commands import (
    AcceptIdentity,
    Command,
    CreateInviteLink,
    CreateRoom,
    FindRoom,
    History,
    InviteMember,
    KickMember,
    ListMembers,
    ListRooms,
    RefreshKeys,
    SendText,
    WaitUntilSent,
)
from entrenous.client.engine import Client
from entrenous.client.events import (
    CommitRefused,
    ConnectionChanged,
    EntryUnreadable,
    Event,
    EventsMissed,
    GapShown,
    IdentityChanged,
    InvitationRefused,
    LeftBehind,
    LogsDiffer,
    LogShortened,
    MemberJoined,
    MemberRemoved,
    MembershipDenied,
    MessageArrived,
    MessagesMissing,
    MessageStateChanged,
    RemovedFromRoom,
    RoomChanged,
    RoomJoined,
    RosterDiffers,
    ServerChanged,
)
from entrenous.client.views import (
    MemberRole,
    MemberSummary,
    Message,
    MessageKind,
    MessageRef,
    MessageState,
    RoomState,
    RoomSummary,
)

__all__ = [
    "AcceptIdentity",
    "Client",
    "Command",
    "CommitRefused",
    "ConnectionChanged",
    "CreateInviteLink",
    "CreateRoom",
    "EntryUnreadable",
    "Event",
    "EventsMissed",
    "FindRoom",
    "GapShown",
    "History",
    "IdentityChanged",
    "InvitationRefused",
    "InviteMember",
    "KickMember",
    "LeftBehind",
    "ListMembers",
    "ListRooms",
    "LogShortened",
    "LogsDiffer",
    "MemberJoined",
    "MemberRemoved",
    "MemberRole",
    "MemberSummary",
    "MembershipDenied",
    "Message",
    "MessageArrived",
    "MessageKind",
    "MessageRef",
    "MessageState",
    "MessageStateChanged",
    "MessagesMissing",
    "RefreshKeys",
    "RemovedFromRoom",
    "RoomChanged",
    "RoomJoined",
    "RoomState",
    "RoomSummary",
    "RosterDiffers",
    "SendText",
    "ServerChanged",
    "WaitUntilSent",
]
