"""The client's four steps (RFC 9807 §5.2, §6.2): register with a password, log in with it, and learn two keys.

A state belongs to one exchange; it holds the password, so drop it when the exchange ends.
"""

from dataclasses import dataclass, field

from entrenous.crypto import Entropy, constant_time_equal, draw, ristretto
from entrenous.errors import CryptoError
from entrenous.opaque import oprf
from entrenous.opaque.ake import (
    NONCE_SIZE,
    SEED_SIZE,
    Identities,
    KeyPair,
    SessionKey,
    derive_diffie_hellman_key_pair,
    derive_keys,
    handshake_mac,
    preamble,
    triple_dh,
)
from entrenous.opaque.envelope import (
    ExportKey,
    KeyStretching,
    mask,
    masking_key,
    randomize_password,
    recover,
    store,
)
from entrenous.opaque.messages import KE1, KE2, KE3, RegistrationRequest, RegistrationResponse, Unmasked
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """What a client keeps between its request and the server's response."""

    password: bytes = field(repr=False)
    blind: oprf.Scalar


@dataclass(frozen=True, slots=True)
class ClientLogin:
    """What a client keeps between KE1 and KE2."""

    password: bytes = field(repr=False)
    blind: oprf.Scalar
    ke1: KE1
    keyshare: KeyPair


@dataclass(frozen=True, slots=True)
class LoginResult:
    """What a verified KE2 gives the client: the last message to send and two keys."""

    ke3: bytes
    session_key: SessionKey
    export_key: ExportKey


def start_registration(password: bytes, entropy: Entropy) -> tuple[ClientRegistration, bytes]:
    """Blind the password; returns the state and the RegistrationRequest, 32 bytes (§5.2.1)."""
    blind, blinded = oprf.blind(password, entropy)
    return ClientRegistration(password, blind), RegistrationRequest(blinded).encode()


def finish_registration(
    state: ClientRegistration,
    response: bytes,
    *,
    server_identity: bytes | None,
    client_identity: bytes | None,
    ksf: KeyStretching,
    entropy: Entropy,
    trace: Trace = SILENT,
) -> tuple[bytes, ExportKey]:
    """Make the RegistrationRecord to upload, 192 bytes, and the export key (§5.2.3).

    Args:
        state: from ``start_registration``.
        response: the server's RegistrationResponse.
        server_identity: the server's name, the same at every login; None for its public key.
        client_identity: the client's name, the same at every login; None for its public key.
        ksf: the key-stretching function, the same at every login.
        entropy: gives the envelope's nonce.
        trace: hears what was derived.

    Raises:
        MalformedError: ``response`` has not 64 bytes.
        CryptoError: it holds no valid element.
    """
    message = RegistrationResponse.decode(response)
    # RFC 9807 §10.7: refused here, since a record made with it would let nobody in.
    if not ristretto.is_valid(message.server_public_key):
        raise CryptoError
    output = oprf.finalize(state.password, state.blind, message.evaluated_message)
    password = randomize_password(output, ksf, trace)
    identities = Identities(server_identity, client_identity)
    nonce = draw(entropy, NONCE_SIZE)
    record, export_key = store(password, message.server_public_key, identities, nonce, trace)
    return record.encode(), export_key


def start_login(password: bytes, entropy: Entropy) -> tuple[ClientLogin, bytes]:
    """Blind the password and make a key share; returns the state and KE1, 96 bytes (§6.2.1)."""
    blind, blinded = oprf.blind(password, entropy)
    nonce = draw(entropy, NONCE_SIZE)
    keyshare = derive_diffie_hellman_key_pair(draw(entropy, SEED_SIZE))
    ke1 = KE1(blinded, nonce, keyshare.public)
    return ClientLogin(password, blind, ke1, keyshare), ke1.encode()


def finish_login(
    state: ClientLogin,
    ke2: bytes,
    *,
    context: bytes,
    server_identity: bytes | None,
    client_identity: bytes | None,
    ksf: KeyStretching,
    trace: Trace = SILENT,
) -> LoginResult:
    """Open the envelope, check the server's MAC, prove the password (§6.2.3).

    Args:
        state: from ``start_login``.
        ke2: the server's answer.
        context: what this login is bound to, the same on both sides.
        server_identity: as at registration.
        client_identity: as at registration.
        ksf: as at registration.
        trace: hears what was derived.

    Raises:
        MalformedError: ``ke2`` has not 320 bytes.
        CryptoError: the password, the server, an identity or the context is another one, or the account is unknown.
    """
    message = KE2.decode(ke2)
    response = message.credential_response
    output = oprf.finalize(state.password, state.blind, response.evaluated_message)
    password = randomize_password(output, ksf, trace)
    hidden = mask(masking_key(password), response.masking_nonce, response.masked_response)
    unmasked = Unmasked.decode(hidden)
    identities = Identities(server_identity, client_identity)
    recovered = recover(password, unmasked, identities, trace)

    server_name, client_name = identities.resolve(unmasked.server_public_key, recovered.key_pair.public)
    transcript = preamble(
        context=context,
        client_identity=client_name,
        ke1=state.ke1,
        server_identity=server_name,
        credential_response=response,
        server_nonce=message.server_nonce,
        server_public_keyshare=message.server_public_keyshare,
    )
    ikm = triple_dh(
        (state.keyshare.private, message.server_public_keyshare),
        (state.keyshare.private, unmasked.server_public_key),
        (recovered.key_pair.private, message.server_public_keyshare),
    )
    keys = derive_keys(ikm, transcript, trace)
    if not constant_time_equal(handshake_mac(keys.server_mac, transcript), message.server_mac):
        raise CryptoError
    client_mac = handshake_mac(keys.client_mac, transcript + message.server_mac)
    return LoginResult(KE3(client_mac).encode(), keys.session, recovered.export_key)
