"""What a GIF says of itself (GIF89a): its size, and how long each of its frames is seen."""

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("<6sHHBBB")
_IMAGE, _EXTENSION, _END = 0x2C, 0x21, 0x3B
_GRAPHIC_CONTROL = 0xF9


@dataclass(frozen=True, slots=True)
class GifFile:
    """One GIF: width and height in pixels, its frames' times in milliseconds."""

    width: int
    height: int
    milliseconds: tuple[int, ...]


def read_gif(data: bytes) -> GifFile:
    """Read it to its end.

    Raises:
        ValueError: it is no GIF, or not a whole one.
    """
    try:
        return _read(data)
    except (IndexError, struct.error):
        raise ValueError("the file ends before the GIF does") from None


def _read(data: bytes) -> GifFile:
    signature, width, height, packed, _, _ = _HEADER.unpack_from(data)
    if signature != b"GIF89a":
        raise ValueError("no GIF89a")
    at = _HEADER.size + _table(packed)
    times: list[int] = []
    while data[at] != _END:
        if data[at] == _EXTENSION:
            if data[at + 1] == _GRAPHIC_CONTROL:
                times.append(10 * int.from_bytes(data[at + 4 : at + 6], "little"))
            at = _behind_blocks(data, at + 2)
        elif data[at] == _IMAGE:
            at = _behind_blocks(data, at + 10 + _table(data[at + 9]) + 1)
        else:
            raise ValueError(f"unknown block {data[at]:#x}")
    return GifFile(width, height, tuple(times))


def _table(packed: int) -> int:
    """Bytes of the colour table that a packed field announces."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1
