"""What a network may do to a channel's bytes, and what the channel then does: nothing new, or one generic end."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrenous.channel import (
    ALERT,
    CLASSIC,
    HYBRID,
    Connection,
    Event,
    HandshakeFinished,
    RekeyPolicy,
    ServerConnection,
    State,
    frame_message,
)
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from unit.channel.connected import NOW, connect, drain, make_client, make_server, state_of

PEERS_FAULT = (MalformedError, RejectedError, CryptoError)
POLICY = RekeyPolicy(send_records=3, receive_records=6)
TEXTS = [b"first", b"", bytes(3000), b"second", b"third", b"x" * 70, b"last"]


@dataclass(frozen=True)
class Recording:
    """One direction of a finished session, the receiver who can replay it, and what it said then."""

    make_receiver: Callable[[], Connection]
    stream: bytes
    events: list[Event]


def speak(sender: Connection) -> bytes:
    """Several flushes, some with padding, over two changes of key, and a close."""
    sent = []
    for number, text in enumerate(TEXTS):
        sender.send_message(text)
        if number % 2:
            sender.send_padding(10, NOW)
        sent.append(sender.data_to_send(NOW))
    sender.close()
    return b"".join((*sent, sender.data_to_send(NOW)))


def replayable_client(suite_label: str) -> Recording:
    """The client decapsulates, so with fixed keys it reads the same stream again in both suites."""
    suite = {"hybrid": HYBRID, "classic": CLASSIC}[suite_label]

    def make_receiver() -> Connection:
        client = make_client(suite, rekey=POLICY)
        client.data_to_send(NOW)
        return client

    server = make_server(rekey=POLICY)
    server.receive_data(make_client(suite).data_to_send(NOW), NOW)
    drain(server)
    return recorded(make_receiver, server.data_to_send(NOW) + speak(server))


def replayable_server() -> Recording:
    """Only the classic suite: the hybrid server draws an encapsulation of its own."""

    def make_receiver() -> Connection:
        return make_server(rekey=POLICY)

    client = make_client(CLASSIC, rekey=POLICY)
    server = make_receiver()
    opening = client.data_to_send(NOW)
    server.receive_data(opening, NOW)
    drain(server)
    client.receive_data(server.data_to_send(NOW), NOW)
    drain(client)
    return recorded(make_receiver, opening + speak(client))


def recorded(make_receiver: Callable[[], Connection], stream: bytes) -> Recording:
    receiver = make_receiver()
    receiver.receive_data(stream, NOW)
    events = drain(receiver)
    assert len(events) == 1 + len(TEXTS) + 1
    return Recording(make_receiver, stream, events)


RECORDINGS = {
    "client, hybrid": replayable_client("hybrid"),
    "client, classic": replayable_client("classic"),
    "server, classic": replayable_server(),
}
every_recording = pytest.mark.parametrize("recording", RECORDINGS.values(), ids=RECORDINGS.keys())


def hear(receiver: Connection, stream: bytes) -> tuple[list[Event], Exception | None]:
    """The events of ``stream`` and then its end, and the error that ended them if there was one."""
    events: list[Event] = []
    receiver.receive_data(stream, NOW)
    try:
        while (event := receiver.next_event()) is not None:
            events.append(event)
            receiver.data_to_send(NOW)
        receiver.eof_received()
        receiver.next_event()
    except PEERS_FAULT as error:
        return events, error
    return events, None


def heard_nothing_new(recording: Recording, events: list[Event]) -> bool:
    """Whether ``events`` are the beginning of what was said.

    A server cannot see that message 1 was changed: it answers, under another binding, and opens nothing after that.
    """
    first_of_server = isinstance(recording.make_receiver(), ServerConnection) and len(events) == 1
    return events == recording.events[: len(events)] or (first_of_server and isinstance(events[0], HandshakeFinished))


@every_recording
@settings(max_examples=40)
@given(data=st.data())
def test_any_split_of_the_stream_gives_the_same_events(recording: Recording, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(recording.stream)), max_size=30)))
    receiver = recording.make_receiver()
    events: list[Event] = []
    for start, stop in zip([0, *cuts], [*cuts, len(recording.stream)], strict=True):
        receiver.receive_data(recording.stream[start:stop], NOW)
        events += drain(receiver)
    assert events == recording.events
    assert receiver.state is State.CLOSED


@every_recording
def test_the_stream_byte_by_byte_gives_the_same_events(recording: Recording) -> None:
    receiver = recording.make_receiver()
    events: list[Event] = []
    for place in range(len(recording.stream)):
        receiver.receive_data(recording.stream[place : place + 1], NOW)
        events += drain(receiver)
    assert events == recording.events


@every_recording
@settings(max_examples=150)
@given(data=st.data())
def test_any_changed_bit_ends_the_connection_with_the_same_alert(recording: Recording, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(recording.stream) - 1))
    changed = bytearray(recording.stream)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    receiver = recording.make_receiver()
    events, error = hear(receiver, bytes(changed))
    assert heard_nothing_new(recording, events)
    assert error is not None
    assert receiver.state is State.CLOSED
    assert receiver.data_to_send(NOW) == ALERT


@every_recording
@settings(max_examples=60)
@given(data=st.data())
def test_a_stream_cut_anywhere_is_truncated(recording: Recording, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(recording.stream) - 1))
    events, error = hear(recording.make_receiver(), recording.stream[:length])
    assert events == recording.events[: len(events)]
    assert isinstance(error, RejectedError)
    assert error.rule == "CHAN-TRUNCATED"


@every_recording
@settings(max_examples=60)
@given(data=st.data())
def test_a_piece_that_is_dropped_doubled_or_moved_is_never_heard(recording: Recording, data: st.DataObject) -> None:
    stream = recording.stream
    start = data.draw(st.integers(0, len(stream) - 2))
    stop = data.draw(st.integers(start + 1, len(stream) - 1))
    piece, rest = stream[start:stop], stream[stop:]
    changed = data.draw(
        st.sampled_from([stream[:start] + rest, stream[:stop] + piece + rest, stream[:start] + rest + piece])
    )
    events, error = hear(recording.make_receiver(), changed)
    if changed == stream:
        return
    assert error is not None or len(events) == len(recording.events)
    assert heard_nothing_new(recording, events)


@settings(max_examples=100)
@given(data=st.binary(max_size=400), prefix=st.integers(0, 300))
def test_hostile_bytes_end_in_one_of_our_errors_or_wait(data: bytes, prefix: int) -> None:
    recording = RECORDINGS["server, classic"]
    receivers: list[Connection] = [make_client(), make_client(CLASSIC), make_server()]
    for receiver in receivers:
        hear(receiver, data)
        assert receiver.state is State.CLOSED
    half_way = recording.make_receiver()
    hear(half_way, recording.stream[:prefix] + data)
    assert half_way.state is State.CLOSED


def set_limit(connection: Connection, limit: int) -> None:
    connection.max_message = limit


def compare_bindings(mine: Connection, other: Connection) -> None:
    assert mine.handshake_hash == other.handshake_hash


#: What an owner may call, each as (mine, other, data, now).
CALLS: dict[str, Callable[[Connection, Connection, bytes, float], object]] = {
    "send": lambda mine, _other, data, _now: mine.send_message(data),
    "framed": lambda mine, _other, data, _now: mine.queue_framed(frame_message(data) * 2),
    "padding": lambda mine, _other, data, now: mine.send_padding(len(data), now),
    "flush": lambda mine, other, _data, now: other.receive_data(mine.data_to_send(now), now),
    "events": lambda mine, _other, _data, _now: drain(mine),
    "close": lambda mine, _other, _data, _now: mine.close(),
    "eof": lambda mine, _other, _data, _now: mine.eof_received(),
    "garbage": lambda mine, _other, data, now: mine.receive_data(data, now),
    "limit": lambda mine, _other, data, _now: set_limit(mine, len(data)),
    "hash": lambda mine, other, _data, _now: compare_bindings(mine, other),
    "expired": lambda mine, _other, _data, now: mine.expired(now),
}


@settings(max_examples=80)
@given(calls=st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(CALLS)), st.binary(max_size=40)), max_size=25))
def test_calls_in_any_order_are_answered_or_refused_as_documented(calls: list[tuple[bool, str, bytes]]) -> None:
    client, server = connect(rekey=POLICY)
    now = NOW
    for from_client, call, data in calls:
        mine, other = (client, server) if from_client else (server, client)
        before = mine.state
        try:
            CALLS[call](mine, other, data, now)
        except UsageError:
            assert before is not State.OPEN or call == "limit"
        except PEERS_FAULT:
            assert call == "events"
            assert state_of(mine) is State.CLOSED
        now += 200


@settings(max_examples=40)
@given(
    batches=st.lists(st.lists(st.binary(max_size=300), max_size=8), max_size=8),
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=20),
)
def test_whatever_is_sent_arrives_once_whole_and_in_order(batches: list[list[bytes]], sizes: list[int]) -> None:
    client, server = connect(rekey=POLICY)
    stream = b""
    for batch in batches:
        for message in batch:
            client.send_message(message)
        stream += client.data_to_send(NOW)
    heard = []
    for number in range(len(stream) + 1):
        if not stream:
            break
        size = sizes[number % len(sizes)]
        server.receive_data(stream[:size], NOW)
        stream = stream[size:]
        heard += [getattr(event, "data", None) for event in drain(server)]
    assert heard == [message for batch in batches for message in batch]
