"""The form of our own test vectors (docs/spec/vectors/README.md): files of one operation each, as JSON.

A vector says what an operation is given and how it ends: with results, or with the kind of error that it must be.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError

#: How a vector ends that succeeds, that is no encoding of what belongs there, and whose proof is wrong. What breaks a
#: rule ends in the rule's id.
SUCCESS, MALFORMED, CRYPTO = "success", "malformed", "crypto"
#: Where an installed package has the files, beside this module (pyproject.toml puts them there).
_INSTALLED = "files"
#: Where a checkout has them.
_CHECKOUT = Path(__file__).resolve().parents[4] / "docs" / "spec" / "vectors"

#: Bytes in hexadecimal digits; and what is written shorter there: up to 34 bytes that come 32 times or more.
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_RUN = re.compile(rb"(.{1,34}?)\1{31,}", re.DOTALL)
#: How it is written: "(cc*32)".
_REPEATED = re.compile(r"\(((?:[0-9a-f]{2})+)\*([0-9]+)\)")


class Given:
    """What a vector gives an operation: fields by name. Bytes stand in hexadecimal digits."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def hex(self, name: str) -> bytes:
        """Bytes."""
        return bytes.fromhex(self._fields[name])

    def optional_hex(self, name: str) -> bytes | None:
        """Bytes, or None where the file says null."""
        return None if self._fields[name] is None else self.hex(name)

    def hexes(self, name: str) -> list[bytes]:
        """A list of bytes."""
        return [bytes.fromhex(each) for each in self._fields[name]]

    def items(self, name: str) -> list[Any]:
        """A list as it stands in JSON."""
        return list(self._fields[name])

    def number(self, name: str) -> int:
        """An integer."""
        return int(self._fields[name])

    def numbers(self, name: str) -> list[int]:
        """A list of integers."""
        return [int(each) for each in self._fields[name]]

    def text(self, name: str) -> str:
        """Text, which may hold half a character."""
        return str(self._fields[name])

    def flag(self, name: str) -> bool:
        """True or false."""
        return bool(self._fields[name])

    def inner(self, name: str) -> "Given":
        """Fields inside a field."""
        return Given(self._fields[name])


@dataclass(frozen=True, slots=True)
class Vector:
    """One example of an operation.

    Attributes:
        comment: what it is about, a sentence; no other vector of the file has it.
        expect: ``SUCCESS``, ``MALFORMED``, ``CRYPTO`` or the id of a rule of docs/spec/conformance.md.
        given: the operation's fields, as JSON.
        gives: its results if it succeeds, else nothing.
    """

    comment: str
    expect: str
    given: Mapping[str, Any]
    gives: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VectorFile:
    """All vectors of one operation.

    Attributes:
        operation: its name, which is the file's without ".json".
        page: the page of docs/spec that says how it works.
        about: what it does, a sentence.
        vectors: the successes first.
    """

    operation: str
    page: str
    about: str
    vectors: tuple[Vector, ...]

    def encode(self) -> str:
        """The file's text, the same for the same vectors."""
        vectors = [
            {"comment": each.comment, "expect": each.expect, "given": _short(each.given), "gives": _short(each.gives)}
            for each in self.vectors
        ]
        content = {"operation": self.operation, "page": self.page, "about": self.about, "vectors": vectors}
        return json.dumps(content, indent=1, ensure_ascii=True) + "\n"

    @classmethod
    def decode(cls, text: str) -> "VectorFile":
        """Read a file's text, which is trusted: it is ours."""
        content = _long(json.loads(text))
        vectors = tuple(Vector(**each) for each in content.pop("vectors"))
        return cls(**content, vectors=vectors)


def _short(value: Any) -> Any:  # noqa: ANN401 whatever stands in JSON
    """With repeated bytes written as such."""
    if isinstance(value, Mapping):
        return {name: _short(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_short(each) for each in value]
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        return value
    data, pieces, position = bytes.fromhex(value), [], 0
    for run in _RUN.finditer(data):
        pieces += [data[position : run.start()].hex(), f"({run[1].hex()}*{len(run[0]) // len(run[1])})"]
        position = run.end()
    return "".join(pieces) + data[position:].hex()


def _long(value: Any) -> Any:  # noqa: ANN401 whatever stands in JSON
    """With repeated bytes written out."""
    if isinstance(value, dict):
        return {name: _long(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_long(each) for each in value]
    return _REPEATED.sub(lambda found: found[1] * int(found[2]), value) if isinstance(value, str) else value


def outcome_of(error: EntrenousError) -> str:
    """How a vector ends that ends in ``error``."""
    match error:
        case RejectedError():
            return error.rule
        case MalformedError():
            return MALFORMED
        case CryptoError():
            return CRYPTO
    raise error


def vector_folder() -> Traversable:
    """Where the files are: in the installed package, or in the checkout it runs from."""
    installed = files(__package__) / _INSTALLED
    return installed if installed.is_dir() else _CHECKOUT


def load_vectors() -> list[VectorFile]:
    """All files, by name."""
    found = sorted((each for each in vector_folder().iterdir() if each.name.endswith(".json")), key=lambda e: e.name)
    return [VectorFile.decode(each.read_text(encoding="utf-8")) for each in found]
