"""Frames: every request, reply and event survives, and hostile bytes are malformed and nothing else."""

import contextlib
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.errors import MalformedError
from entrenous.wire import (
    EVENT_NUMBER,
    decode_call,
    decode_from_server,
    encode_answer,
    encode_call,
    encode_event,
    events,
    limits,
    replies,
    requests,
    types,
)

REQUESTS: tuple[type[requests.Request], ...] = get_args(requests.AnyRequest)
REPLIES: tuple[type[replies.Reply], ...] = get_args(replies.AnyReply)
EVENTS: tuple[type[events.Event], ...] = get_args(events.AnyEvent)

ENTRY = types.Entry(sequence=7, message_id=bytes(12), body=b"ciphertext", received_at=1_700_000_000_000)
HEAD = types.RoomHead(bytes(16), 9, 4, 1, may_manage=True, removed_at=None)
KSF = types.KsfParameters(65_536, 3, 4)


def sample(field: msgspec.structs.FieldInfo) -> Any:
    """A value that fits a field, found by trying."""
    candidates: list[Any] = [
        *(bytes(size) for size in (16, 12, 32, 64, 5)),
        *(3, 3_600, "bob", True, None, KSF, (), (ENTRY,), (HEAD,), (b"package",), ENTRY, replies.ErrorCode.CONFLICT),
    ]
    for value in candidates:
        try:
            msgspec.convert(msgspec.to_builtins(value, builtin_types=(bytes,)), field.type, builtin_types=(bytes,))
        except msgspec.ValidationError:
            continue
        return value
    raise AssertionError(field)


def instance(kind: Any) -> Any:
    return kind(**{field.name: sample(field) for field in msgspec.structs.fields(kind)})


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_request_survives_and_names_its_reply(kind: type[requests.Request]) -> None:
    request = instance(kind)
    assert decode_call(encode_call(5, request)) == (5, request)
    assert kind.REPLY in REPLIES


@pytest.mark.parametrize("kind", REPLIES)
def test_every_reply_survives(kind: type[replies.Reply]) -> None:
    reply = instance(kind)
    assert decode_from_server(encode_answer(5, reply)) == (5, reply)


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_survives(kind: type[events.Event]) -> None:
    event = instance(kind)
    assert decode_from_server(encode_event(event)) == (EVENT_NUMBER, event)


@given(st.binary(max_size=300))
def test_hostile_bytes_are_malformed_and_nothing_else(data: bytes) -> None:
    for decode in (decode_call, decode_from_server):
        try:
            decode(data)
        except MalformedError:
            continue


@given(st.data())
def test_a_flipped_byte_decodes_or_is_malformed(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(REQUESTS))
    frame = bytearray(encode_call(5, instance(kind)))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(MalformedError):
        decode_call(bytes(frame))


def test_deep_nesting_is_malformed() -> None:
    with pytest.raises(MalformedError):
        decode_call(b"\x91" * 100_000)


@pytest.mark.parametrize(
    "request_",
    [
        requests.Publish(bytes(15), 0, bytes(12), b"x"),
        requests.Publish(bytes(16), -1, bytes(12), b"x"),
        requests.Publish(bytes(16), 0, bytes(13), b"x"),
        requests.Publish(bytes(16), 0, bytes(12), b""),
        requests.Publish(bytes(16), 0, bytes(12), bytes(limits.MAX_COMMIT_SIZE + 1)),
        requests.Fetch(bytes(16), 0, limits.MAX_FETCH + 1),
        requests.FindAccount("x" * (limits.MAX_NAME_LENGTH + 1)),
        requests.PutKeyPackages((b"x",) * (limits.MAX_KEY_PACKAGES + 1), None),
    ],
)
def test_a_field_out_of_its_bounds_is_malformed(request_: requests.Request) -> None:
    with pytest.raises(MalformedError):
        decode_call(encode_call(1, request_))


def test_a_call_may_not_use_the_events_number() -> None:
    with pytest.raises(MalformedError):
        decode_call(encode_call(EVENT_NUMBER, requests.Ping()))
