import contextlib
from collections.abc import Callable

import pytest

from entrenous.channel import (
    ALERT,
    CLASSIC,
    HYBRID,
    Connection,
    HandshakeFinished,
    State,
    Suite,
    issue_credential,
    suite_by_label,
)
from entrenous.channel.preface import encode_preface
from entrenous.channel.records import frame
from entrenous.crypto import SigningKey
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.identity import ServerIdentityKey
from entrenous.noise import HandshakeState
from unit.channel.connected import BOTH, CREDENTIALS, IDENTITY, NOT_AFTER, NOW, carry, make_client, make_server, seeded

both_suites = pytest.mark.parametrize("suite", BOTH, ids=[suite.label for suite in BOTH])


@both_suites
def test_one_round_trip_opens_the_channel_and_binds_both_sides(suite: Suite) -> None:
    client, server = make_client(suite), make_server()
    assert carry(client, server) == [HandshakeFinished(server.handshake_hash, suite.number, None)]
    assert carry(server, client) == [HandshakeFinished(server.handshake_hash, suite.number, client.peer)]
    assert client.peer is not None
    assert client.peer.server_id == IDENTITY.server_id
    assert client.state is server.state is State.OPEN


def test_the_preface_is_in_clear_and_names_the_suite() -> None:
    assert make_client(HYBRID).data_to_send(NOW)[:6] == b"ENTR\x01\x01"
    assert make_client(CLASSIC).data_to_send(NOW)[:6] == b"ENTR\x01\x02"


def test_no_two_channels_have_the_same_binding() -> None:
    hashes = set()
    for number in range(4):
        client, server = make_client(entropy=seeded(f"client {number}")), make_server()
        carry(client, server)
        hashes.add(server.handshake_hash)
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("preface", "rule"),
    [
        (b"GET / HTTP/1.1\r\n", "CHAN-PREFACE"),
        (b"G", "CHAN-PREFACE"),
        (b"ENTr\x01\x01", "CHAN-PREFACE"),
        (b"ENTR\x02\x01", "CHAN-VERSION"),
        (b"ENTR\x00\x01", "CHAN-VERSION"),
        (b"ENTR\x01\x00", "CHAN-SUITE"),
        (b"ENTR\x01\x03", "CHAN-SUITE"),
    ],
)
def test_an_unknown_preface_gets_an_alert_and_a_close(preface: bytes, rule: str) -> None:
    server = make_server()
    server.receive_data(preface, NOW)
    with pytest.raises(RejectedError) as caught:
        server.next_event()
    assert caught.value.rule == rule
    assert server.state is State.CLOSED
    assert server.data_to_send(NOW) == ALERT


def test_a_suite_the_server_has_off_is_refused() -> None:
    client, server = make_client(CLASSIC), make_server(credentials={1: CREDENTIALS[1]})
    with pytest.raises(RejectedError, match="CHAN-SUITE"):
        carry(client, server)


def test_swapping_the_suite_on_the_way_ends_the_connection() -> None:
    """A20: the preface is the prologue, so there is no downgrade."""
    client, server = make_client(HYBRID), make_server()
    sent = bytearray(client.data_to_send(NOW))
    sent[5] = CLASSIC.number
    server.receive_data(bytes(sent), NOW)
    with pytest.raises(MalformedError):
        server.next_event()


@both_suites
@pytest.mark.parametrize("change", [0, 1], ids=["the same preface", "another one"])
def test_both_sides_take_the_preface_that_they_saw_for_the_prologue(suite: Suite, change: int) -> None:
    """The sizes tell the suites apart already; this is what would stop a change that keeps them."""
    seen = encode_preface(suite)
    changed = seen[:4] + bytes([seen[4] + change]) + seen[5:]

    def party(*, initiator: bool) -> HandshakeState:
        static = None if initiator else CREDENTIALS[suite.number].static
        return HandshakeState(
            suite.noise, initiator=initiator, entropy=seeded("party"), prologue=changed, static=static
        )

    initiator, server = party(initiator=True), make_server()
    server.receive_data(seen + frame(initiator.write_message()), NOW)
    assert isinstance(server.next_event(), HandshakeFinished)
    with pytest.raises(CryptoError) if change else contextlib.nullcontext():
        initiator.read_message(server.data_to_send(NOW)[2:])

    client, responder = make_client(suite), party(initiator=False)
    responder.read_message(client.data_to_send(NOW)[len(seen) + 2 :])
    client.receive_data(frame(responder.write_message(CREDENTIALS[suite.number].certificate)), NOW)
    with pytest.raises(CryptoError) if change else contextlib.nullcontext():
        client.next_event()


@both_suites
def test_another_server_identity_is_refused_and_hears_nothing_more(suite: Suite) -> None:
    stranger = ServerIdentityKey(SigningKey.from_seed(b"\x08" * 32))
    credential = issue_credential(stranger, suite, CREDENTIALS[suite.number].static, NOT_AFTER)
    client, server = make_client(suite), make_server(credentials={suite.number: credential})
    carry(client, server)
    with pytest.raises(RejectedError, match="CHAN-PIN"):
        carry(server, client)
    assert client.state is State.CLOSED
    assert client.peer is None
    assert client.data_to_send(NOW) == b""


def test_without_a_pin_the_identity_is_for_the_caller_to_show() -> None:
    client, server = make_client(pin=None), make_server()
    carry(client, server)
    carry(server, client)
    assert client.peer is not None
    assert client.peer.server_id == IDENTITY.server_id


def refused_credential(kind: str) -> tuple[dict[int, object], str]:
    static = CREDENTIALS[1].static
    other = HYBRID.noise.dh.generate(seeded("other"))
    match kind:
        case "expired":
            return {1: issue_credential(IDENTITY, HYBRID, static, int(NOW) - 1)}, "CHAN-CERT-EXPIRED"
        case "for another key":
            made = issue_credential(IDENTITY, HYBRID, other, NOT_AFTER)
            return {1: type(made)(static, made.certificate)}, "CHAN-CERT-KEY"
    made = issue_credential(IDENTITY, CLASSIC, static, NOT_AFTER)
    return {1: made}, "CHAN-CERT-SUITE"


@pytest.mark.parametrize("kind", ["expired", "for another key", "for another suite"])
def test_a_certificate_that_does_not_fit_this_channel_is_refused(kind: str) -> None:
    credentials, rule = refused_credential(kind)
    client, server = make_client(), make_server(credentials=credentials)
    carry(client, server)
    with pytest.raises(RejectedError, match=rule):
        carry(server, client)
    assert client.data_to_send(NOW) == b""


def test_a_rotated_identity_is_followed_and_a_rotated_out_one_is_not() -> None:
    rotated = IDENTITY.rotate(SigningKey.from_seed(b"\x09" * 32))
    credential = issue_credential(rotated, HYBRID, CREDENTIALS[1].static, NOT_AFTER)
    client, server = make_client(known_key=IDENTITY.signing_key.public), make_server(credentials={1: credential})
    carry(client, server)
    carry(server, client)
    assert client.peer is not None
    assert (client.peer.identity_key, client.peer.rotations) == (rotated.signing_key.public, 1)

    client, server = make_client(known_key=client.peer.identity_key), make_server()
    carry(client, server)
    with pytest.raises(RejectedError, match="CHAN-CERT-ROLLBACK"):
        carry(server, client)


def test_an_imposter_without_the_static_key_cannot_use_the_certificate() -> None:
    thief = type(CREDENTIALS[1])(HYBRID.noise.dh.generate(seeded("thief")), CREDENTIALS[1].certificate)
    client, server = make_client(), make_server(credentials={1: thief})
    carry(client, server)
    with pytest.raises(RejectedError, match="CHAN-CERT-KEY"):
        carry(server, client)


@both_suites
def test_message_1_carries_nothing_before_the_server_is_known(suite: Suite) -> None:
    """No 0-RTT: a first message longer than its keys is refused before it is even read."""
    sent = make_client(suite).data_to_send(NOW)
    size = suite.first_message_size
    assert len(sent) == 6 + 2 + size
    server = make_server()
    server.receive_data(sent[:6] + (size + 1).to_bytes(2, "big") + sent[8:] + b"x", NOW)
    with pytest.raises(MalformedError):
        server.next_event()


@both_suites
def test_a_message_2_of_excessive_length_is_refused_at_its_header(suite: Suite) -> None:
    client = make_client(suite)
    client.receive_data(b"\xff\xff", NOW)
    with pytest.raises(MalformedError):
        client.next_event()


def test_an_alert_instead_of_message_2_says_that_the_server_gave_up() -> None:
    client = make_client()
    client.receive_data(ALERT, NOW)
    with pytest.raises(RejectedError, match="CHAN-ALERT"):
        client.next_event()


def test_a_client_refuses_its_own_bytes_reflected() -> None:
    client = make_client()
    client.receive_data(client.data_to_send(NOW)[6:], NOW)
    with pytest.raises((CryptoError, MalformedError)):
        client.next_event()


@pytest.mark.parametrize("make", [make_client, make_server])
def test_nothing_is_sent_or_bound_before_the_handshake_is_finished(
    make: Callable[[], Connection],
) -> None:
    connection = make()
    with pytest.raises(UsageError):
        connection.send_message(b"early")
    with pytest.raises(UsageError):
        connection.queue_framed(b"\0\0\0\0")
    with pytest.raises(UsageError):
        _ = connection.handshake_hash
    with pytest.raises(UsageError):
        connection.send_padding(1, NOW)
    connection.close()
    assert connection.state is State.CLOSED
    assert connection.data_to_send(NOW) == b""


def test_suites_are_found_by_the_words_people_use() -> None:
    assert suite_by_label("classic") is CLASSIC
    assert suite_by_label("hybrid") is HYBRID
    with pytest.raises(UsageError, match="hybrid, classic"):
        suite_by_label("fast")


def test_chain_keys_are_gone_once_the_channel_is_open() -> None:
    client, server = make_client(), make_server()
    carry(client, server)
    carry(server, client)
    assert client._noise._symmetric._ck == b""
