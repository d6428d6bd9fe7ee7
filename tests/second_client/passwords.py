"""docs/spec/auth.md, "OPAQUE": RFC 9807 and RFC 9497, the client's side."""

import hashlib
import hmac
import os

from entrenous.crypto import Argon2Parameters, argon2id, ristretto
from second_client.forms import Reader, u8, u16, xor

_CONTEXT = b"OPRFV1-\x00-ristretto255-SHA512"
_DERIVE = b"OPAQUE-DeriveDiffieHellmanKeyPair"


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, "sha512").digest()


def expand(key: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand with SHA-512."""
    output, block = b"", b""
    for number in range(1, -(-size // 64) + 1):
        block = mac(key, block + info + u8(number))
        output += block
    return output[:size]


def sized(data: bytes) -> bytes:
    return u16(len(data)) + data


def expand_message(message: bytes, tag: bytes) -> bytes:
    """expand_message_xmd to 64 bytes (RFC 9380 §5.3.1)."""
    tag += u8(len(tag))
    first = sha512(bytes(128) + message + u16(64) + b"\0" + tag)
    return sha512(first + b"\x01" + tag)


def derive_pair(seed: bytes) -> tuple[bytes, bytes]:
    """DeriveKeyPair (RFC 9497 §3.2.1); its first candidate is zero in no run."""
    private = ristretto.scalar_reduce(expand_message(seed + sized(_DERIVE) + u8(0), b"DeriveKeyPair" + _CONTEXT))
    return private, ristretto.multiply_base(private)


class Opaque:
    """One password, on its way through a registration or a login."""

    def __init__(self, password: bytes, server_id: bytes) -> None:
        self._password = password
        self._server_id = server_id
        self._blind = ristretto.random_scalar(os.urandom)
        point = ristretto.from_uniform_bytes(expand_message(password, b"HashToGroup-" + _CONTEXT))
        self.request = ristretto.multiply(self._blind, point)

    def register(self, response: bytes, account: bytes, ksf: list[int]) -> tuple[bytes, bytes]:
        """The RegistrationRecord and the export key."""
        randomized = self._randomized(response[:32], ksf)
        nonce = os.urandom(32)
        _, public, tag, export_key = self._envelope(randomized, nonce, response[32:], account)
        return public + expand(randomized, b"MaskingKey", 64) + nonce + tag, export_key

    def ke1(self) -> bytes:
        self._share = derive_pair(os.urandom(32))
        self._ke1 = self.request + os.urandom(32) + self._share[1]
        return self._ke1

    def ke3(self, ke2: bytes, account: bytes, context: bytes, ksf: list[int]) -> tuple[bytes, bytes]:
        """KE3 and the export key."""
        reader = Reader(ke2)
        evaluated, masking_nonce, masked = reader.take(32), reader.take(32), reader.take(128)
        server_nonce, server_share, server_mac = reader.take(32), reader.take(32), reader.take(64)
        randomized = self._randomized(evaluated, ksf)
        masking_key = expand(randomized, b"MaskingKey", 64)
        hidden = Reader(xor(expand(masking_key, masking_nonce + b"CredentialResponsePad", 128), masked))
        server_key, nonce, tag = hidden.take(32), hidden.take(32), hidden.take(64)
        private, _, expected, export_key = self._envelope(randomized, nonce, server_key, account)
        assert tag == expected, "the password is wrong"
        said = sized(context) + sized(account) + self._ke1 + sized(self._server_id) + ke2[:192]
        transcript = b"OPAQUEv1-" + said + server_nonce + server_share
        secrets = ((self._share[0], server_share), (self._share[0], server_key), (private, server_share))
        prk = mac(bytes(64), b"".join(ristretto.multiply(*pair) for pair in secrets))
        handshake = _derive(prk, b"HandshakeSecret", sha512(transcript))
        assert mac(_derive(handshake, b"ServerMAC", b""), sha512(transcript)) == server_mac
        return mac(_derive(handshake, b"ClientMAC", b""), sha512(transcript + server_mac)), export_key

    def _randomized(self, evaluated: bytes, ksf: list[int]) -> bytes:
        point = ristretto.multiply(ristretto.scalar_invert(self._blind), evaluated)
        output = sha512(sized(self._password) + sized(point) + b"Finalize")
        return mac(bytes(64), output + argon2id(output, bytes(16), Argon2Parameters(*ksf), 64))

    def _envelope(
        self, randomized: bytes, nonce: bytes, server_key: bytes, account: bytes
    ) -> tuple[bytes, bytes, bytes, bytes]:
        """The client's key pair, the envelope's tag and the export key."""
        private, public = derive_pair(expand(randomized, nonce + b"PrivateKey", 32))
        covered = nonce + server_key + sized(self._server_id) + sized(account)
        tag = mac(expand(randomized, nonce + b"AuthKey", 64), covered)
        return private, public, tag, expand(randomized, nonce + b"ExportKey", 64)


def _derive(secret: bytes, label: bytes, transcript: bytes) -> bytes:
    name = b"OPAQUE-" + label
    return expand(secret, u16(64) + u8(len(name)) + name + u8(len(transcript)) + transcript, 64)
