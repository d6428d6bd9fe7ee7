"""RFC 9807's test vectors for OPAQUE-3DH over ristretto255-SHA512, driven through the public functions."""

from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Vectors
from entrenous.crypto import Entropy
from entrenous.errors import CryptoError
from entrenous.opaque import (
    KE2,
    Server,
    finish_login,
    finish_registration,
    finish_server_login,
    start_login,
    start_registration,
)
from entrenous.trace import Field

h = bytes.fromhex


class Recorder:
    """A Trace that remembers derivations."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        self.secrets[name.removeprefix("opaque.")] = secret.hex()

    def step(self, name: str, **fields: Field) -> None:
        raise AssertionError("opaque derives, it takes no steps")


def script(*values: str) -> Entropy:
    """Entropy that gives the listed values in order. A blind's 64 bytes are the scalar and zeros: they reduce to it."""
    queue: Iterator[str] = iter(values)
    return lambda size: h(next(queue)).ljust(size, b"\x00")


def identity(output: bytes) -> bytes:
    return output


def cases(vectors: Vectors, *, fake: bool, count: int) -> list[dict[str, Any]]:
    found = [
        case
        for case in vectors.load("opaque/opaque-vectors.json")
        if case["config"]["Group"] == "ristretto255" and case["config"]["Fake"] == str(fake)
    ]
    assert len(found) == count
    return found


def optional(value: str | None) -> bytes | None:
    return None if value is None else h(value)


def names(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    return {
        "server_identity": optional(inputs.get("server_identity")),
        "client_identity": optional(inputs.get("client_identity")),
    }


def test_registration_gives_the_listed_bytes(vectors: Vectors) -> None:
    for case in cases(vectors, fake=False, count=2):
        inputs, middle, outputs = case["inputs"], case["intermediates"], case["outputs"]
        server = Server.restore(h(inputs["oprf_seed"]), h(inputs["server_private_key"]))
        assert server.key_pair.public == h(inputs["server_public_key"])
        trace = Recorder()

        state, request = start_registration(h(inputs["password"]), script(inputs["blind_registration"]))
        assert request == h(outputs["registration_request"])
        response = server.respond_registration(request, h(inputs["credential_identifier"]))
        assert response == h(outputs["registration_response"])
        record, export_key = finish_registration(
            state, response, **names(case), ksf=identity, entropy=script(inputs["envelope_nonce"]), trace=trace
        )
        assert record == h(outputs["registration_upload"])
        assert export_key.reveal() == h(outputs["export_key"])
        assert trace.secrets["randomized_password"] == middle["randomized_password"]
        assert record[32:96] == h(middle["masking_key"])
        assert record[96:] == h(middle["envelope"])


def test_login_gives_the_listed_bytes(vectors: Vectors) -> None:
    for case in cases(vectors, fake=False, count=2):
        inputs, middle, outputs = case["inputs"], case["intermediates"], case["outputs"]
        server = Server.restore(h(inputs["oprf_seed"]), h(inputs["server_private_key"]))
        context = h(case["config"]["Context"])
        sides = Recorder(), Recorder()

        client, ke1 = start_login(
            h(inputs["password"]),
            script(inputs["blind_login"], inputs["client_nonce"], inputs["client_keyshare_seed"]),
        )
        assert ke1 == h(outputs["KE1"])
        state, ke2 = server.start_login(
            h(outputs["registration_upload"]),
            ke1,
            credential_identifier=h(inputs["credential_identifier"]),
            context=context,
            **names(case),
            entropy=script(inputs["masking_nonce"], inputs["server_nonce"], inputs["server_keyshare_seed"]),
            trace=sides[0],
        )
        assert ke2 == h(outputs["KE2"])
        result = finish_login(client, ke2, context=context, **names(case), ksf=identity, trace=sides[1])
        assert result.ke3 == h(outputs["KE3"])
        assert result.export_key.reveal() == h(outputs["export_key"])
        assert result.session_key.reveal() == h(outputs["session_key"])
        assert finish_server_login(state, result.ke3) == result.session_key
        for side in sides:
            assert side.secrets["handshake_secret"] == middle["handshake_secret"]
            assert side.secrets["Km2"] == middle["server_mac_key"]
            assert side.secrets["Km3"] == middle["client_mac_key"]


def test_the_answer_for_an_unknown_account_gives_the_listed_bytes(vectors: Vectors) -> None:
    for case in cases(vectors, fake=True, count=1):
        inputs, outputs = case["inputs"], case["outputs"]
        server = Server.restore(h(inputs["oprf_seed"]), h(inputs["server_private_key"]))
        record = h(inputs["client_public_key"] + inputs["masking_key"]) + bytes(96)
        state, ke2 = server.start_login(
            record,
            h(inputs["KE1"]),
            credential_identifier=h(inputs["credential_identifier"]),
            context=h(case["config"]["Context"]),
            **names(case),
            entropy=script(inputs["masking_nonce"], inputs["server_nonce"], inputs["server_keyshare_seed"]),
        )
        assert ke2 == h(outputs["KE2"])
        assert KE2.decode(ke2).encode() == ke2
        with pytest.raises(CryptoError):
            finish_server_login(state, bytes(64))
