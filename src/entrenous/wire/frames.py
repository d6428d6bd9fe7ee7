"""Requests, replies and events as the bytes of one channel message.

A client sends calls ``[number, request]``; the server sends answers ``[number, reply]`` and, with number 0, events
``[0, event]``. Numbers are the client's, counted from 1 on each connection.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from entrenous.errors import MalformedError
from entrenous.wire.events import AnyEvent, Event
from entrenous.wire.replies import AnyReply, Reply
from entrenous.wire.requests import AnyRequest, Request

T = TypeVar("T")

#: The number that no call may have: it marks an event.
EVENT_NUMBER = 0

CallNumber = Annotated[int, Meta(ge=1, le=(1 << 32) - 1)]

_encoder = msgspec.msgpack.Encoder()
_call_decoder = msgspec.msgpack.Decoder(tuple[CallNumber, AnyRequest])
_number_decoder = msgspec.msgpack.Decoder(tuple[Annotated[int, Meta(ge=0, le=(1 << 32) - 1)], msgspec.Raw])
_reply_decoder = msgspec.msgpack.Decoder(AnyReply)
_event_decoder = msgspec.msgpack.Decoder(AnyEvent)


def encode_call(number: int, request: Request) -> bytes:
    """A request as the client sends it."""
    return _encoder.encode((number, request))


def encode_answer(number: int, reply: Reply) -> bytes:
    """A reply to the call ``number``."""
    return _encoder.encode((number, reply))


def encode_event(event: Event) -> bytes:
    """An event: the same bytes for every connection."""
    return _encoder.encode((EVENT_NUMBER, event))


def decode_call(data: bytes) -> tuple[int, AnyRequest]:
    """Read what a client sent.

    Raises:
        MalformedError: not a call, or a field is out of its bounds.
    """
    return _decode(_call_decoder, data)


def decode_from_server(data: bytes) -> tuple[int, AnyReply | AnyEvent]:
    """Read what the server sent: a reply with its call's number, or an event with number 0.

    Raises:
        MalformedError: neither, or a field is out of its bounds.
    """
    number, body = _decode(_number_decoder, data)
    return number, _decode(_event_decoder if number == EVENT_NUMBER else _reply_decoder, body)


def _decode(decoder: "msgspec.msgpack.Decoder[T]", data: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(data)
    # msgspec raises RecursionError on deeply nested input, and UnicodeDecodeError on text that is not UTF-8.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise MalformedError(f"not a message of this protocol: {error}") from None
