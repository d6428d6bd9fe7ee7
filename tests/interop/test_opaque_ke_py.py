"""Live logins with an independent implementation, opaque-ke (Rust), in all four pairings of record and login.

Its binding leaves context and identities empty (so both names are the public keys) and stretches with Argon2id under
the Rust crate's default parameters.
"""

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from entrenous.crypto import Argon2Parameters, argon2id
from entrenous.errors import CryptoError
from entrenous.opaque import (
    Server,
    check_record,
    finish_login,
    finish_registration,
    finish_server_login,
    start_login,
    start_registration,
)

theirs = pytest.importorskip("opaque_ke_py")

PASSWORD = b"correct horse battery staple"
ALICE = b"alice"
#: The peer's defaults; less than our product's floor, so the stretching is given directly.
DEFAULTS = Argon2Parameters(memory_kib=19456, iterations=2, lanes=1)


def ksf(output: bytes) -> bytes:
    return argon2id(output, bytes(16), DEFAULTS, 64)


class OurClient:
    def register(self, server: Any, password: bytes) -> tuple[bytes, bytes]:
        state, request = start_registration(password, os.urandom)
        record, export_key = finish_registration(
            state,
            server.respond(request),
            server_identity=None,
            client_identity=None,
            ksf=ksf,
            entropy=os.urandom,
        )
        return server.keep(record), export_key.reveal()

    def login(self, server: Any, record: bytes, password: bytes) -> tuple[bytes, bytes, bytes]:
        state, ke1 = start_login(password, os.urandom)
        pending, ke2 = server.login(record, ke1)
        result = finish_login(state, ke2, context=b"", server_identity=None, client_identity=None, ksf=ksf)
        return server.finish(pending, result.ke3), result.session_key.reveal(), result.export_key.reveal()


class TheirClient:
    def register(self, server: Any, password: bytes) -> tuple[bytes, bytes]:
        started = theirs.client_registration_start(password)
        response = server.respond(bytes(started.get_message()))
        finished = theirs.client_registration_finish(password, started.get_state(), response)
        return server.keep(bytes(finished.get_message())), bytes(finished.get_export_key())

    def login(self, server: Any, record: bytes, password: bytes) -> tuple[bytes, bytes, bytes]:
        started = theirs.client_login_start(password)
        pending, ke2 = server.login(record, bytes(started.get_message()))
        finished = theirs.client_login_finish(password, started.get_state(), ke2)
        session_key = server.finish(pending, bytes(finished.get_message()))
        return session_key, bytes(finished.get_session_key()), bytes(finished.get_export_key())


@dataclass
class OurServer:
    server: Server = field(default_factory=lambda: Server.generate(os.urandom))

    def respond(self, request: bytes) -> bytes:
        return self.server.respond_registration(request, ALICE)

    def keep(self, record: bytes) -> bytes:
        check_record(record)
        return record

    def login(self, record: bytes, ke1: bytes) -> tuple[Any, bytes]:
        return self.server.start_login(
            record,
            ke1,
            credential_identifier=ALICE,
            context=b"",
            server_identity=None,
            client_identity=None,
            entropy=os.urandom,
        )

    def finish(self, pending: Any, ke3: bytes) -> bytes:
        return finish_server_login(pending, ke3).reveal()


@dataclass
class TheirServer:
    setup: Any = field(default_factory=theirs.server_setup)

    def respond(self, request: bytes) -> bytes:
        return bytes(theirs.server_registration_start(self.setup, request, ALICE).get_message())

    def keep(self, record: bytes) -> bytes:
        return bytes(theirs.server_registration_finish(record).get_password_file())

    def login(self, record: bytes, ke1: bytes) -> tuple[Any, bytes]:
        started = theirs.server_login_start(self.setup, record, ke1, ALICE)
        return started.get_state(), bytes(started.get_message())

    def finish(self, pending: Any, ke3: bytes) -> bytes:
        return bytes(theirs.server_login_finish(pending, ke3).get_session_key())


@pytest.mark.parametrize("login", [OurClient, TheirClient])
@pytest.mark.parametrize("register", [OurClient, TheirClient])
@pytest.mark.parametrize("make_server", [OurServer, TheirServer])
def test_whoever_registered_the_other_can_log_in(make_server: Any, register: Any, login: Any) -> None:
    server = make_server()
    record, registered_export_key = register().register(server, PASSWORD)
    server_key, client_key, export_key = login().login(server, record, PASSWORD)
    assert server_key == client_key
    assert export_key == registered_export_key
    assert (len(server_key), len(export_key)) == (64, 64)


@pytest.mark.parametrize(("make_server", "client"), [(OurServer, TheirClient), (TheirServer, OurClient)])
def test_a_wrong_password_fails_across_implementations(make_server: Any, client: Any) -> None:
    server = make_server()
    record, _ = client().register(server, PASSWORD)
    # The binding's errors are plain exceptions whose text says what failed.
    refused: Any = CryptoError if client is OurClient else Exception
    with pytest.raises(refused) as caught:
        client().login(server, record, b"incorrect horse battery staple")
    assert client is OurClient or "login" in str(caught.value).lower()
