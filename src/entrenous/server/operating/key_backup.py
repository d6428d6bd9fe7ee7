"""A copy of the server's keys, apart from its data: sealed under a passphrase, or plain in a private file.

Who has the keys and the data can guess passwords offline and speak as the server. So the two are never in one backup.
"""

from pathlib import Path
from typing import Annotated

from entrenous.codec import Bytes16, Fixed, Struct, UInt8, UInt32, VarOpaque, struct
from entrenous.crypto import (
    NONCE_SIZE,
    TAG_SIZE,
    AeadId,
    Argon2Parameters,
    Entropy,
    argon2id,
    check,
    draw,
    open_,
    seal,
)
from entrenous.errors import CryptoError, MalformedError, RejectedError, UnavailableError, UsageError
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.people.keys import decode_keys, encode_keys, load_keys, write_keys
from entrenous.whole_files import write_private

MAGIC = b"ENTRSKEY"
VERSION = 1
#: What a guess at a passphrase costs. Nobody waits for it twice a day, so it is more than at a login.
STRETCHING = Argon2Parameters(memory_kib=131_072, iterations=4, lanes=4)
#: More than keys with all their rotations take.
MAX_SIZE = 8_192
_SALT_SIZE = 16


@struct
class SealedKeys(Struct):
    """The key file under AES-256-GCM, by Argon2id(passphrase, salt)."""

    magic: Annotated[bytes, Fixed(len(MAGIC))]
    version: UInt8
    memory_kib: UInt32
    iterations: UInt32
    lanes: UInt32
    salt: Bytes16
    nonce: Annotated[bytes, Fixed(NONCE_SIZE)]
    sealed: Annotated[bytes, VarOpaque(MAX_SIZE)]


def back_up_keys(
    keys: ServerKeys, target: Path, *, passphrase: bytes | None, entropy: Entropy, cost: Argon2Parameters = STRETCHING
) -> None:
    """Write a copy of the keys, which only its owner can read.

    Args:
        keys: all of the server's secrets.
        target: where; there is nothing yet.
        passphrase: seals the copy; None leaves it plain, under the file's mode alone.
        entropy: for salt and nonce.
        cost: what a guess at the passphrase costs.

    Raises:
        RejectedError: rule SRV-BACKUP-EXISTS.
        UnavailableError: it cannot be written; then there is nothing.
    """
    if target.exists():
        raise RejectedError("SRV-BACKUP-EXISTS", f"{target} exists: a backup is not written over")
    data = encode_keys(keys) if passphrase is None else _seal(keys, passphrase, entropy, cost).encode()
    try:
        write_private(target, data)
    except OSError as error:
        raise UnavailableError(f"{target} cannot be written: {error.strerror}") from error


def needs_passphrase(source: Path) -> bool:
    """Whether a copy is sealed.

    Raises:
        UnavailableError: it cannot be read.
    """
    return _read(source).startswith(MAGIC)


def open_keys(source: Path, *, passphrase: bytes | None) -> ServerKeys:
    """The keys in a copy.

    Raises:
        CryptoError: the passphrase is wrong, or the copy was changed.
        MalformedError: it is no copy of keys.
        UnavailableError: it cannot be read.
    """
    data = _read(source)
    if not data.startswith(MAGIC):
        return decode_keys(data)
    stored = SealedKeys.decode(data)
    if stored.version != VERSION:
        raise MalformedError(f"the backup has version {stored.version}, this program reads version {VERSION}")
    if passphrase is None:
        raise CryptoError("this backup is sealed under a passphrase")
    cost = Argon2Parameters(stored.memory_kib, stored.iterations, stored.lanes)
    check(cost, floor=Argon2Parameters(0, 0, 0))  # what we wrote ourselves has no floor, only what cannot run
    try:
        key = argon2id(passphrase, stored.salt, cost, AeadId.AES_256_GCM.key_size)
    except UsageError as error:
        raise MalformedError("the backup names parameters that Argon2id does not have") from error
    try:
        return decode_keys(open_(AeadId.AES_256_GCM, key, stored.nonce, stored.sealed, MAGIC))
    except CryptoError:
        raise CryptoError("the passphrase is wrong, or the backup was changed") from None


def restore_keys(path: Path, keys: ServerKeys, *, force: bool) -> None:
    """Put keys where the server looks for them.

    Args:
        path: the key file.
        keys: from a copy.
        force: also in place of others.

    Raises:
        RejectedError: rule SRV-KEYS-EXIST, there are keys already.
        UnavailableError: they cannot be written.
    """
    if path.exists() and not force:
        raise RejectedError(
            "SRV-KEYS-EXIST", f"{path} exists: to replace these keys, which nothing brings back, force it"
        )
    write_keys(path, keys)


def server_id_of(path: Path) -> bytes | None:
    """The server id of a key file; None where there is none that can be used."""
    try:
        return load_keys(path).server_id
    except (MalformedError, RejectedError, UnavailableError):
        return None


def _seal(keys: ServerKeys, passphrase: bytes, entropy: Entropy, cost: Argon2Parameters) -> SealedKeys:
    salt, nonce = draw(entropy, _SALT_SIZE), draw(entropy, NONCE_SIZE)
    key = argon2id(passphrase, salt, cost, AeadId.AES_256_GCM.key_size)
    sealed = seal(AeadId.AES_256_GCM, key, nonce, encode_keys(keys), MAGIC)
    return SealedKeys(MAGIC, VERSION, cost.memory_kib, cost.iterations, cost.lanes, salt, nonce, sealed)


def _read(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            data = file.read(MAX_SIZE + TAG_SIZE + 1)
    except OSError as error:
        raise UnavailableError(f"{source} cannot be read: {error.strerror}") from error
    if len(data) > MAX_SIZE:
        raise MalformedError(f"{source} is no backup of keys")
    return data
