"""The client-server protocol: requests, replies and events, and what is hashed about a room's log."""

from entrenous.wire import events, limits, replies, requests, types
from entrenous.wire.frames import (
    EVENT_NUMBER,
    decode_call,
    decode_from_server,
    encode_answer,
    encode_call,
    encode_event,
)
from entrenous.wire.log import CommitData, LogPosition, MessageData, RosterAction, RosterChange
from entrenous.wire.replies import ErrorCode
from entrenous.wire.types import Entry

__all__ = [
    "EVENT_NUMBER",
    "CommitData",
    "Entry",
    "ErrorCode",
    "LogPosition",
    "MessageData",
    "RosterAction",
    "RosterChange",
    "decode_call",
    "decode_from_server",
    "encode_answer",
    "encode_call",
    "encode_event",
    "events",
    "limits",
    "replies",
    "requests",
    "types",
]
