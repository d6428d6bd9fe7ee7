"""The store's random key at rest: in a file that only its owner can read, or wrapped by the owner's password.

Both forms are one file, so a password can be set, changed and dropped without touching the store. The plain form is
the default, because a program started by cron has nobody to ask.
"""

from pathlib import Path
from typing import Annotated

from entrenous.client.profile import check_private
from entrenous.codec import Bytes16, Bytes32, Fixed, Select, Struct, UInt8Enum, UInt32, VarOpaque, struct
from entrenous.crypto import (
    FLOOR,
    NONCE_SIZE,
    TAG_SIZE,
    AeadId,
    Argon2Parameters,
    Entropy,
    Secret,
    argon2id,
    check,
    draw,
    open_,
    seal,
)
from entrenous.errors import MalformedError, RejectedError, UnavailableError, UsageError
from entrenous.whole_files import write_private

#: Bytes of the store's key (SQLCipher's raw key for AES-256).
STORE_KEY_SIZE = 32

_MAGIC = b"ENTRKEY1"
_SALT_SIZE = 16
#: More than either form takes.
_MAX_FILE_SIZE = 1024

Bytes8 = Annotated[bytes, Fixed(len(_MAGIC))]
Nonce = Annotated[bytes, Fixed(NONCE_SIZE)]
Wrapped = Annotated[bytes, VarOpaque(STORE_KEY_SIZE + TAG_SIZE)]


class StoreKey(Secret):
    """The key under which every page of the store is encrypted, 32 bytes."""

    __slots__ = ()


class Protection(UInt8Enum):
    """How the file keeps the key."""

    PLAIN = 1
    PASSWORD = 2


@struct
class PlainKey(Struct):
    """The key itself; the file's mode protects it."""

    key: Bytes32

    def __repr__(self) -> str:
        return "PlainKey(32 bytes)"


@struct
class PasswordKey(Struct):
    """The key under AES-256-GCM, by Argon2id(password, salt). Changed parameters give another key."""

    memory_kib: UInt32
    iterations: UInt32
    lanes: UInt32
    salt: Bytes16
    nonce: Nonce
    wrapped: Wrapped


@struct
class KeyFile(Struct):
    """The whole file."""

    magic: Bytes8
    protection: Annotated[
        PlainKey | PasswordKey, Select(Protection, {Protection.PLAIN: PlainKey, Protection.PASSWORD: PasswordKey})
    ]


def create_store_key(
    path: Path, *, password: bytes | None, entropy: Entropy, parameters: Argon2Parameters = FLOOR
) -> StoreKey:
    """Make a new store's key and its file.

    Args:
        path: where the file goes; there must be none.
        password: wraps the key; None keeps it plain, under the file's mode alone.
        entropy: where the key, salt and nonce come from.
        parameters: what a guess at the password costs.

    Raises:
        RejectedError: rule PROFILE-KEY-EXISTS, there is a file already and with it a store that needs it.
        UnavailableError: the file cannot be written.
    """
    if path.exists():
        raise RejectedError("PROFILE-KEY-EXISTS", f"{path} exists: this profile is in use already")
    key = StoreKey(draw(entropy, STORE_KEY_SIZE))
    write_store_key(path, key, password=password, entropy=entropy, parameters=parameters)
    return key


def write_store_key(
    path: Path, key: StoreKey, *, password: bytes | None, entropy: Entropy, parameters: Argon2Parameters = FLOOR
) -> None:
    """Put ``key`` into the file, in place of what stood there: how a password is set, changed or dropped.

    Raises:
        UnavailableError: the file cannot be written; the former one still stands.
    """
    body = PlainKey(key.reveal()) if password is None else _wrap(key, password, parameters, entropy)
    try:
        write_private(path, KeyFile(_MAGIC, body).encode())
    except OSError as error:
        raise UnavailableError(f"the key file {path} cannot be written: {error.strerror}") from error


def needs_password(path: Path) -> bool:
    """Whether ``load_store_key`` wants a password, so that a front end knows to ask.

    Raises:
        MalformedError, RejectedError, UnavailableError: see ``load_store_key``.
    """
    return isinstance(_read(path).protection, PasswordKey)


def load_store_key(path: Path, *, password: bytes | None) -> StoreKey:
    """Read the store's key. With a password this takes as long as Argon2id takes.

    Raises:
        CryptoError: the password is wrong, or the file was changed.
        MalformedError: this is not a key file.
        RejectedError: rule PROFILE-KEY-FILE, others can read the file; rule PROFILE-PASSWORD, the file wants a
            password and none was given; rule AUTH-KSF-CEILING, its parameters would exhaust this machine.
        UnavailableError: the file cannot be read.
    """
    match _read(path).protection:
        case PlainKey(key):
            return StoreKey(key)
        case PasswordKey() as wrapped:
            if password is None:
                raise RejectedError("PROFILE-PASSWORD", f"{path} is protected by a password")
            return _unwrap(wrapped, password)


def _wrap(key: StoreKey, password: bytes, parameters: Argon2Parameters, entropy: Entropy) -> PasswordKey:
    salt, nonce = draw(entropy, _SALT_SIZE), draw(entropy, NONCE_SIZE)
    wrapping_key = argon2id(password, salt, parameters, STORE_KEY_SIZE)
    wrapped = seal(AeadId.AES_256_GCM, wrapping_key, nonce, key.reveal(), _MAGIC)
    return PasswordKey(parameters.memory_kib, parameters.iterations, parameters.lanes, salt, nonce, wrapped)


def _unwrap(file: PasswordKey, password: bytes) -> StoreKey:
    parameters = Argon2Parameters(file.memory_kib, file.iterations, file.lanes)
    check(parameters, floor=Argon2Parameters(0, 0, 0))  # what we wrote ourselves has no floor, only what cannot run
    try:
        wrapping_key = argon2id(password, file.salt, parameters, STORE_KEY_SIZE)
    except UsageError as error:
        raise MalformedError("the key file names parameters that Argon2id does not have") from error
    return StoreKey(open_(AeadId.AES_256_GCM, wrapping_key, file.nonce, file.wrapped, _MAGIC))


def _read(path: Path) -> KeyFile:
    try:
        check_private(path, "PROFILE-KEY-FILE", "chmod 600")
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_SIZE + 1)
    except OSError as error:
        raise UnavailableError(f"the key file {path} cannot be read: {error.strerror}") from error
    if not data.startswith(_MAGIC) or len(data) > _MAX_FILE_SIZE:
        raise MalformedError(f"{path} is not a key file")
    found = KeyFile.decode(data)
    if isinstance(found.protection, PasswordKey) and len(found.protection.wrapped) != STORE_KEY_SIZE + TAG_SIZE:
        raise MalformedError("the key file holds a key of another size")
    return found
