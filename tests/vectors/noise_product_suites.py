"""Write data/noise-product-suites.json: one frozen handshake in each product suite, for test_noise_product_suites.py.

Run once, from the project's root: ``python tests/vectors/noise_product_suites.py``. Everything but the ML-KEM
encapsulation follows from fixed keys; the encapsulation is random, so its ciphertext and secret are part of the file.
A new run therefore gives another, equally valid file; the committed one must keep passing.
"""

import json
from pathlib import Path

from entrenous.crypto import MLKEM768, Entropy
from entrenous.noise import HandshakeState, NoiseProtocol, SymmetricState, parse_protocol_name

DATA = Path(__file__).parent / "data" / "noise-product-suites.json"
NAMES = ["Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256", "Noise_NX_FFDHE2048_AESGCM_SHA256"]
PAYLOADS = [b"", b"in place of a certificate", b"from the client", b"from the server", b"", b"\x00" * 300]


def drawn_from(*values: bytes) -> Entropy:
    """Entropy that hands out ``values`` in order."""
    waiting = list(values)
    return lambda _size: waiting.pop(0)


def parties(protocol: NoiseProtocol, keys: dict[str, str]) -> tuple[HandshakeState, HandshakeState]:
    """Both parties, their ephemerals fixed by ``keys``."""
    private = {name: bytes.fromhex(value) for name, value in keys.items()}
    initiator = HandshakeState(
        protocol,
        initiator=True,
        entropy=drawn_from(private["initiator_ephemeral"], private["initiator_kem_seed"]),
        prologue=private["prologue"],
    )
    responder = HandshakeState(
        protocol,
        initiator=False,
        entropy=drawn_from(private["responder_ephemeral"]),
        prologue=private["prologue"],
        static=protocol.dh.generate(drawn_from(private["responder_static"])),
    )
    return initiator, responder


def case(number: int, name: str) -> dict[str, object]:
    """Run one handshake and four transport messages, and write down everything."""
    protocol = parse_protocol_name(name)
    keys = {
        "prologue": (b"ENTR\x01" + bytes([number])).hex(),
        "initiator_ephemeral": bytes(range(0x20, 0x40)).hex(),
        "initiator_kem_seed": bytes(range(0x40, 0x80)).hex(),
        "responder_static": bytes(range(0x80, 0xA0)).hex(),
        "responder_ephemeral": bytes(range(0xA0, 0xC0)).hex(),
    }
    initiator, responder = parties(protocol, keys)
    ciphertexts = [initiator.write_message(PAYLOADS[0])]
    responder.read_message(ciphertexts[0])
    ciphertexts.append(responder.write_message(PAYLOADS[1]))
    initiator.read_message(ciphertexts[1])
    kem = opened_encapsulation(protocol, keys, ciphertexts) if protocol.kem else {}
    result = {"protocol_name": name, **keys, **kem, "handshake_hash": initiator.handshake_hash.hex()}
    transports = [initiator.split(), responder.split()]
    for place, payload in enumerate(PAYLOADS[2:]):
        ciphertexts.append(transports[place % 2].sending.encrypt_with_ad(b"", payload))
    messages = [{"payload": p.hex(), "ciphertext": c.hex()} for p, c in zip(PAYLOADS, ciphertexts, strict=True)]
    return {**result, "messages": messages}


def opened_encapsulation(protocol: NoiseProtocol, keys: dict[str, str], messages: list[bytes]) -> dict[str, str]:
    """The KEM ciphertext inside message 2 and the secret inside that."""
    ee = protocol.dh.exchange(
        protocol.dh.generate(drawn_from(bytes.fromhex(keys["initiator_ephemeral"]))).private, messages[1][:32]
    )
    # The key in use at ekem1 is the one that ee gave, so a SymmetricState led there by hand opens it.
    state = SymmetricState(protocol.name.encode(), protocol.aead, protocol.hash_function)
    state.mix_hash(bytes.fromhex(keys["prologue"]))
    for public in (messages[0][:32], messages[0][32:], b"", messages[1][:32]):
        state.mix_hash(public)
    state.mix_key(ee, "ee")
    ciphertext = state.decrypt_and_hash(messages[1][32 : 32 + 1088 + 16])
    pair = MLKEM768.key_pair(bytes.fromhex(keys["initiator_kem_seed"]))
    secret = MLKEM768.decapsulate(pair.private, ciphertext)
    return {"kem_ciphertext": ciphertext.hex(), "kem_secret": secret.hex()}


if __name__ == "__main__":
    cases = [case(number, name) for number, name in enumerate(NAMES, 1)]
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(json.dumps({"vectors": cases}, indent=1) + "\n")
