"""Where a server leaves bytes: its data directory, what an operator names beside it, and a shared store's rows."""

import contextlib
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from entrenous.cli.leaks import Finding, Needle, search
from entrenous.errors import UnavailableError

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search went through, and what it found."""

    places: int
    size: int
    findings: tuple[Finding, ...]

    def __add__(self, other: "Searched") -> "Searched":
        return Searched(self.places + other.places, self.size + other.size, self.findings + other.findings)


NOTHING = Searched(0, 0, ())


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """The files in these directories and below, and those of the paths that are files."""
    for path in paths:
        yield from sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


def search_files(wanted: Sequence[Needle], paths: Iterable[Path]) -> Searched:
    """Look into files of any size. One that goes away meanwhile, as a database's log may, is left out.

    Raises:
        UnavailableError: a file cannot be read.
    """
    searched = NOTHING
    for path in files_below(paths):
        with contextlib.suppress(FileNotFoundError):
            searched += _search_file(wanted, path)
    return searched


def search_rows(wanted: Sequence[Needle], engine: "Engine") -> Searched:
    """Look into every row of a store, as the database has it and not only as its files do."""
    from sqlalchemy import select

    from entrenous.server.store.schema import metadata

    searched = NOTHING
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            data = b"\0".join(_bytes(value) for row in connection.execute(select(table)) for value in row)
            findings = search(wanted, {f"table {table.name}": data})
            searched += Searched(1, len(data), tuple(findings))
    return searched


def _search_file(wanted: Sequence[Needle], path: Path) -> Searched:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if not size:
                return Searched(1, 0, ())
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return Searched(1, size, tuple(search(wanted, {str(path): data})))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be read: {error.strerror}", remedy="Run this as the server's user."
        ) from None


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
