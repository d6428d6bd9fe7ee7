"""OPAQUE from both sides: whatever the other side sends, a login succeeds with the right password or is refused."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from entrenous.opaque import (
    ClientLogin,
    ClientRegistration,
    Server,
    ServerLogin,
    check_record,
    finish_login,
    finish_registration,
    finish_server_login,
    start_login,
    start_registration,
)
from entrenous.testing import SeededEntropy
from fuzz.target import REFUSED, Target

_SERVER, _CLIENT, _CONTEXT, _CREDENTIAL = b"server", b"client", b"context", b"credential"


@dataclass(frozen=True)
class Exchange:
    """Everything of one registration and one login, as it crossed the line."""

    server: Server
    registration: ClientRegistration
    client: ClientLogin
    expecting: ServerLogin
    request: bytes
    response: bytes
    record: bytes
    ke1: bytes
    ke2: bytes
    ke3: bytes


def _unstretched(output: bytes) -> bytes:
    return output


@functools.cache
def exchange() -> Exchange:
    """An honest one."""
    entropy = SeededEntropy("opaque")
    server = Server.generate(entropy)
    registration, request = start_registration(b"password", entropy)
    response = server.respond_registration(request, _CREDENTIAL)
    record = _register(registration, response)
    client, ke1 = start_login(b"password", entropy)
    expecting, ke2 = _answer(server, record, ke1)
    ke3 = _prove(client, ke2)
    return Exchange(server, registration, client, expecting, request, response, record, ke1, ke2, ke3)


def _register(registration: ClientRegistration, response: bytes) -> bytes:
    return finish_registration(
        registration,
        response,
        server_identity=_SERVER,
        client_identity=_CLIENT,
        ksf=_unstretched,
        entropy=SeededEntropy("envelope"),
    )[0]


def _answer(server: Server, record: bytes, ke1: bytes) -> tuple[ServerLogin, bytes]:
    return server.start_login(
        record,
        ke1,
        credential_identifier=_CREDENTIAL,
        context=_CONTEXT,
        server_identity=_SERVER,
        client_identity=_CLIENT,
        entropy=SeededEntropy("answer"),
    )


def _prove(client: ClientLogin, ke2: bytes) -> bytes:
    return finish_login(
        client, ke2, context=_CONTEXT, server_identity=_SERVER, client_identity=_CLIENT, ksf=_unstretched
    ).ke3


def _request(data: bytes) -> None:
    assert len(exchange().server.respond_registration(data, _CREDENTIAL)) == len(exchange().response)


def _response(data: bytes) -> None:
    check_record(_register(exchange().registration, data))


def _record(data: bytes) -> None:
    """A record that passes as one never makes a login fail on the server."""
    check_record(data)
    _answer(exchange().server, data, exchange().ke1)


def _ke1(data: bytes) -> None:
    _answer(exchange().server, exchange().record, data)


def _ke2(data: bytes) -> None:
    _prove(exchange().client, data)
    assert data == exchange().ke2, "a server proved itself with other bytes than the server's"


def _ke3(data: bytes) -> None:
    finish_server_login(exchange().expecting, data)
    assert data == exchange().ke3, "a client proved a password with other bytes than the client's"


_STEPS: tuple[Callable[[bytes], None], ...] = (_request, _response, _record, _ke1, _ke2, _ke3)


def opaque(data: bytes) -> None:
    """One message of the six; the first byte chooses which."""
    if not data:
        return
    try:
        _STEPS[data[0] % len(_STEPS)](data[1:])
    except REFUSED:
        return


def _seeds() -> list[bytes]:
    run = exchange()
    messages = (run.request, run.response, run.record, run.ke1, run.ke2, run.ke3)
    return [bytes([index]) + message for index, message in enumerate(messages)]


TARGETS = (Target("opaque", opaque, _seeds, longest=512),)
