"""What a backup of a server's data says about itself: version, time, and the hash of each of its files."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from entrenous.errors import MalformedError, UnavailableError

FILE_NAME = "manifest.json"
FORMAT = 1
DATABASE = "server.db"
#: Small files of the data directory that go along: the addresses that links carry. Keys never do.
BESIDES = ("public-address", "link-address")
_MAX_SIZE = 64 << 10
_PIECE = 1 << 20


class BackedUpFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole backup.

    Attributes:
        format: of the backup.
        program: the version of the program that made it.
        made_at: unix seconds.
        schema: the revision of the database's tables.
        server_id: whose data it is, in hexadecimal; None where the keys were not at hand.
        rows: of each table.
        files: with their hashes.
    """

    format: int
    program: str
    made_at: int
    schema: str
    server_id: str | None
    rows: dict[str, int]
    files: tuple[BackedUpFile, ...]

    def encode(self) -> bytes:
        """For a file."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return (json.dumps(fields, indent=2) + "\n").encode()


def described(path: Path) -> BackedUpFile:
    """A file as it is now.

    Raises:
        OSError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return BackedUpFile(path.name, size, digest.hexdigest())


def read_manifest(folder: Path) -> Manifest:
    """A backup's manifest, after each of its files was compared with it.

    Raises:
        MalformedError: this is no backup, or it is not whole, or it was changed.
        UnavailableError: it cannot be read.
    """
    path = folder / FILE_NAME
    try:
        if not path.is_file():
            raise MalformedError(f"{folder} is no backup, or not a whole one: it has no {FILE_NAME}")
        with path.open("rb") as file:
            manifest = msgspec.json.decode(file.read(_MAX_SIZE), type=Manifest)
        _check(folder, manifest)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise MalformedError(f"{path} cannot be used: {error}") from error
    except OSError as error:
        raise UnavailableError(f"the backup {folder} cannot be read: {error.strerror}") from error
    return manifest


def _check(folder: Path, manifest: Manifest) -> None:
    if manifest.format != FORMAT:
        raise MalformedError(f"the backup has format {manifest.format}, this program reads format {FORMAT}")
    names = [file.name for file in manifest.files]
    if len(set(names)) != len(names) or not {DATABASE} <= set(names) <= {DATABASE, *BESIDES}:
        raise MalformedError(f"{folder / FILE_NAME} names other files than a backup has")
    for file in manifest.files:
        if not (folder / file.name).is_file() or described(folder / file.name) != file:
            raise MalformedError(f"{folder / file.name} is not the file that was backed up: it was changed or damaged")
