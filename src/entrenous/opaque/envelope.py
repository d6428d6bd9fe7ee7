"""The envelope (RFC 9807 §4): a password's randomized form opens it, and its owner's keys come out."""

from collections.abc import Callable
from dataclasses import dataclass

from entrenous.crypto import Secret, constant_time_equal, hkdf_expand, hkdf_extract
from entrenous.errors import CryptoError
from entrenous.opaque.ake import (
    HASH,
    SEED_SIZE,
    Identities,
    KeyPair,
    derive_diffie_hellman_key_pair,
)
from entrenous.opaque.messages import MASKED_RESPONSE_SIZE, Envelope, RegistrationRecord, Unmasked
from entrenous.opaque.oprf import length_prefixed
from entrenous.trace import SILENT, Trace

#: A key-stretching function: 64 bytes in, 64 bytes out, slowly.
KeyStretching = Callable[[bytes], bytes]


class RandomizedPassword(Secret):
    """The password after the OPRF and the key stretching, 64 bytes."""

    __slots__ = ()


class ExportKey(Secret):
    """A key only the password's owner can find, for the application's own use, 64 bytes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Recovered:
    """What an opened envelope gives."""

    key_pair: KeyPair
    export_key: ExportKey


def randomize_password(oprf_output: bytes, ksf: KeyStretching, trace: Trace = SILENT) -> RandomizedPassword:
    """Stretch the OPRF's output (§5.2.3, §6.3.2.3)."""
    value = hkdf_extract(HASH, b"", oprf_output + ksf(oprf_output))
    trace.derived("opaque.randomized_password", value, "oprf_output", "ksf")
    return RandomizedPassword(value)


def store(
    password: RandomizedPassword, server_public_key: bytes, identities: Identities, nonce: bytes, trace: Trace = SILENT
) -> tuple[RegistrationRecord, ExportKey]:
    """Make the record that a registration uploads (§4.1.2, Store), and the export key.

    Raises:
        UsageError: an identity is longer than 65,535 bytes.
    """
    recovered = _derive(password, nonce, trace)
    tag = _auth_tag(password, nonce, server_public_key, recovered.key_pair.public, identities)
    record = RegistrationRecord(recovered.key_pair.public, masking_key(password), Envelope(nonce, tag))
    return record, recovered.export_key


def recover(
    password: RandomizedPassword, unmasked: Unmasked, identities: Identities, trace: Trace = SILENT
) -> Recovered:
    """Open an envelope (§4.1.3, Recover).

    Raises:
        CryptoError: another password, server key or identity made it.
    """
    envelope = unmasked.envelope
    recovered = _derive(password, envelope.nonce, trace)
    expected = _auth_tag(password, envelope.nonce, unmasked.server_public_key, recovered.key_pair.public, identities)
    if not constant_time_equal(expected, envelope.auth_tag):
        raise CryptoError
    return recovered


def masking_key(password: RandomizedPassword) -> bytes:
    """The key that hides the envelope in KE2, 64 bytes; the record holds it (§4.1.2)."""
    return hkdf_expand(HASH, password.reveal(), b"MaskingKey", HASH.size)


def mask(key: bytes, nonce: bytes, value: bytes) -> bytes:
    """XOR ``value`` with the pad of ``key`` and ``nonce``; twice is once undone (§6.3.2.2, §6.3.2.3)."""
    pad = hkdf_expand(HASH, key, nonce + b"CredentialResponsePad", MASKED_RESPONSE_SIZE)
    return bytes(a ^ b for a, b in zip(pad, value, strict=True))


def _derive(password: RandomizedPassword, nonce: bytes, trace: Trace) -> Recovered:
    secret = password.reveal()
    export_key = hkdf_expand(HASH, secret, nonce + b"ExportKey", HASH.size)
    trace.derived("opaque.export_key", export_key, "opaque.randomized_password", "envelope_nonce")
    seed = hkdf_expand(HASH, secret, nonce + b"PrivateKey", SEED_SIZE)
    return Recovered(derive_diffie_hellman_key_pair(seed), ExportKey(export_key))


def _auth_tag(
    password: RandomizedPassword,
    nonce: bytes,
    server_public_key: bytes,
    client_public_key: bytes,
    identities: Identities,
) -> bytes:
    """The MAC that binds the envelope to both sides: CleartextCredentials of §4.1.1 under the auth key."""
    server_identity, client_identity = identities.resolve(server_public_key, client_public_key)
    auth_key = hkdf_expand(HASH, password.reveal(), nonce + b"AuthKey", HASH.size)
    return HASH.hmac(
        auth_key, nonce, server_public_key, length_prefixed(server_identity), length_prefixed(client_identity)
    )
