"""The key file: the server's secrets, outside the database and its backups, readable by the server alone.

Who has this file and the database can guess the passwords in it offline, and speak as this server.
"""

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from entrenous.codec import Bytes32, Bytes64, Struct, UInt8, VarVector, struct
from entrenous.crypto import Entropy, SigningKey, draw
from entrenous.errors import MalformedError, RejectedError, UnavailableError, UsageError
from entrenous.identity import MAX_ROTATIONS, RotationStatement, ServerIdentityKey
from entrenous.opaque import Server as OpaqueServer
from entrenous.server.people.credentials import FakeAccountKey, ServerKeys
from entrenous.whole_files import make_private_directory, write_private

#: The version of the file's format.
VERSION = 1
#: Bytes of the fake accounts' key.
FAKE_KEY_SIZE = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@struct
class KeyFile(Struct):
    """What the file holds."""

    version: UInt8
    identity_seed: Bytes32
    rotations: Annotated[tuple[RotationStatement, ...], VarVector(MAX_ROTATIONS)]
    oprf_seed: Bytes64
    opaque_private_key: Bytes32
    fake_account_key: Bytes32


def generate_keys(entropy: Entropy) -> ServerKeys:
    """The keys of a new server."""
    identity = ServerIdentityKey(SigningKey.generate(entropy))
    return ServerKeys(identity, OpaqueServer.generate(entropy), FakeAccountKey(draw(entropy, FAKE_KEY_SIZE)))


def load_or_create_keys(path: Path, entropy: Entropy) -> ServerKeys:
    """Read the key file, or make a new server's at its first start.

    Raises:
        RejectedError: rule SRV-KEYS-MODE, others on this machine can read the file or its directory.
        MalformedError: the file is damaged.
        UnavailableError: the file cannot be read or written.
    """
    if path.exists():
        return load_keys(path)
    keys = generate_keys(entropy)
    write_keys(path, keys)
    return keys


def load_keys(path: Path) -> ServerKeys:
    """Read the key file.

    Raises:
        RejectedError: rule SRV-KEYS-MODE, others on this machine can read the file or its directory.
        MalformedError: the file is damaged.
        UnavailableError: the file cannot be read.
    """
    try:
        _check_mode(path.parent)
        _check_mode(path)
        return decode_keys(path.read_bytes())
    except MalformedError as error:
        raise MalformedError(f"the key file {path} cannot be used: {error}. Put it back from a backup.") from error
    except OSError as error:
        raise UnavailableError(f"the key file {path} cannot be used: {error.strerror}") from error


def write_keys(path: Path, keys: ServerKeys) -> None:
    """Put keys into the file, in place of what stood there; after a crash the old or the new ones are there, whole.

    Raises:
        UnavailableError: the file cannot be written; the former one still stands.
    """
    try:
        make_private_directory(path.parent)
        write_private(path, encode_keys(keys), is_servers=True)
    except OSError as error:
        raise UnavailableError(f"the key file {path} cannot be written: {error.strerror}") from error


def rotate_identity(path: Path, entropy: Entropy) -> ServerKeys:
    """Replace the identity key in the file by a new one, which the old one vouches for; the old one is gone then.

    Raises:
        RejectedError: rule SRV-KEYS-ROTATIONS, it was rotated as often as a certificate has room for.
        MalformedError, UnavailableError: see ``load_keys`` and ``write_keys``.
    """
    keys = load_keys(path)
    if len(keys.identity.rotations) >= MAX_ROTATIONS:
        raise RejectedError("SRV-KEYS-ROTATIONS", f"an identity key can be rotated {MAX_ROTATIONS} times")
    rotated = replace(keys, identity=keys.identity.rotate(SigningKey.generate(entropy)))
    write_keys(path, rotated)
    return rotated


def encode_keys(keys: ServerKeys) -> bytes:
    """The key file's bytes: all of the server's secrets."""
    return KeyFile(
        version=VERSION,
        identity_seed=keys.identity.signing_key.seed.reveal(),
        rotations=keys.identity.rotations,
        oprf_seed=keys.opaque.oprf_seed.reveal(),
        opaque_private_key=keys.opaque.key_pair.private.reveal(),
        fake_account_key=keys.fake_accounts.reveal(),
    ).encode()


def decode_keys(data: bytes) -> ServerKeys:
    """The keys in a key file's bytes.

    Raises:
        MalformedError: they are no such bytes.
    """
    stored = KeyFile.decode(data)
    if stored.version != VERSION:
        raise MalformedError(f"the key file has version {stored.version}, this program reads version {VERSION}")
    try:
        identity = ServerIdentityKey(SigningKey.from_seed(stored.identity_seed), stored.rotations)
        opaque = OpaqueServer.restore(stored.oprf_seed, stored.opaque_private_key)
    except UsageError as error:
        raise MalformedError(f"the key file is damaged: {error}") from error
    return ServerKeys(identity, opaque, FakeAccountKey(stored.fake_account_key))


def _check_mode(path: Path) -> None:
    # Windows has no such bits; a profile's directory is private there by inheritance.
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        remedy = f"chmod {'700' if path.is_dir() else '600'} {path}"
        raise RejectedError("SRV-KEYS-MODE", f"others can read {path}; run: {remedy}")
