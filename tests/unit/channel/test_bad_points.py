"""Points that nobody honest sends, on the whole channel: the same error and the same end on both sides."""

import dataclasses

import pytest

from bad_points import KnowingDH, bad_points, knowing
from entrenous.channel import ALERT, State, Suite, issue_credential
from entrenous.channel.preface import PREFACE_SIZE, encode_preface
from entrenous.channel.records import HEADER_SIZE, frame
from entrenous.errors import CryptoError
from entrenous.noise import HandshakeState
from unit.channel.connected import IDENTITY, NOT_AFTER, NOW, make_client, make_server, seeded
from unit.channel.test_handshake import both_suites


def answer(suite: Suite, dh: KnowingDH, message: bytes) -> bytes:
    """Message 2 of the server that the client trusts, with a bad point as its ephemeral or as its certified key."""
    credential = issue_credential(IDENTITY, suite, dh.static(seeded("static")), NOT_AFTER)
    noise = HandshakeState(
        dataclasses.replace(suite.noise, dh=dh),
        initiator=False,
        entropy=seeded("server"),
        prologue=encode_preface(suite),
        static=credential.static,
    )
    noise.read_message(message)
    return noise.write_message(credential.certificate)


@both_suites
def test_every_bad_point_of_a_client_ends_in_the_same_alert(suite: Suite) -> None:
    sent = make_client(suite).data_to_send(NOW)
    begin = PREFACE_SIZE + HEADER_SIZE
    for point in bad_points(suite.noise.dh):
        server = make_server()
        server.receive_data(sent[:begin] + point + sent[begin + len(point) :], NOW)
        with pytest.raises(CryptoError):
            server.next_event()
        assert server.state is State.CLOSED
        assert server.data_to_send(NOW) == ALERT


@both_suites
def test_no_server_opens_a_channel_with_a_bad_point_whatever_it_has_certified(suite: Suite) -> None:
    for dh in knowing(suite.noise.dh):
        client = make_client(suite)
        message = client.data_to_send(NOW)[PREFACE_SIZE + HEADER_SIZE :]
        client.receive_data(frame(answer(suite, dh, message)), NOW)
        with pytest.raises(CryptoError):
            client.next_event()
        assert client.state is State.CLOSED
        assert client.peer is None
        assert client.data_to_send(NOW) == ALERT
