"""Look for known plaintexts in bytes, in every form that a careless program would leave them in.

A search that finds nothing proves nothing until it has found what it should: ``control_copies`` writes every form of
every plaintext into copies of the same bytes, and the same search must find each.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


class Haystack(Protocol):
    """Bytes to look into: in memory, or a file that is mapped into it."""

    def find(self, needle: bytes, /) -> int:
        """The place of the first occurrence; -1 if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Needle:
    """One form of one plaintext. ``name`` is what a report may say; it is not the plaintext."""

    name: str
    form: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """A needle that stands in a place."""

    needle: Needle
    place: str
    offset: int


def forms(name: str, text: str) -> Iterator[Needle]:
    """Every form of a plaintext: as it is, hexadecimal, UTF-16, and base64 at each of its three alignments."""
    plain = text.encode()
    yield Needle(name, "plain", plain)
    yield Needle(name, "hex", plain.hex().encode())
    yield Needle(name, "HEX", plain.hex().upper().encode())
    yield Needle(name, "utf-16-le", text.encode("utf-16-le"))
    yield Needle(name, "utf-16-be", text.encode("utf-16-be"))
    for shift in range(3):
        yield Needle(name, f"base64+{shift}", base64_core(plain, shift))
        urlsafe = base64_core(plain, shift, altchars=b"-_")
        if urlsafe != base64_core(plain, shift):
            yield Needle(name, f"base64url+{shift}", urlsafe)


def base64_core(plain: bytes, shift: int, altchars: bytes | None = None) -> bytes:
    """The base64 digits that ``plain`` alone decides when it stands ``shift`` bytes into a group of three."""
    encoded = base64.b64encode(bytes(shift) + plain, altchars)
    first = -(-shift * 8 // 6)  # digits touched by what stands before
    last = (shift + len(plain)) * 8 // 6  # whole digits before what may follow
    return encoded[first:last]


def needles(plaintexts: Mapping[str, str]) -> list[Needle]:
    """Every form of every plaintext, by its name."""
    return [needle for name, text in plaintexts.items() for needle in forms(name, text)]


def search(wanted: Iterable[Needle], haystacks: Mapping[str, Haystack]) -> list[Finding]:
    """Where the needles stand; one finding per needle and place."""
    return [
        Finding(needle, place, offset)
        for needle in wanted
        for place, data in haystacks.items()
        if (offset := data.find(needle.value)) >= 0
    ]


def control_copies(wanted: Iterable[Needle], haystacks: Mapping[str, bytes]) -> dict[str, bytes]:
    """Copies of the haystacks into which every needle was written, in the middle of each."""
    planted = b"\x00".join(needle.value for needle in wanted)
    copies = {}
    for place, data in haystacks.items():
        middle = len(data) // 2
        copies[place] = data[:middle] + b"\x00" + planted + b"\x00" + data[middle:]
    return copies
