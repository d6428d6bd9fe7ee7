"""docs/spec/auth.md: passwords, and OPAQUE on both sides.

Vectors stretch passwords at a tiny cost, so that another program tries all of them quickly. Which costs a client takes
is a matter of "auth-stretching-costs".
"""

from collections.abc import Mapping
from typing import Any

from entrenous.crypto import Argon2Parameters, check
from entrenous.identity import opaque_context, password_bytes
from entrenous.opaque import (
    KeyStretching,
    Server,
    argon2id_stretching,
    check_record,
    finish_login,
    finish_registration,
    finish_server_login,
    start_login,
    start_registration,
)
from entrenous.testing.vectors.entropy import named
from entrenous.testing.vectors.form import Given


def password(given: Given) -> Mapping[str, Any]:
    """What OPAQUE takes for what was typed."""
    return {"password": password_bytes(given.text("typed")).hex()}


def stretching_cost(given: Given) -> Mapping[str, Any]:
    """Judge the cost that the other side names."""
    check(_cost(given))
    return {}


def record(given: Given) -> Mapping[str, Any]:
    """A server judges a RegistrationRecord before it stores it."""
    check_record(given.hex("record"))
    return {}


def registration(given: Given) -> Mapping[str, Any]:
    """A client registers a password."""
    state, request = start_registration(given.hex("password"), named(given.hex("blind")))
    made, export_key = finish_registration(
        state,
        given.hex("response"),
        server_identity=given.hex("server_id"),
        client_identity=given.hex("account"),
        ksf=_stretching(given),
        entropy=named(given.hex("envelope_nonce")),
    )
    return {"request": request.hex(), "record": made.hex(), "export_key": export_key.reveal().hex()}


def registration_server(given: Given) -> Mapping[str, Any]:
    """A server answers a RegistrationRequest."""
    return {"response": _server(given).respond_registration(given.hex("request"), _credential(given)).hex()}


def login(given: Given) -> Mapping[str, Any]:
    """A client logs in with a password."""
    drawn = named(*(given.hex(name) for name in ("blind", "client_nonce", "keyshare_seed")))
    state, ke1 = start_login(given.hex("password"), drawn)
    result = finish_login(
        state,
        given.hex("ke2"),
        context=_context(given),
        server_identity=given.hex("server_id"),
        client_identity=given.hex("account"),
        ksf=_stretching(given),
    )
    return {
        "ke1": ke1.hex(),
        "ke3": result.ke3.hex(),
        "session_key": result.session_key.reveal().hex(),
        "export_key": result.export_key.reveal().hex(),
    }


def login_server(given: Given) -> Mapping[str, Any]:
    """A server answers KE1 and judges KE3."""
    drawn = named(*(given.hex(name) for name in ("masking_nonce", "server_nonce", "keyshare_seed")))
    state, ke2 = _server(given).start_login(
        given.hex("record"),
        given.hex("ke1"),
        credential_identifier=_credential(given),
        context=_context(given),
        server_identity=given.hex("server_id"),
        client_identity=given.hex("account"),
        entropy=drawn,
    )
    session_key = finish_server_login(state, given.hex("ke3"))
    return {"ke2": ke2.hex(), "session_key": session_key.reveal().hex()}


def _cost(given: Given) -> Argon2Parameters:
    return Argon2Parameters(given.number("memory_kib"), given.number("iterations"), given.number("lanes"))


def _stretching(given: Given) -> KeyStretching:
    cost = _cost(given)
    return argon2id_stretching(cost, floor=cost)


def _server(given: Given) -> Server:
    return Server.restore(given.hex("oprf_seed"), given.hex("server_private_key"))


def _credential(given: Given) -> bytes:
    """The account id, then "password" or "recovery"."""
    return given.hex("account") + given.text("credential").encode()


def _context(given: Given) -> bytes:
    return opaque_context(given.number("suite"), given.hex("handshake_hash"))
