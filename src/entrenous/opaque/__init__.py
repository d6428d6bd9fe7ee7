"""OPAQUE-3DH (RFC 9807) over OPRF(ristretto255, SHA-512) (RFC 9497): log in with a password nobody else ever sees.

Bytes in, bytes out; two round trips to register, one and a half to log in:

client: start_registration  ->  server: respond_registration  ->  client: finish_registration -> record
client: start_login (KE1)   ->  server: start_login (KE2)     ->  client: finish_login (KE3) -> server: finish_login
"""

from entrenous.opaque.ake import KeyPair, SessionKey
from entrenous.opaque.client import (
    ClientLogin,
    ClientRegistration,
    LoginResult,
    finish_login,
    finish_registration,
    start_login,
    start_registration,
)
from entrenous.opaque.envelope import ExportKey, KeyStretching
from entrenous.opaque.messages import (
    KE1,
    KE2,
    KE3,
    Envelope,
    RegistrationRecord,
    RegistrationRequest,
    RegistrationResponse,
)
from entrenous.opaque.server import OprfSeed, Server, ServerLogin, check_record, fake_record
from entrenous.opaque.server import finish_login as finish_server_login
from entrenous.opaque.stretch import argon2id_stretching

__all__ = [
    "KE1",
    "KE2",
    "KE3",
    "ClientLogin",
    "ClientRegistration",
    "Envelope",
    "ExportKey",
    "KeyPair",
    "KeyStretching",
    "LoginResult",
    "OprfSeed",
    "RegistrationRecord",
    "RegistrationRequest",
    "RegistrationResponse",
    "Server",
    "ServerLogin",
    "SessionKey",
    "argon2id_stretching",
    "check_record",
    "fake_record",
    "finish_login",
    "finish_registration",
    "finish_server_login",
    "start_login",
    "start_registration",
]
