import copy

import pytest

from entrenous.channel import (
    ALERT,
    CLASSIC,
    LARGEST_MESSAGE,
    MAX_AGE,
    MAX_BODY,
    SMALL_MESSAGE,
    Connection,
    MessageReceived,
    PeerClosed,
    RekeyPolicy,
    State,
    frame_message,
)
from entrenous.channel.records import Kind, frame
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.trace import Field
from unit.channel.connected import NOW, carry, connect, drain, make_client, make_server, messages, seeded, state_of


def records(sent: bytes) -> list[bytes]:
    """The frames in ``sent``, headers included."""
    found = []
    while sent:
        length = 2 + int.from_bytes(sent[:2], "big")
        found.append(sent[:length])
        sent = sent[length:]
    return found


def seal(sender: Connection, plaintext: bytes) -> bytes:
    """A record the sender's API would not make."""
    assert sender._writer is not None
    return sender._writer._seal(plaintext, NOW)


def refused(receiver: Connection, data: bytes, error: type[Exception], rule: str | None = None) -> None:
    receiver.receive_data(data, NOW)
    with pytest.raises(error, match=rule):
        drain(receiver)
    assert receiver.state is State.CLOSED
    assert receiver.data_to_send(NOW) == ALERT
    assert receiver.next_event() is None


def test_messages_arrive_whole_and_in_order_both_ways() -> None:
    client, server = connect()
    for number in range(5):
        client.send_message(b"to server %d" % number)
        server.send_message(b"to client %d" % number)
    assert messages(carry(client, server)) == [b"to server %d" % n for n in range(5)]
    assert messages(carry(server, client)) == [b"to client %d" % n for n in range(5)]
    assert client.data_to_send(NOW) == server.data_to_send(NOW) == b""


def test_many_small_messages_share_one_record() -> None:
    client, server = connect()
    for _ in range(300):
        client.send_message(bytes(200))
    assert client.queued == 300 * 204
    sent = client.data_to_send(NOW)
    assert client.queued == 0
    assert len(records(sent)) == 1
    server.receive_data(sent, NOW)
    assert len(drain(server)) == 300


@pytest.mark.parametrize(
    "size", [0, 1, MAX_BODY - 5, MAX_BODY - 4, MAX_BODY - 3, 2 * MAX_BODY - 4, 2 * MAX_BODY - 3, 500_000]
)
def test_a_large_message_spans_as_few_records_as_can_be(size: int) -> None:
    client, server = connect()
    server.max_message = LARGEST_MESSAGE
    text = bytes(range(256)) * (size // 256 + 1)
    client.send_message(text[:size])
    sent = client.data_to_send(NOW)
    assert len(records(sent)) == -(-(size + 4) // MAX_BODY)
    server.receive_data(sent, NOW)
    assert messages(drain(server)) == [text[:size]]


def test_framed_plaintext_is_shared_between_connections() -> None:
    shared = b"".join(frame_message(b"event %d" % number) for number in range(3))
    for number in range(3):
        client, server = connect(entropy=seeded(f"connection {number}"))
        server.send_message(b"own")
        server.queue_framed(shared)
        sent = server.data_to_send(NOW)
        assert len(records(sent)) == 1
        client.receive_data(sent, NOW)
        assert messages(drain(client)) == [b"own", b"event 0", b"event 1", b"event 2"]


def test_a_message_over_the_receivers_limit_is_refused_at_its_header() -> None:
    client, server = connect()
    assert server.max_message == SMALL_MESSAGE
    client.send_message(bytes(SMALL_MESSAGE))
    assert len(carry(client, server)) == 1
    announced = seal(client, b"\x00" + (SMALL_MESSAGE + 1).to_bytes(4, "big"))
    refused(server, announced, RejectedError, "CHAN-MESSAGE-SIZE")


def test_a_length_that_asks_for_gigabytes_is_refused_with_nothing_kept() -> None:
    client, server = connect()
    server.max_message = LARGEST_MESSAGE
    refused(server, seal(client, b"\x00\xff\xff\xff\xff"), RejectedError, "CHAN-MESSAGE-SIZE")
    assert len(server._inbox) == 0


def test_a_raised_limit_holds_from_the_next_message() -> None:
    client, server = connect()
    client.send_message(b"login")
    client.send_message(bytes(SMALL_MESSAGE + 1))
    server.receive_data(client.data_to_send(NOW), NOW)
    assert server.next_event() == MessageReceived(b"login")
    server.max_message = LARGEST_MESSAGE
    assert server.next_event() == MessageReceived(bytes(SMALL_MESSAGE + 1))


@pytest.mark.parametrize("limit", [0, -1, LARGEST_MESSAGE + 1])
def test_a_limit_outside_its_bounds_is_our_bug(limit: int) -> None:
    client, _ = connect()
    with pytest.raises(UsageError):
        client.max_message = limit


def test_a_message_longer_than_any_peer_accepts_is_our_bug_and_queues_nothing() -> None:
    client, _ = connect()
    with pytest.raises(UsageError):
        client.send_message(bytes(LARGEST_MESSAGE + 1))
    assert client.queued == 0
    assert client.data_to_send(NOW) == b""


def sent_records(client: Connection, count: int) -> list[bytes]:
    sent = []
    for number in range(count):
        client.send_message(b"%d" % number)
        sent.append(client.data_to_send(NOW))
    return sent


def test_a_replayed_record_is_refused() -> None:
    client, server = connect()
    (first,) = sent_records(client, 1)
    refused(server, first + first, CryptoError)


def test_reordered_records_are_refused() -> None:
    client, server = connect()
    first, second = sent_records(client, 2)
    refused(server, second + first, CryptoError)


def test_a_missing_record_is_noticed_at_the_next() -> None:
    client, server = connect()
    _, second = sent_records(client, 2)
    refused(server, second, CryptoError)


def test_a_reflected_record_is_refused() -> None:
    client, _ = connect()
    (first,) = sent_records(client, 1)
    refused(client, first, CryptoError)


def test_a_record_of_another_channel_is_refused() -> None:
    client, _ = connect(CLASSIC)
    _, other = connect(CLASSIC, entropy=lambda size: b"\x66" * size)
    (first,) = sent_records(client, 1)
    refused(other, first, CryptoError)


@pytest.mark.parametrize("length", [1, 16])
def test_a_record_too_short_for_kind_and_tag_is_malformed(length: int) -> None:
    _, server = connect()
    refused(server, length.to_bytes(2, "big") + bytes(length), MalformedError)


@pytest.mark.parametrize("kind", [4, 5, 255])
def test_an_unknown_record_kind_is_refused(kind: int) -> None:
    client, server = connect()
    refused(server, seal(client, bytes([kind]) + b"body"), RejectedError, "CHAN-RECORD-KIND")


@pytest.mark.parametrize("kind", [Kind.REKEY, Kind.CLOSE])
def test_a_record_that_carries_nothing_must_be_empty(kind: Kind) -> None:
    client, server = connect()
    refused(server, seal(client, bytes([kind]) + b"x"), MalformedError)


def test_the_alert_of_the_peer_ends_the_connection() -> None:
    _, server = connect()
    refused(server, ALERT, RejectedError, "CHAN-ALERT")


def test_padding_travels_and_means_nothing() -> None:
    client, server = connect()
    client.send_message(b"before")
    client.send_padding(1000, NOW)
    client.send_message(b"after")
    sent = client.data_to_send(NOW)
    assert [len(record) for record in records(sent)] == [2 + 17 + 10, 2 + 17 + 1000, 2 + 17 + 9]
    server.receive_data(sent, NOW)
    assert messages(drain(server)) == [b"before", b"after"]
    for size in (-1, MAX_BODY + 1):
        with pytest.raises(UsageError):
            client.send_padding(size, NOW)


POLICY = RekeyPolicy(send_records=4, send_seconds=900, receive_records=8)


def test_the_sender_rekeys_after_its_number_of_records_and_the_receiver_follows() -> None:
    client, server = connect(rekey=POLICY)
    arrived = []
    sizes = []
    for number in range(20):
        client.send_message(b"%02d" % number)
        sent = client.data_to_send(NOW)
        sizes.append(len(records(sent)))
        server.receive_data(sent, NOW)
        arrived += messages(drain(server))
    assert arrived == [b"%02d" % number for number in range(20)]
    assert sizes == [1, 1, 1, 1, 2] + [1, 1, 1, 2] * 3 + [1, 1, 1]


def test_a_rekey_falls_into_the_middle_of_a_large_message() -> None:
    client, server = connect(rekey=RekeyPolicy(send_records=2, receive_records=4))
    server.max_message = LARGEST_MESSAGE
    text = bytes(range(256)) * 2000
    client.send_message(text)
    sent = client.data_to_send(NOW)
    assert len(records(sent)) == 8 + 3
    server.receive_data(sent, NOW)
    assert messages(drain(server)) == [text]


def test_the_product_rekeys_at_two_to_the_sixteenth_record() -> None:
    client, server = connect()
    for sender, receiver in ((client, server), (server, client)):
        assert sender._writer is not None
        assert receiver._reader is not None
        sender.send_message(b"first")
        receiver.receive_data(sender.data_to_send(NOW), NOW)
        assert messages(drain(receiver)) == [b"first"]
        sender._writer._count = 2**16 - 1
        receiver._reader._count = 2**16 - 1
        for expected in (1, 2, 1):
            sender.send_message(b"text")
            sent = sender.data_to_send(NOW)
            assert len(records(sent)) == expected
            receiver.receive_data(sent, NOW)
            assert messages(drain(receiver)) == [b"text"]


def test_the_sender_rekeys_by_time_even_when_it_has_nothing_to_say() -> None:
    client, server = connect()
    client.send_message(b"one")
    server.receive_data(client.data_to_send(NOW + 10), NOW)
    assert client.data_to_send(NOW + 899) == b""
    rekey = client.data_to_send(NOW + 915)
    assert len(records(rekey)) == 1
    assert client.data_to_send(NOW + 5000) == b""
    client.send_message(b"two")
    server.receive_data(rekey + client.data_to_send(NOW + 5001), NOW)
    assert messages(drain(server)) == [b"one", b"two"]


def test_a_key_that_sealed_nothing_does_not_age() -> None:
    client, server = connect()
    client.send_message(b"late")
    server.receive_data(client.data_to_send(NOW + 5000), NOW)
    assert messages(drain(server)) == [b"late"]
    assert client.data_to_send(NOW + 5001) == b""


def test_a_failure_takes_back_what_was_not_yet_written() -> None:
    client, server = make_client(), make_server()
    server.receive_data(client.data_to_send(NOW) + b"\x00\x20" + bytes(32), NOW)
    with pytest.raises(CryptoError):
        drain(server)
    assert server.data_to_send(NOW) == ALERT


def test_a_receiver_refuses_a_key_that_is_used_too_long() -> None:
    client, server = connect(rekey=RekeyPolicy(send_records=100, receive_records=8))
    sent = sent_records(client, 9)
    server.receive_data(b"".join(sent[:8]), NOW)
    assert len(drain(server)) == 8
    refused(server, sent[8], RejectedError, "CHAN-REKEY")


def test_a_rekey_as_the_last_record_allowed_is_accepted() -> None:
    client, server = connect(rekey=RekeyPolicy(send_records=8, receive_records=8))
    server.receive_data(b"".join(sent_records(client, 20)), NOW)
    assert len(drain(server)) == 20


def test_after_a_rekey_the_old_key_seals_nothing_that_is_taken() -> None:
    client, server = connect(rekey=POLICY)
    old = sent_records(client, 4)
    assert client._writer is not None
    stolen = copy.copy(client._writer._cipher)  # the key of now, with its counter
    rekey, _ = records(sent_records(client, 1)[0])
    server.receive_data(b"".join(old), NOW)
    drain(server)
    assert stolen.encrypt_with_ad(b"", b"\1") == rekey[2:]
    server.receive_data(rekey, NOW)
    assert drain(server) == []
    forged = stolen.encrypt_with_ad(b"", b"\0what the thief of the old key says")
    assert server._reader is not None
    assert stolen.nonce == server._reader._cipher.nonce + 1  # its place is right: only the key is not
    refused(server, frame(forged), CryptoError)


def test_close_sends_what_is_queued_and_says_goodbye() -> None:
    client, server = connect()
    client.send_message(b"last words")
    client.close()
    client.close()
    assert state_of(client) is State.CLOSING
    events = carry(client, server)
    assert events == [MessageReceived(b"last words"), PeerClosed()]
    assert state_of(client) is state_of(server) is State.CLOSED
    client.eof_received()
    server.eof_received()
    for connection in (client, server):
        assert connection.next_event() is None
        assert connection.data_to_send(NOW) == b""
        with pytest.raises(UsageError):
            connection.send_message(b"too late")


def test_the_end_of_the_stream_without_a_close_is_truncation() -> None:
    client, server = connect()
    client.send_message(b"arrived")
    client.send_message(b"lost")
    sent = client.data_to_send(NOW)
    server.receive_data(sent, NOW)
    server.eof_received()
    assert messages([e for e in (server.next_event(), server.next_event()) if e]) == [b"arrived", b"lost"]
    with pytest.raises(RejectedError, match="CHAN-TRUNCATED"):
        server.next_event()
    assert server.state is State.CLOSED


def test_a_close_in_the_middle_of_a_message_is_truncation() -> None:
    client, server = connect()
    client.queue_framed(frame_message(b"whole")[:-1])
    client.close()
    server.receive_data(client.data_to_send(NOW), NOW)
    with pytest.raises(RejectedError, match="CHAN-TRUNCATED"):
        drain(server)


def test_what_follows_a_close_is_not_looked_at() -> None:
    client, server = connect()
    client.close()
    server.receive_data(client.data_to_send(NOW) + b"\xff" * 100, NOW)
    assert drain(server) == [PeerClosed()]
    assert server.next_event() is None


def test_a_connection_asks_for_a_successor_after_a_day() -> None:
    client, _ = connect()
    assert not client.expired(NOW + MAX_AGE - 1)
    assert client.expired(NOW + MAX_AGE)


def test_the_day_begins_with_the_handshake_and_not_with_the_attempt() -> None:
    client, server = make_client(now=NOW - 100), make_server()
    carry(client, server)
    carry(server, client)
    assert not client.expired(NOW - 100 + MAX_AGE)
    assert client.expired(NOW + MAX_AGE)


def test_after_a_failure_no_key_and_nothing_unsent_is_left() -> None:
    client, server = connect()
    server.send_message(b"never sent")
    server.receive_data(seal(client, b"\x00\x00\x00\x00\x09half") + b"\x00\x20" + bytes(32) + b"unread", NOW)
    with pytest.raises(CryptoError):
        drain(server)
    assert server.queued == 0
    assert server._writer is None
    assert server._reader is None
    assert len(server._inbox) == len(server._messages) == 0
    assert server.data_to_send(NOW) == ALERT
    assert server.data_to_send(NOW) == b""


def test_the_trace_hears_moves_and_rekeys_and_no_plaintext() -> None:
    heard: list[str] = []

    class Listening:
        def derived(self, name: str, secret: bytes, *inputs: str) -> None:
            heard.append(name)

        def step(self, name: str, **fields: Field) -> None:
            heard.append(f"{name} {fields}")

    client, server = connect(rekey=POLICY, trace=Listening())
    client.send_message(b"secret text")
    for _ in range(5):
        client.send_padding(1, NOW)
    carry(client, server)
    client.close()
    carry(client, server)
    told = "\n".join(heard)
    assert "'after': 'open'" in told
    assert "channel.rekey {'direction': 'send', 'records': 5}" in told
    assert "'move': 'peer closed'" in told
    assert "secret text" not in told


@pytest.mark.parametrize("kind", [Kind.PADDING, Kind.DATA, Kind.REKEY])
def test_records_that_carry_nothing_use_up_the_allowance(kind: Kind) -> None:
    client, server = connect()
    assert client._writer is not None
    sent = b""
    for _ in range(10):
        sent += seal(client, bytes([kind]))
        if kind is Kind.REKEY:
            client._writer._cipher.rekey()
    client.send_message(b"hello")
    server.receive_data(sent + client.data_to_send(NOW), NOW)
    server.eof_received()
    for _ in range(2):
        server.allowance = 5
        assert server.next_event() is None
        assert server.allowance == 0
        assert server.next_event() is None
    assert server.unread > 0
    server.allowance = 1
    assert server.next_event() == MessageReceived(b"hello")
    assert server.unread == 0
    server.allowance = 1
    with pytest.raises(RejectedError, match="CHAN-TRUNCATED"):
        server.next_event()


@pytest.mark.parametrize(("most", "scale"), [(1, 1), (7, 1), (70_000, 1_000), (100_000, 1_000), (10**7, 1_000)])
def test_large_messages_may_be_sealed_in_pieces_and_the_close_waits_behind_them(most: int, scale: int) -> None:
    client, server = connect()
    server.max_message = LARGEST_MESSAGE
    sent = [b"one", bytes(100 * scale), b"", b"two", bytes(70 * scale), b"three"]
    for message in sent:
        client.send_message(message)
    client.close()
    arrived: list[bytes] = []
    while client.state is not State.CLOSED:
        before = client.queued
        server.receive_data(client.data_to_send(NOW, most), NOW)
        assert before - client.queued == min(before, most)
        arrived += [event.data for event in drain(server) if isinstance(event, MessageReceived)]
    assert arrived == sent
    assert server.state is State.CLOSED
