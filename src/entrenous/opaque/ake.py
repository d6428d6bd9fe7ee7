"""The 3DH key exchange of OPAQUE (RFC 9807 §6.4): key pairs, preamble and key schedule, the same for both sides."""

from dataclasses import dataclass

from entrenous.crypto import Hash, Secret, hkdf_expand, hkdf_extract, ristretto
from entrenous.opaque.messages import KE1, CredentialResponse
from entrenous.opaque.oprf import Scalar, derive_key_pair, length_prefixed
from entrenous.trace import SILENT, Trace

#: The hash of the KDF and of the MAC, and its output in bytes (Nh = Nm = Nx).
HASH = Hash.SHA512
#: Bytes of a nonce and of a key pair's seed (Nn, Nseed).
NONCE_SIZE = 32
SEED_SIZE = 32


class SessionKey(Secret):
    """What both sides share after a login, 64 bytes."""

    __slots__ = ()


class MacKey(Secret):
    """A key that proves possession of the handshake's secret, 64 bytes (Km2, Km3)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A Diffie-Hellman key pair on ristretto255."""

    private: Scalar
    public: bytes


@dataclass(frozen=True, slots=True)
class Identities:
    """The names both sides put under the handshake; None stands for the side's public key (§4.1)."""

    server: bytes | None
    client: bytes | None

    def resolve(self, server_public_key: bytes, client_public_key: bytes) -> tuple[bytes, bytes]:
        """The server's and the client's name."""
        return (
            server_public_key if self.server is None else self.server,
            client_public_key if self.client is None else self.client,
        )


@dataclass(frozen=True, slots=True)
class Keys:
    """What DeriveKeys gives: two MAC keys and the session key."""

    server_mac: MacKey
    client_mac: MacKey
    session: SessionKey


def derive_diffie_hellman_key_pair(seed: bytes) -> KeyPair:
    """DeriveDiffieHellmanKeyPair of §6.4.1, from 32 bytes."""
    return KeyPair(*derive_key_pair(seed, b"OPAQUE-DeriveDiffieHellmanKeyPair"))


def triple_dh(*exchanges: tuple[Scalar, bytes]) -> bytes:
    """The three Diffie-Hellman results, joined: the key schedule's ikm (§6.4.3, §6.4.4).

    Raises:
        CryptoError: a public key is no element, or the identity.
    """
    return b"".join(ristretto.multiply(private.reveal(), public) for private, public in exchanges)


def preamble(
    *,
    context: bytes,
    client_identity: bytes,
    ke1: KE1,
    server_identity: bytes,
    credential_response: CredentialResponse,
    server_nonce: bytes,
    server_public_keyshare: bytes,
) -> bytes:
    """All that was said before the first MAC, under the application's context (§6.4.2.1)."""
    return b"".join(
        (
            b"OPAQUEv1-",
            length_prefixed(context),
            length_prefixed(client_identity),
            ke1.encode(),
            length_prefixed(server_identity),
            credential_response.encode(),
            server_nonce,
            server_public_keyshare,
        )
    )


def derive_keys(ikm: bytes, transcript: bytes, trace: Trace = SILENT) -> Keys:
    """The key schedule over the preamble ``transcript`` (§6.4.2.2, DeriveKeys)."""
    prk = hkdf_extract(HASH, b"", ikm)
    digest = HASH.digest(transcript)
    handshake_secret = _derive_secret(prk, b"HandshakeSecret", digest)
    keys = Keys(
        server_mac=MacKey(_derive_secret(handshake_secret, b"ServerMAC", b"")),
        client_mac=MacKey(_derive_secret(handshake_secret, b"ClientMAC", b"")),
        session=SessionKey(_derive_secret(prk, b"SessionKey", digest)),
    )
    trace.derived("opaque.handshake_secret", handshake_secret, "3dh", "preamble")
    trace.derived("opaque.Km2", keys.server_mac.reveal(), "opaque.handshake_secret")
    trace.derived("opaque.Km3", keys.client_mac.reveal(), "opaque.handshake_secret")
    trace.derived("opaque.session_key", keys.session.reveal(), "3dh", "preamble")
    return keys


def handshake_mac(key: MacKey, transcript: bytes) -> bytes:
    """The MAC over the hash of all that was said (§6.4.3, §6.4.4), 64 bytes."""
    return HASH.hmac(key.reveal(), HASH.digest(transcript))


def _derive_secret(secret: bytes, label: bytes, transcript_hash: bytes) -> bytes:
    """Derive-Secret and Expand-Label of §6.4.2.2."""
    full_label = b"OPAQUE-" + label
    custom_label = b"".join(
        (
            HASH.size.to_bytes(2, "big"),
            bytes((len(full_label),)),
            full_label,
            bytes((len(transcript_hash),)),
            transcript_hash,
        )
    )
    return hkdf_expand(HASH, secret, custom_label, HASH.size)
