"""docs/spec/channel.md: preface, certificate, and the handshake of both sides in both suites."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from entrenous.channel import (
    SUITES,
    ClientConnection,
    HandshakeFinished,
    MessageReceived,
    ServerConnection,
    ServerCredential,
    Suite,
)
from entrenous.channel.connection import Connection
from entrenous.channel.preface import parse_preface
from entrenous.crypto import MLKEM768
from entrenous.errors import UsageError
from entrenous.identity import ServerIdentity, verify_certificate
from entrenous.testing.vectors.encapsulation import seeded_encapsulator
from entrenous.testing.vectors.entropy import named
from entrenous.testing.vectors.form import Given
from entrenous.trace import Field


class Derivations:
    """A Trace that keeps the handshake's secrets, so that another program can compare step by step."""

    def __init__(self) -> None:
        self.chaining_keys: list[str] = []
        self.transport: dict[str, str] = {}

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """Keep it."""
        if name == "ck":
            self.chaining_keys.append(secret.hex())
        else:
            self.transport[name] = secret.hex()

    def step(self, name: str, **fields: Field) -> None:
        """Nothing: what happens shows in the bytes."""


class SeededServer(ServerConnection):
    """A server whose encapsulation is decided by its entropy too."""

    __slots__ = ()

    def _take_preface(self) -> Suite | None:
        suite = super()._take_preface()
        if suite is None or suite.noise.kem is None:
            return suite
        noise = dataclasses.replace(suite.noise, kem=MLKEM768.with_encapsulator(seeded_encapsulator))
        return dataclasses.replace(suite, noise=noise)


def preface(given: Given) -> Mapping[str, Any]:
    """What a server learns from the first bytes of a connection; no suite means that more have to come."""
    suite = parse_preface(given.hex("received"))
    return {"suite": None if suite is None else suite.number}


def certificate(given: Given) -> Mapping[str, Any]:
    """A client judges a ServerCertificate."""
    identity = verify_certificate(
        given.hex("certificate"),
        suite=given.number("suite"),
        static_key=given.hex("static_key"),
        pin=given.optional_hex("pin"),
        now=given.number("now"),
        known_key=given.optional_hex("known_key"),
    )
    return _named(identity)


def client_handshake(given: Given) -> Mapping[str, Any]:
    """A client's whole handshake: what it sends, then what it makes of the answer."""
    now, derivations = given.number("now"), Derivations()
    suite = SUITES[given.number("suite")]
    client = ClientConnection(
        suite,
        pin=given.optional_hex("pin"),
        known_key=given.optional_hex("known_key"),
        entropy=named(given.hex("ephemeral"), *_kem_seed(given, suite)),
        now=now,
        trace=derivations,
    )
    sent = client.data_to_send(now)
    finished = _finish(client, given, now)
    if finished.peer is None:
        raise UsageError("a client that has finished knows its server")
    return {"sent": sent.hex(), **_named(finished.peer), **_results(finished, derivations), **_said_back(client, now)}


def server_handshake(given: Given) -> Mapping[str, Any]:
    """A server's whole handshake, with one suite on."""
    suite, derivations = SUITES[given.number("suite")], Derivations()
    static = suite.noise.dh.generate(named(given.hex("static")))
    server = SeededServer(
        {suite.number: ServerCredential(static, given.hex("certificate"))},
        entropy=named(given.hex("ephemeral"), *_encapsulation(given, suite)),
        now=0,
        trace=derivations,
    )
    finished = _finish(server, given, now=0)
    sent = server.data_to_send(0)
    return {"sent": sent.hex(), **_results(finished, derivations), **_said_back(server, now=0)}


def _finish(connection: Connection, given: Given, now: int) -> HandshakeFinished:
    """Everything comes at once, and nothing after it."""
    connection.receive_data(given.hex("received"), now)
    connection.eof_received()
    event = connection.next_event()
    if not isinstance(event, HandshakeFinished):
        raise UsageError("a handshake ends in itself or in an error")
    return event


def _said_back(connection: Connection, now: int) -> dict[str, Any]:
    """The messages behind the handshake, and the records in which they are said back: which key is whose."""
    heard, said = [], b""
    while connection.unread:
        event = connection.next_event()
        if not isinstance(event, MessageReceived):
            raise UsageError("a vector of a handshake has whole messages behind it")
        heard.append(event.data.hex())
        connection.send_message(event.data)
        said += connection.data_to_send(now)
    return {"heard": heard, "said": said.hex()}


def _results(finished: HandshakeFinished, derivations: Derivations) -> dict[str, Any]:
    return {
        "chaining_keys": derivations.chaining_keys,
        "handshake_hash": finished.handshake_hash.hex(),
        "client_key": derivations.transport["k initiator"],
        "server_key": derivations.transport["k responder"],
    }


def _named(identity: ServerIdentity) -> dict[str, Any]:
    return {
        "server_id": identity.server_id.hex(),
        "identity_key": identity.identity_key.hex(),
        "rotations": identity.rotations,
    }


def _kem_seed(given: Given, suite: Suite) -> list[bytes]:
    return [given.hex("kem_seed")] if suite.noise.kem else []


def _encapsulation(given: Given, suite: Suite) -> list[bytes]:
    return [given.hex("encapsulation")] if suite.noise.kem else []
