"""Live handshakes and transport messages against an independent implementation, the ``noiseprotocol`` package."""

import itertools
from typing import Any

import pytest
from noise.connection import Keypair, NoiseConnection

from entrenous.crypto import X25519, DHKeyPair, DHPrivateKey
from entrenous.noise import HandshakeState, Transport, parse_protocol_name

PROLOGUE = b"interop"
PATTERNS = ["NN", "NK", "NX", "XX", "IK", "KK", "NNpsk0", "XXpsk3"]


def fixed_pair(byte: int) -> DHKeyPair:
    key = DHPrivateKey(bytes([byte]) * 32)
    return DHKeyPair(key, X25519.public(key))


OURS, THEIRS = fixed_pair(0x11), fixed_pair(0x22)
PSK = bytes(range(32))


def our_side(name: str, *, initiator: bool) -> HandshakeState:
    protocol = parse_protocol_name(name)
    numbers = itertools.count(1)
    return HandshakeState(
        protocol,
        initiator=initiator,
        entropy=lambda size: bytes([next(numbers)]) * size,
        prologue=PROLOGUE,
        static=OURS if protocol.pattern.needs_static(initiator=initiator) else None,
        remote_static=THEIRS.public if protocol.pattern.knows_remote(initiator=initiator) else None,
        psks=[PSK] * protocol.pattern.psk_count,
    )


def their_side(name: str, *, initiator: bool) -> Any:
    pattern = parse_protocol_name(name).pattern
    peer = NoiseConnection.from_name(name.encode())
    peer.set_prologue(PROLOGUE)
    (peer.set_as_initiator if initiator else peer.set_as_responder)()
    if pattern.psk_count:
        peer.set_psks(psks=[PSK] * pattern.psk_count)
    if pattern.needs_static(initiator=initiator):
        peer.set_keypair_from_private_bytes(Keypair.STATIC, THEIRS.private.reveal())
    if pattern.knows_remote(initiator=initiator):
        peer.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, OURS.public)
    peer.start_handshake()
    return peer


def handshake(ours: HandshakeState, theirs: Any) -> Transport:
    for number in range(len(ours.protocol.pattern.messages)):
        payload = b"payload %d" % number
        if ours.initiator == (number % 2 == 0):
            assert bytes(theirs.read_message(ours.write_message(payload))) == payload
        else:
            assert ours.read_message(bytes(theirs.write_message(payload))) == payload
    assert theirs.handshake_finished
    return ours.split()


@pytest.mark.parametrize("initiator", [True, False], ids=["we-initiate", "they-initiate"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_handshake_and_transport_agree_with_noiseprotocol(pattern: str, initiator: bool) -> None:
    name = f"Noise_{pattern}_25519_AESGCM_SHA256"
    ours, theirs = our_side(name, initiator=initiator), their_side(name, initiator=not initiator)
    transport = handshake(ours, theirs)
    assert theirs.get_handshake_hash() == ours.handshake_hash
    for number in range(4):
        text = b"transport %d" % number
        assert bytes(theirs.decrypt(transport.sending.encrypt_with_ad(b"", text))) == text
        assert transport.receiving.decrypt_with_ad(b"", bytes(theirs.encrypt(text))) == text


def test_both_sides_still_agree_after_a_rekey() -> None:
    name = "Noise_NX_25519_AESGCM_SHA256"
    ours, theirs = our_side(name, initiator=True), their_side(name, initiator=False)
    transport = handshake(ours, theirs)
    transport.sending.rekey()
    theirs.rekey_inbound_cipher()
    assert bytes(theirs.decrypt(transport.sending.encrypt_with_ad(b"", b"after"))) == b"after"
