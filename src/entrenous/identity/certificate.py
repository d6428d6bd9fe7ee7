"""The server's identity: an id that never changes, rotating Ed25519 keys, and certificates for channel keys (§1).

The server id is the fingerprint of the first identity key. A rotation is a statement by the old key that names the new
one; the certificate lists them all, so anyone who knows the id can follow the chain to today's key.
"""

from dataclasses import dataclass, field
from typing import Annotated

from entrenous.codec import Bytes32, Bytes64, Struct, UInt8, UInt64, VarOpaque, VarVector, struct
from entrenous.crypto import SigningKey, constant_time_equal, verify
from entrenous.errors import RejectedError, UsageError
from entrenous.identity.labels import Label, fingerprint, signed

#: Identity keys a server may have had after its first; each costs every handshake 128 bytes and one verification.
MAX_ROTATIONS = 16
#: Bytes of the largest static key of any suite (FFDHE2048).
MAX_STATIC_KEY = 256


@struct
class RotationTBS(Struct):
    """What a rotation's signature covers."""

    server_id: Bytes32
    old_key: Bytes32
    new_key: Bytes32


@struct
class RotationStatement(Struct):
    """The old key's word that from now on ``new_key`` speaks for this server."""

    old_key: Bytes32
    new_key: Bytes32
    signature: Bytes64


Rotations = Annotated[tuple[RotationStatement, ...], VarVector(MAX_ROTATIONS)]


@struct
class ServerCertificateTBS(Struct):
    """What the certificate's signature covers. ``not_after`` is in unix seconds."""

    server_id: Bytes32
    identity_key: Bytes32
    suite: UInt8
    static_key: Annotated[bytes, VarOpaque(MAX_STATIC_KEY)]
    not_after: UInt64
    rotations: Rotations


@struct
class ServerCertificate(Struct):
    """The identity key's word that ``static_key`` is the server's Noise static key in ``suite``."""

    tbs: ServerCertificateTBS
    signature: Bytes64


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Who a verified certificate speaks for."""

    server_id: bytes
    identity_key: bytes
    #: How many times the identity key was rotated; a client shows it when it grows.
    rotations: int


@dataclass(frozen=True, slots=True)
class ServerIdentityKey:
    """The server's own identity: today's signing key and the statements that lead to it."""

    signing_key: SigningKey = field(repr=False)
    rotations: tuple[RotationStatement, ...] = ()

    def __post_init__(self) -> None:
        if self.rotations and self.rotations[-1].new_key != self.signing_key.public:
            raise UsageError("the rotations do not lead to this signing key")
        if len(self.rotations) > MAX_ROTATIONS:
            raise UsageError(f"an identity key can be rotated {MAX_ROTATIONS} times")

    @property
    def server_id(self) -> bytes:
        """32 bytes; the same before and after every rotation."""
        first = self.rotations[0].old_key if self.rotations else self.signing_key.public
        return fingerprint(Label.SERVER_ID, first)

    def rotate(self, new_key: SigningKey) -> "ServerIdentityKey":
        """The identity that ``new_key`` signs for; the old key is not needed afterwards.

        Raises:
            UsageError: the limit of rotations is reached, or ``new_key`` was this server's before.
        """
        old = self.signing_key
        if new_key.public in (old.public, *(statement.old_key for statement in self.rotations)):
            raise UsageError("an identity key never comes back")
        body = RotationTBS(self.server_id, old.public, new_key.public)
        statement = RotationStatement(old.public, new_key.public, old.sign(signed(Label.SERVER_ROTATION, body)))
        return ServerIdentityKey(new_key, (*self.rotations, statement))


def issue_certificate(identity: ServerIdentityKey, *, suite: int, static_key: bytes, not_after: int) -> bytes:
    """Sign ``static_key`` for ``suite`` until ``not_after`` (unix seconds); returns the encoded certificate."""
    key = identity.signing_key
    tbs = ServerCertificateTBS(identity.server_id, key.public, suite, static_key, not_after, identity.rotations)
    return ServerCertificate(tbs, key.sign(signed(Label.SERVER_CERTIFICATE, tbs))).encode()


def verify_certificate(
    data: bytes, *, suite: int, static_key: bytes, pin: bytes | None, now: int, known_key: bytes | None = None
) -> ServerIdentity:
    """Judge the certificate that came with a channel's handshake.

    Args:
        data: the payload of the handshake's message 2.
        suite: the suite of this channel.
        static_key: the static key the Noise handshake authenticated.
        pin: the server id this client trusts, or None at first use (the caller then shows and pins it).
        now: unix seconds.
        known_key: the newest identity key this client has seen for that server. It must stand in the chain, so a
            stolen, rotated-out key cannot speak again to who followed the rotation.

    Raises:
        MalformedError: ``data`` is not a certificate.
        RejectedError: rule CHAN-CERT-SUITE, CHAN-CERT-KEY, CHAN-CERT-ID, CHAN-CERT-ROTATION, CHAN-PIN,
            CHAN-CERT-ROLLBACK or CHAN-CERT-EXPIRED.
        CryptoError: a signature is wrong.
    """
    certificate = ServerCertificate.decode(data)
    tbs = certificate.tbs
    if tbs.suite != suite:
        raise RejectedError("CHAN-CERT-SUITE", f"the certificate is for suite {tbs.suite}, the channel uses {suite}")
    if not constant_time_equal(tbs.static_key, static_key):
        raise RejectedError("CHAN-CERT-KEY", "the certificate is for another channel key")
    keys = _chain(tbs)
    if pin is not None and not constant_time_equal(tbs.server_id, pin):
        raise RejectedError("CHAN-PIN", "this is not the server whose fingerprint you trust")
    if known_key is not None and known_key not in keys:
        raise RejectedError("CHAN-CERT-ROLLBACK", "the identity key does not follow from the one last seen")
    verify(tbs.identity_key, signed(Label.SERVER_CERTIFICATE, tbs), certificate.signature)
    if now > tbs.not_after:
        days = (now - tbs.not_after) / 86_400
        raise RejectedError(
            "CHAN-CERT-EXPIRED",
            f"by this machine's clock, the server's certificate ended {days:.1f} days ago; is that clock right?",
        )
    return ServerIdentity(tbs.server_id, tbs.identity_key, len(tbs.rotations))


def _chain(tbs: ServerCertificateTBS) -> tuple[bytes, ...]:
    """Every identity key the server has had, oldest first, each proved by the one before it."""
    first = tbs.rotations[0].old_key if tbs.rotations else tbs.identity_key
    if not constant_time_equal(fingerprint(Label.SERVER_ID, first), tbs.server_id):
        raise RejectedError("CHAN-CERT-ID", "the server id is not the fingerprint of the first identity key")
    keys = [first]
    for statement in tbs.rotations:
        # A key that comes back would let who stole it undo the rotations since.
        if statement.old_key != keys[-1] or statement.new_key in keys:
            raise RejectedError("CHAN-CERT-ROTATION", "the rotations are not a chain")
        body = RotationTBS(tbs.server_id, statement.old_key, statement.new_key)
        verify(statement.old_key, signed(Label.SERVER_ROTATION, body), statement.signature)
        keys.append(statement.new_key)
    if keys[-1] != tbs.identity_key:
        raise RejectedError("CHAN-CERT-ROTATION", "the rotations do not lead to the identity key")
    return tuple(keys)
