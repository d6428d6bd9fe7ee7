"""The server's steps (RFC 9807 §5.2.2, §6.2.2, §6.2.4): it learns whether a password is right, not which it is.

Every function is quick (no key stretching) and takes the same path for known and unknown accounts.
"""

from dataclasses import dataclass, field

from entrenous.crypto import Entropy, Secret, constant_time_equal, draw, hkdf_expand, hkdf_extract, ristretto
from entrenous.errors import CryptoError, UsageError
from entrenous.opaque import oprf
from entrenous.opaque.ake import (
    HASH,
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
from entrenous.opaque.envelope import mask
from entrenous.opaque.messages import (
    KE1,
    KE2,
    KE3,
    CredentialResponse,
    Envelope,
    RegistrationRecord,
    RegistrationRequest,
    RegistrationResponse,
    Unmasked,
)
from entrenous.trace import SILENT, Trace


class OprfSeed(Secret):
    """The seed of every credential's OPRF key, 64 bytes. Who has it and the records can guess passwords offline."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ServerLogin:
    """What a server keeps between KE2 and KE3."""

    expected_client_mac: bytes = field(repr=False)
    session_key: SessionKey


@dataclass(frozen=True, slots=True)
class Server:
    """An OPAQUE server's long-term secrets. They belong outside the database that holds the records."""

    oprf_seed: OprfSeed
    key_pair: KeyPair

    @classmethod
    def restore(cls, oprf_seed: bytes, private_key: bytes) -> "Server":
        """The server that stored secrets of 64 and 32 bytes stand for.

        Raises:
            UsageError: one of them has another size, or the private key is no scalar.
        """
        if len(oprf_seed) != HASH.size:
            raise UsageError(f"an OPRF seed has {HASH.size} bytes, not {len(oprf_seed)}")
        return cls(OprfSeed(oprf_seed), KeyPair(oprf.Scalar(private_key), ristretto.multiply_base(private_key)))

    @classmethod
    def generate(cls, entropy: Entropy) -> "Server":
        """A new server."""
        key_pair = derive_diffie_hellman_key_pair(draw(entropy, SEED_SIZE))
        return cls(OprfSeed(draw(entropy, HASH.size)), key_pair)

    def respond_registration(self, request: bytes, credential_identifier: bytes) -> bytes:
        """Answer a RegistrationRequest with the RegistrationResponse, 64 bytes (§5.2.2).

        Args:
            request: from the client.
            credential_identifier: names the credential for ever, unique on this server.

        Raises:
            MalformedError: ``request`` has not 32 bytes.
            CryptoError: it is no valid element.
        """
        blinded = RegistrationRequest.decode(request).blinded_message
        evaluated = oprf.blind_evaluate(self._oprf_key(credential_identifier), blinded)
        return RegistrationResponse(evaluated, self.key_pair.public).encode()

    def start_login(
        self,
        record: bytes,
        ke1: bytes,
        *,
        credential_identifier: bytes,
        context: bytes,
        server_identity: bytes | None,
        client_identity: bytes | None,
        entropy: Entropy,
        trace: Trace = SILENT,
    ) -> tuple[ServerLogin, bytes]:
        """Answer KE1 with KE2, 320 bytes (§6.2.2).

        Args:
            record: the account's RegistrationRecord, or ``fake_record`` where there is none.
            ke1: from the client.
            credential_identifier: as at registration; for an unknown account, what it would have.
            context: what this login is bound to, the same on both sides.
            server_identity: as at registration.
            client_identity: as at registration.
            entropy: gives two nonces and the key share.
            trace: hears what was derived.

        Raises:
            MalformedError: ``ke1`` has not 96 bytes.
            CryptoError: an element in it is not valid.
        """
        request, stored = KE1.decode(ke1), RegistrationRecord.decode(record)
        response = self._credential_response(request, stored, credential_identifier, entropy)
        server_nonce = draw(entropy, NONCE_SIZE)
        keyshare = derive_diffie_hellman_key_pair(draw(entropy, SEED_SIZE))
        identities = Identities(server_identity, client_identity)
        server_name, client_name = identities.resolve(self.key_pair.public, stored.client_public_key)
        transcript = preamble(
            context=context,
            client_identity=client_name,
            ke1=request,
            server_identity=server_name,
            credential_response=response,
            server_nonce=server_nonce,
            server_public_keyshare=keyshare.public,
        )
        ikm = triple_dh(
            (keyshare.private, request.client_public_keyshare),
            (self.key_pair.private, request.client_public_keyshare),
            (keyshare.private, stored.client_public_key),
        )
        keys = derive_keys(ikm, transcript, trace)
        server_mac = handshake_mac(keys.server_mac, transcript)
        expected = handshake_mac(keys.client_mac, transcript + server_mac)
        ke2 = KE2(response, server_nonce, keyshare.public, server_mac)
        return ServerLogin(expected, keys.session), ke2.encode()

    def fake_record(self, credential_identifier: bytes) -> bytes:
        """The record of an account that does not exist: always the same one for the same identifier.

        Making it takes measurable time: make it for known accounts too, so that time does not tell who exists.
        """
        return fake_record(self.oprf_seed, credential_identifier)

    def _oprf_key(self, credential_identifier: bytes) -> oprf.Scalar:
        seed = hkdf_expand(HASH, self.oprf_seed.reveal(), credential_identifier + b"OprfKey", oprf.ELEMENT_SIZE)
        return oprf.derive_scalar(seed, b"OPAQUE-DeriveKeyPair")

    def _credential_response(
        self, request: KE1, record: RegistrationRecord, credential_identifier: bytes, entropy: Entropy
    ) -> CredentialResponse:
        """CreateCredentialResponse of §6.3.2.2."""
        evaluated = oprf.blind_evaluate(self._oprf_key(credential_identifier), request.blinded_message)
        nonce = draw(entropy, NONCE_SIZE)
        hidden = Unmasked(self.key_pair.public, record.envelope).encode()
        return CredentialResponse(evaluated, nonce, mask(record.masking_key, nonce, hidden))


def finish_login(state: ServerLogin, ke3: bytes) -> SessionKey:
    """Check KE3; the client then knew the password, in this very context (§6.2.4).

    Raises:
        MalformedError: ``ke3`` has not 64 bytes.
        CryptoError: it is not the proof.
    """
    if not constant_time_equal(KE3.decode(ke3).client_mac, state.expected_client_mac):
        raise CryptoError
    return state.session_key


def check_record(record: bytes) -> None:
    """Judge an uploaded RegistrationRecord before it is stored, so that no later login can fail on it.

    Raises:
        MalformedError: it has not 192 bytes.
        CryptoError: its public key is no valid element.
    """
    public = RegistrationRecord.decode(record).client_public_key
    # RFC 9807 §10.7: public keys are validated, and the identity is none.
    if not ristretto.is_valid(public):
        raise CryptoError


def fake_record(seed: Secret, credential_identifier: bytes) -> bytes:
    """A record that looks like any other to who does not know ``seed`` (§6.3.2.2).

    Its public key is an element nobody knows the logarithm of, which costs less time than a key pair.
    """
    prk = hkdf_extract(HASH, b"entrenous v1 opaque fake record", seed.reveal())
    public = ristretto.from_uniform_bytes(hkdf_expand(HASH, prk, credential_identifier + b"PublicKey", 64))
    masking_key = hkdf_expand(HASH, prk, credential_identifier + b"MaskingKey", HASH.size)
    return RegistrationRecord(public, masking_key, Envelope(bytes(32), bytes(64))).encode()
