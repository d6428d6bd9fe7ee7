"""docs/spec/auth.md, "OPAQUE": RFC 9807 and RFC 9497 on both sides, and what a password is in bytes."""

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from independent_check.curves import BASE, ORDER, decode, encode, from_uniform, times
from independent_check.forms import BrokenError, CryptoError, Fields, MalformedError, Reader, expand, labelled, uint

CONTEXT = b"OPRFV1-\x00-ristretto255-SHA512"
FLOOR, CEILING = (65536, 3, 4), (1048576, 10, 16)


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha512")


def derived(key: bytes, info: bytes, size: int = 64) -> bytes:
    return expand("sha512", key, info, size)


def sized(data: bytes) -> bytes:
    return uint(len(data), 2) + data


def hashed(message: bytes, tag: bytes) -> bytes:
    """expand_message_xmd to 64 bytes (RFC 9380 §5.3.1)."""
    tag += uint(len(tag), 1)
    return sha512(sha512(bytes(128) + message + b"\x00\x40\x00" + tag) + b"\x01" + tag)


def scalar_of(data: bytes) -> int:
    return int.from_bytes(data, "little") % ORDER


def scalar_from(seed: bytes, info: bytes) -> int:
    """DeriveKeyPair (RFC 9497 §3.2.1)."""
    return scalar_of(hashed(seed + sized(info) + b"\0", b"DeriveKeyPair" + CONTEXT))


def shared(private: int, public: bytes) -> bytes:
    return encode(times(private, decode(public)))


@cache
def public_of(private: int) -> bytes:
    """Vectors use the same keys again and again."""
    return encode(times(private, BASE))


@cache
def blinded(blind: bytes, password: bytes) -> bytes:
    """What a client sends first."""
    return encode(times(scalar_of(blind), from_uniform(hashed(password, b"HashToGroup-" + CONTEXT))))


@dataclass
class KeyPair:
    private: int
    public: bytes

    @classmethod
    def of(cls, private: int) -> "KeyPair":
        return cls(private, public_of(private))

    @classmethod
    def from_seed(cls, seed: bytes) -> "KeyPair":
        return cls.of(scalar_from(seed, b"OPAQUE-DeriveDiffieHellmanKeyPair"))


def randomized(given: Fields, evaluated: bytes) -> bytes:
    """The password after the OPRF and the stretching."""
    blind, password = scalar_of(given.hex("blind")), given.hex("password")
    unblinded = encode(times(pow(blind, -1, ORDER), decode(evaluated)))
    output = sha512(sized(password) + sized(unblinded) + b"Finalize")
    cost = {"memory_cost": given["memory_kib"], "iterations": given["iterations"], "lanes": given["lanes"]}
    return mac(bytes(64), output + Argon2id(salt=bytes(16), length=64, **cost).derive(output))


@dataclass
class Envelope:
    """What a randomized password and a nonce lead to."""

    keys: KeyPair
    tag: bytes
    export_key: bytes

    @classmethod
    def of(cls, password: bytes, nonce: bytes, server_key: bytes, given: Fields) -> "Envelope":
        keys = KeyPair.from_seed(derived(password, nonce + b"PrivateKey", 32))
        covered = nonce + server_key + sized(given.hex("server_id")) + sized(given.hex("account"))
        tag = mac(derived(password, nonce + b"AuthKey"), covered)
        return cls(keys, tag, derived(password, nonce + b"ExportKey"))


def registration(given: Fields) -> dict[str, Any]:
    request = blinded(given.hex("blind"), given.hex("password"))
    reader = Reader(given.hex("response"))
    evaluated, server_key = reader.take(32), reader.take(32)
    reader.end()
    decode(server_key)
    password, nonce = randomized(given, evaluated), given.hex("envelope_nonce")
    envelope = Envelope.of(password, nonce, server_key, given)
    record = envelope.keys.public + derived(password, b"MaskingKey") + nonce + envelope.tag
    return {"request": request.hex(), "record": record.hex(), "export_key": envelope.export_key.hex()}


def _evaluate(given: Fields, element: bytes) -> bytes:
    identifier = given.hex("account") + given["credential"].encode()
    seed = derived(given.hex("oprf_seed"), identifier + b"OprfKey", 32)
    return shared(scalar_from(seed, b"OPAQUE-DeriveKeyPair"), element)


def _server(given: Fields) -> KeyPair:
    return KeyPair.of(int.from_bytes(given.hex("server_private_key"), "little"))


def registration_server(given: Fields) -> dict[str, Any]:
    request = _exactly(given.hex("request"), 32)
    return {"response": (_evaluate(given, request) + _server(given).public).hex()}


def record(given: Fields) -> dict[str, Any]:
    decode(_exactly(given.hex("record"), 192)[:32])
    return {}


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise MalformedError
    return data


@dataclass
class Keys:
    """What the handshake's three exchanges and all that was said lead to."""

    server_mac: bytes
    client_mac: bytes
    session: bytes

    @classmethod
    def of(cls, secrets: bytes, said: bytes) -> "Keys":
        prk = mac(bytes(64), secrets)
        handshake = _secret(prk, b"HandshakeSecret", sha512(said))
        server_mac = mac(_secret(handshake, b"ServerMAC", b""), sha512(said))
        client_mac = mac(_secret(handshake, b"ClientMAC", b""), sha512(said + server_mac))
        return cls(server_mac, client_mac, _secret(prk, b"SessionKey", sha512(said)))


def _secret(secret: bytes, name: bytes, transcript: bytes) -> bytes:
    name = b"OPAQUE-" + name
    info = uint(64, 2) + uint(len(name), 1) + name + uint(len(transcript), 1) + transcript
    return derived(secret, info)


def _said(given: Fields, ke1: bytes, ke2: bytes) -> bytes:
    context = labelled("entrenous v1 opaque context", uint(given["suite"], 1) + given.hex("handshake_hash"))
    names = sized(given.hex("account")) + ke1 + sized(given.hex("server_id"))
    return b"OPAQUEv1-" + sized(context) + names + ke2[:256]


def login(given: Fields) -> dict[str, Any]:
    share = KeyPair.from_seed(given.hex("keyshare_seed"))
    request = blinded(given.hex("blind"), given.hex("password"))
    ke1 = request + given.hex("client_nonce") + share.public
    ke2 = _exactly(given.hex("ke2"), 320)
    reader = Reader(ke2)
    evaluated, masking_nonce, masked = reader.take(32), reader.take(32), reader.take(128)
    _, server_share, server_mac = reader.take(32), reader.take(32), reader.take(64)
    password = randomized(given, evaluated)
    pad = derived(derived(password, b"MaskingKey"), masking_nonce + b"CredentialResponsePad", 128)
    hidden = Reader(bytes(a ^ b for a, b in zip(pad, masked, strict=True)))
    server_key, nonce, tag = hidden.take(32), hidden.take(32), hidden.take(64)
    envelope = Envelope.of(password, nonce, server_key, given)
    if envelope.tag != tag:
        raise CryptoError
    exchanges = ((share.private, server_share), (share.private, server_key), (envelope.keys.private, server_share))
    keys = Keys.of(b"".join(shared(*each) for each in exchanges), _said(given, ke1, ke2))
    if keys.server_mac != server_mac:
        raise CryptoError
    results = {"ke1": ke1, "ke3": keys.client_mac, "session_key": keys.session, "export_key": envelope.export_key}
    return {name: value.hex() for name, value in results.items()}


def login_server(given: Fields) -> dict[str, Any]:
    own, share = _server(given), KeyPair.from_seed(given.hex("keyshare_seed"))
    ke1, stored = _exactly(given.hex("ke1"), 96), given.hex("record")
    client_key, masking_key, envelope = stored[:32], stored[32:96], stored[96:]
    nonce = given.hex("masking_nonce")
    pad = derived(masking_key, nonce + b"CredentialResponsePad", 128)
    masked = bytes(a ^ b for a, b in zip(pad, own.public + envelope, strict=True))
    ke2 = _evaluate(given, ke1[:32]) + nonce + masked + given.hex("server_nonce") + share.public
    exchanges = ((share.private, ke1[64:]), (own.private, ke1[64:]), (share.private, client_key))
    keys = Keys.of(b"".join(shared(*each) for each in exchanges), _said(given, ke1, ke2))
    if _exactly(given.hex("ke3"), 64) != keys.client_mac:
        raise CryptoError
    return {"ke2": (ke2 + keys.server_mac).hex(), "session_key": keys.session.hex()}


def stretching_cost(given: Fields) -> dict[str, Any]:
    cost = (given["memory_kib"], given["iterations"], given["lanes"])
    if any(value < least for value, least in zip(cost, FLOOR, strict=True)):
        raise BrokenError("AUTH-KSF-FLOOR")
    if any(value > most for value, most in zip(cost, CEILING, strict=True)):
        raise BrokenError("AUTH-KSF-CEILING")
    return {}


def password(given: Fields) -> dict[str, Any]:
    try:
        typed = unicodedata.normalize("NFC", given["typed"]).encode()
    except UnicodeEncodeError:
        raise MalformedError from None
    if len(typed) > 1024:
        raise BrokenError("AUTH-PASSWORD-LENGTH")
    return {"password": typed.hex()}
