"""Points that nobody honest sends, at every place of the handshake where one comes in."""

import dataclasses

import pytest

from bad_points import MLKEM768_COEFFICIENTS, KnowingDH, bad_points, knowing, unreduced_keys
from entrenous.errors import CryptoError
from entrenous.noise import HandshakeState, State, parse_protocol_name
from unit.noise.test_handshake_state import HYBRID, SUITES, parties, seeded


def responder_with(name: str, dh: KnowingDH) -> HandshakeState:
    """One whose ephemeral or static key is a bad point, and who knows the secret."""
    protocol = dataclasses.replace(parse_protocol_name(name), dh=dh)
    static = dh.static(seeded(2))
    return HandshakeState(protocol, initiator=False, entropy=seeded(4), prologue=b"prologue", static=static)


@SUITES
def test_every_bad_point_of_an_initiator_ends_the_handshake(name: str) -> None:
    dh = parse_protocol_name(name).dh
    for point in bad_points(dh):
        initiator, responder = parties(name)
        message = initiator.write_message()
        responder.read_message(point + message[dh.length :])
        with pytest.raises(CryptoError):
            responder.write_message()
        assert responder.state is State.FAILED


@SUITES
def test_no_responder_gets_through_with_a_bad_point_whose_secret_he_knows(name: str) -> None:
    tried = 0
    for dh in knowing(parse_protocol_name(name).dh):
        initiator, _ = parties(name)
        responder = responder_with(name, dh)
        responder.read_message(initiator.write_message())
        message = responder.write_message(b"certificate")
        with pytest.raises(CryptoError):
            initiator.read_message(message)
        assert initiator.state is State.FAILED
        tried += 1
    assert tried >= 22


def test_a_kem_key_with_any_coefficient_that_is_not_reduced_ends_the_handshake() -> None:
    initiator, _ = parties(HYBRID)
    message = initiator.write_message()
    for public in unreduced_keys(message[32:], places=(0, 1, 255, 256, MLKEM768_COEFFICIENTS - 1)):
        _, responder = parties(HYBRID)
        responder.read_message(message[:32] + public)
        with pytest.raises(CryptoError):
            responder.write_message()
        assert responder.state is State.FAILED
