"""The two product suites against their own frozen handshakes: what is on the wire today must stay so."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from entrenous.crypto import MLKEM768
from entrenous.noise import HandshakeState, NoiseProtocol, Transport, parse_protocol_name
from vectors.noise_product_suites import NAMES, parties

DATA = Path(__file__).parent / "data" / "noise-product-suites.json"
CASES: list[dict[str, Any]] = json.loads(DATA.read_text())["vectors"]
KEYS = ("prologue", "initiator_ephemeral", "initiator_kem_seed", "responder_static", "responder_ephemeral")
every_case = pytest.mark.parametrize("case", CASES, ids=[case["protocol_name"] for case in CASES])


def message(case: dict[str, Any], number: int) -> tuple[bytes, bytes]:
    entry = case["messages"][number]
    return bytes.fromhex(entry["payload"]), bytes.fromhex(entry["ciphertext"])


def frozen_parties(case: dict[str, Any], protocol: NoiseProtocol) -> tuple[HandshakeState, HandshakeState]:
    return parties(protocol, {name: case[name] for name in KEYS})


def replaying(case: dict[str, Any]) -> NoiseProtocol:
    """The case's protocol with an Encaps that gives what it gave then."""
    protocol = parse_protocol_name(case["protocol_name"])
    if protocol.kem is None:
        return protocol
    frozen = bytes.fromhex(case["kem_secret"]), bytes.fromhex(case["kem_ciphertext"])
    return dataclasses.replace(protocol, kem=MLKEM768.with_encapsulator(lambda _entropy, _public: frozen))


def test_both_product_suites_are_frozen() -> None:
    assert [case["protocol_name"] for case in CASES] == NAMES


@every_case
def test_the_initiator_writes_and_reads_what_it_did_then(case: dict[str, Any]) -> None:
    initiator, _ = frozen_parties(case, parse_protocol_name(case["protocol_name"]))
    payload, first = message(case, 0)
    assert initiator.write_message(payload) == first
    payload, second = message(case, 1)
    assert initiator.read_message(second) == payload
    assert initiator.handshake_hash.hex() == case["handshake_hash"]
    check_transport(case, initiator.split(), sends=2, receives=3)


@every_case
def test_the_responder_writes_and_reads_what_it_did_then(case: dict[str, Any]) -> None:
    _, responder = frozen_parties(case, replaying(case))
    payload, first = message(case, 0)
    assert responder.read_message(first) == payload
    payload, second = message(case, 1)
    assert responder.write_message(payload) == second
    assert responder.handshake_hash.hex() == case["handshake_hash"]
    check_transport(case, responder.split(), sends=3, receives=2)


def check_transport(case: dict[str, Any], transport: Transport, *, sends: int, receives: int) -> None:
    for number in (sends, sends + 2):
        payload, ciphertext = message(case, number)
        assert transport.sending.encrypt_with_ad(b"", payload) == ciphertext
    for number in (receives, receives + 2):
        payload, ciphertext = message(case, number)
        assert transport.receiving.decrypt_with_ad(b"", ciphertext) == payload
