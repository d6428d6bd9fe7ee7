"""From cases to vectors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from entrenous.testing.vectors import SUCCESS, Vector, VectorFile, run


@dataclass(frozen=True)
class Case:
    """What an operation is given, and how it must end. Bytes may stand in ``given`` as they are."""

    comment: str
    given: Mapping[str, Any]
    expect: str = SUCCESS


def plain(value: Any) -> Any:
    """As JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def file_of(operation: str, page: str, about: str, cases: list[Case]) -> VectorFile:
    """Run the cases. A case that ends otherwise than it says is a mistake of one of the two: nothing is written."""
    assert len({case.comment for case in cases}) == len(cases), operation
    vectors = []
    for case in sorted(cases, key=lambda case: case.expect != SUCCESS):
        given = plain(case.given)
        outcome, results = run(operation, given)
        assert outcome == case.expect, (operation, case.comment, outcome, case.expect)
        vectors.append(Vector(case.comment, outcome, given, results))
    return VectorFile(operation, page, about, tuple(vectors))


def cuts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What is no encoding any more, whatever ``data`` is one of."""
    yield "empty", b""
    yield "without its last byte", data[:-1]
    yield "with a byte after its end", data + b"\0"


def flipped(data: bytes, place: int, bit: int = 1) -> bytes:
    """With one bit changed in the byte at ``place``."""
    changed = bytearray(data)
    changed[place] ^= bit
    return bytes(changed)
