"""Noise against cacophony's published vectors: every message, payload and handshake hash of 59 protocols."""

from typing import Any

from conftest import Vectors
from entrenous.crypto import X25519, DHKeyPair, DHPrivateKey
from entrenous.errors import CryptoError
from entrenous.noise import PATTERNS, HandshakeState, Transport, parse_protocol_name

FILE = "noise/cacophony_25519_AESGCM_SHA256.json"


def key_pair(private: str | None) -> DHKeyPair | None:
    if private is None:
        return None
    key = DHPrivateKey(bytes.fromhex(private))
    return DHKeyPair(key, X25519.public(key))


def party(vector: dict[str, Any], role: str) -> HandshakeState:
    ephemeral = bytes.fromhex(vector.get(f"{role}_ephemeral", ""))
    remote_static = vector.get(f"{role}_remote_static")
    return HandshakeState(
        parse_protocol_name(vector["protocol_name"]),
        initiator=role == "init",
        entropy=lambda size: ephemeral[:size],
        prologue=bytes.fromhex(vector[f"{role}_prologue"]),
        static=key_pair(vector.get(f"{role}_static")),
        remote_static=None if remote_static is None else bytes.fromhex(remote_static),
        psks=[bytes.fromhex(psk) for psk in vector.get(f"{role}_psks", [])],
    )


def run_handshake(vector: dict[str, Any], initiator: HandshakeState, responder: HandshakeState) -> int:
    count = len(initiator.protocol.pattern.messages)
    parties = [initiator, responder]
    for number, message in enumerate(vector["messages"][:count]):
        sender, receiver = parties[number % 2], parties[1 - number % 2]
        written = sender.write_message(bytes.fromhex(message["payload"]))
        assert written.hex() == message["ciphertext"]
        assert receiver.read_message(written).hex() == message["payload"]
    return count


def run_transport(
    vector: dict[str, Any], first: int, initiator: Transport, responder: Transport, *, one_way: bool
) -> None:
    for number, message in enumerate(vector["messages"][first:], first):
        from_initiator = one_way or number % 2 == 0
        sender, receiver = (initiator, responder) if from_initiator else (responder, initiator)
        sealed = sender.sending.encrypt_with_ad(b"", bytes.fromhex(message["payload"]))
        assert sealed.hex() == message["ciphertext"]
        assert receiver.receiving.decrypt_with_ad(b"", sealed).hex() == message["payload"]


def test_every_published_handshake_comes_out_byte_for_byte(vectors: Vectors) -> None:
    cases = vectors.load(FILE)["vectors"]
    assert len(cases) == 59
    for vector in cases:
        initiator, responder = party(vector, "init"), party(vector, "resp")
        count = run_handshake(vector, initiator, responder)
        assert initiator.handshake_hash == responder.handshake_hash
        assert initiator.handshake_hash.hex() == vector["handshake_hash"]
        one_way = initiator.protocol.pattern.one_way
        run_transport(vector, count, initiator.split(), responder.split(), one_way=one_way)


def test_the_vectors_cover_every_pattern_we_name(vectors: Vectors) -> None:
    named = {vector["protocol_name"].split("_")[1] for vector in vectors.load(FILE)["vectors"]}
    assert set(PATTERNS) <= named


def test_a_changed_byte_anywhere_in_a_published_message_ends_the_handshake(vectors: Vectors) -> None:
    vector = next(v for v in vectors.load(FILE)["vectors"] if v["protocol_name"] == "Noise_XX_25519_AESGCM_SHA256")
    second = bytes.fromhex(vector["messages"][1]["ciphertext"])
    refused = 0
    for place in range(len(second)):
        initiator = party(vector, "init")
        initiator.write_message(bytes.fromhex(vector["messages"][0]["payload"]))
        changed = bytearray(second)
        changed[place] ^= 0x01
        try:
            initiator.read_message(bytes(changed))
        except CryptoError:
            refused += 1
    assert refused == len(second)
