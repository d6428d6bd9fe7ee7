"""Calls, answers and events (docs/spec/channel.md, auth.md and delivery.md): one of each kind, and what is none."""

import inspect
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from entrenous.testing.vectors import MALFORMED, VectorFile
from entrenous.wire import ErrorCode, encode_answer, encode_call, encode_event, events, replies, requests
from entrenous.wire.types import Shape
from own_vectors.making import Case, file_of
from own_vectors.people import MESSAGE_ID, ROOM

#: Values of fields whose bounds do not suggest one.
TEXT, NUMBER = "tée", 300


def value_for(annotation: Any, counter: Iterator[int]) -> Any:
    """Something that fits a field: bytes that differ from field to field, numbers that need more than a byte."""
    base, bounds = annotation, msgspec.Meta()
    if get_origin(annotation) is Annotated:
        base, bounds = annotation.__origin__, annotation.__metadata__[0]
    if base is bytes:
        return bytes([next(counter)]) * (bounds.min_length or 3)
    if base is int:
        return max(NUMBER, bounds.ge or 0) if bounds.le is None or bounds.le >= NUMBER else bounds.le
    if base is str:
        return TEXT
    if base is bool:
        return True
    if get_origin(base) is tuple:
        return tuple(value_for(get_args(base)[0], counter) for _ in range(2))
    if inspect.isclass(base) and issubclass(base, ErrorCode):
        return base.CONFLICT
    if inspect.isclass(base) and issubclass(base, Shape):
        return shape_of(base, counter)
    return value_for(get_args(base)[0], counter)  # of "something or nothing"


def shape_of(shape: type[Any], counter: Iterator[int] | None = None) -> Any:
    counter = counter or iter(range(1, 250))
    hints = get_type_hints(shape, include_extras=True)
    return shape(**{name: value_for(hints[name], counter) for name in shape.__struct_fields__})


def kinds(union: Any) -> list[type[Any]]:
    return list(get_args(union))


def pack(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


def call_cases() -> list[Case]:
    ping, acknowledge = [1, [39]], [8, [36, ROOM, 300]]
    right = {
        "the highest number of a call": pack([2**32 - 1, [39]]),
        "an integer in a longer form than it needs": bytes.fromhex("92cf0000000000000001 91d10027"),
        "an array in a longer form than it needs": bytes.fromhex("dd00000002 01 dc0001 27"),
        "elements after the known ones of a body are ignored": pack([1, [36, ROOM, 300, "new", [b"", None]]]),
        "a last field that may be null is left out": pack([1, [23, [b"kp"]]]),
        "the largest sequence number": pack([1, [36, ROOM, 2**63 - 1]]),
        "a Publish of one byte": encode_call(3, requests.Publish(ROOM, 0, MESSAGE_ID, b"e")),
        "bytes in their longest form": bytes.fromhex("92 08 93 24 c600000010") + ROOM + b"\x01",
    }
    wrong = {
        "nothing": b"",
        "cut off": pack(acknowledge)[:-1],
        "a byte after its end": pack(ping) + b"\0",
        "no array": pack({"number": 1}),
        "three elements": pack([1, [39], None]),
        "one element": pack([1]),
        "number 0, which is for events": pack([0, [39]]),
        "a number below 0": pack([-1, [39]]),
        "a number above the highest": pack([2**32, [39]]),
        "a number that is a float": pack([1.0, [39]]),
        "a number that is a text": pack(["1", [39]]),
        "a body without anything": pack([1, []]),
        "a body that is no array": pack([1, 39]),
        "a request that does not exist": pack([1, [99]]),
        "a request's number that is a text": pack([1, ["39"]]),
        "a field is missing": pack([1, [36, ROOM]]),
        "an id of 15 bytes": pack([1, [36, ROOM[:-1], 300]]),
        "an id of 17 bytes": pack([1, [36, ROOM + b"\0", 300]]),
        "an id that is a text": pack([1, [36, "room-room-room-1", 300]]),
        "a sequence number below 0": pack([1, [36, ROOM, -1]]),
        "a sequence number above the largest": pack([1, [36, ROOM, 2**63]]),
        "a sequence number that is a float": pack([1, [36, ROOM, 300.0]]),
        "a sequence number that is nil": pack([1, [36, ROOM, None]]),
        "a sequence number that is true": pack([1, [36, ROOM, True]]),
        "a Fetch of no entries": pack([1, [34, ROOM, 0, 0]]),
        "a Fetch of 501 entries": pack([1, [34, ROOM, 0, 501]]),
        "an entry without a byte": pack([1, [32, ROOM, 0, MESSAGE_ID, b""]]),
        "a name without a character": pack([1, [21, ""]]),
        "a name of 65 characters": pack([1, [21, "n" * 65]]),
        "a name in bytes": pack([1, [21, b"bob"]]),
        "a text that is not UTF-8": bytes.fromhex("92 01 92 15 a2 c328"),
        "a text with half a character in it": bytes.fromhex("92 01 92 15 a3 eda080"),
        "a bool that is a number": pack([1, [3, "bob", 1, b""]]),
        "a room that is kept for less than an hour": pack([1, [30, ROOM, 3599, b"", b""]]),
        "an extension type of MessagePack": bytes.fromhex("92 01 d40000"),
        "a first byte that MessagePack does not use": bytes.fromhex("c1"),
        "an array that announces what does not come": bytes.fromhex("ddffffffff01"),
    }
    return [
        *(Case(kind.__name__, {"message": encode_call(7, shape_of(kind))}) for kind in kinds(requests.AnyRequest)),
        *(Case(name, {"message": data}) for name, data in right.items()),
        *(Case(name, {"message": data}, MALFORMED) for name, data in wrong.items()),
    ]


def server_cases() -> list[Case]:
    right = {
        "a refusal without a number": encode_answer(7, replies.Error(ErrorCode.DENIED, "no")),
        "a refusal whose number is left out": pack([7, [0, "denied", "no"]]),
        "an event with more elements than are known": pack([0, [3, "new"]]),
        "a room's head whose last field, which may be null, is left out": pack([7, [11, [[ROOM, 1, 1, 1, True]]]]),
        "no rooms": encode_answer(7, replies.Rooms(())),
        "a shape with more elements than are known": pack([7, [16, 1, [[ROOM, True, "new"]]]]),
    }
    wrong = {
        "nothing": b"",
        "a byte after its end": pack([7, [1]]) + b"\0",
        "a reply that does not exist": pack([7, [17]]),
        "a reply's number in an event": pack([0, [16, 1, []]]),
        "an event that does not exist": pack([0, [5]]),
        "an event's fields in an answer": pack([7, [3]]),
        "a code that does not exist": pack([7, [0, "nonsense", "no", None]]),
        "a number above the highest": pack([2**32, [1]]),
        "a number below 0": pack([-1, [1]]),
        "a shape with a field missing": pack([7, [16, 1, [[ROOM]]]]),
        "a list that is nil": pack([7, [11, None]]),
        "a field that may not be nil": pack([7, [12, None]]),
    }
    return [
        *(Case(kind.__name__, {"message": encode_answer(7, shape_of(kind))}) for kind in kinds(replies.AnyReply)),
        *(Case(kind.__name__, {"message": encode_event(shape_of(kind))}) for kind in kinds(events.AnyEvent)),
        *(Case(name, {"message": data}) for name, data in right.items()),
        *(Case(name, {"message": data}, MALFORMED) for name, data in wrong.items()),
    ]


def files() -> list[VectorFile]:
    return [
        file_of("channel-calls", "channel.md", "A server reads one message of a client: a call.", call_cases()),
        file_of("channel-from-server", "channel.md", "A client reads an answer or an event.", server_cases()),
    ]
