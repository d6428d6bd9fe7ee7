"""The headless engine every front end uses: commands in, events out, one encrypted store.

    client = Client.open(store, connector, environment)
    room = await client.do(CreateRoom("Garden"))
    await client.do(SendText(room.room, "hello"))
    async for event in client.events():
        print(event.sentence)

A profile becomes an account's device with ``client.accounts``; ``client.profile`` and ``client.keyfile`` open it.
"""

from entrenous.client.alarms import (
    CommitRefused,
    IdentityChanged,
    InvitationDelayed,
    InvitationRefused,
    LogsDiffer,
    MembershipDenied,
    RosterDiffers,
    ServerChanged,
)
from entrenous.client.commands import (
    AcceptIdentity,
    BlockPerson,
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
    BlockChanged,
    ConnectionChanged,
    Event,
    EventsMissed,
    MemberJoined,
    MemberRemoved,
    MessageArrived,
    MessageStateChanged,
    RemovedFromRoom,
    RoomChanged,
    RoomJoined,
)
from entrenous.client.losses import EntryUnreadable, GapShown, LeftBehind, LogShortened, MessagesMissing
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
    "BlockChanged",
    "BlockPerson",
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
    "InvitationDelayed",
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
