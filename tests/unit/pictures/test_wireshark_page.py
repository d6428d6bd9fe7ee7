"""The pictures of docs/how-to/wireshark.md, as they were committed, and how the page shows them."""

import re
import struct
from pathlib import Path

import pytest

from pictures.conversation import need
from pictures.errors import PictureError

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "wireshark.md"
NAMES = {"handshake.png", "record.png", "pcap.png", "pcap-keylog.png"}
MOST_BYTES = 300_000
#: What a picture is of (PNG §11): nothing that tells of a time, a program or a folder.
CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}


def shown() -> dict[str, str]:
    """What stands instead of each picture where it is not seen, by the picture's path."""
    return {
        path: " ".join(text.split()) for text, path in re.findall(r"!\[([^]]*)]\(([^)]+)\)", PAGE.read_text("utf-8"))
    }


def chunks(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        found[kind] = data[at + 8 : at + 8 + size]
        at += 12 + size
    assert at == len(data)
    return found


def test_the_page_shows_every_picture_there_is_and_no_other() -> None:
    assert {f"pictures/{name}" for name in NAMES} == set(shown())
    assert {path.name for path in (PAGE.parent / "pictures").iterdir()} == NAMES


@pytest.mark.parametrize("path", sorted(f"pictures/{name}" for name in NAMES))
def test_a_picture_is_told_in_words_small_and_as_wide_as_a_page(path: str) -> None:
    assert len(shown()[path].split()) > 15
    data = (PAGE.parent / path).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(data) < MOST_BYTES
    parts = chunks(data)
    assert set(parts) == CHUNKS
    width, height = struct.unpack_from(">II", parts[b"IHDR"])
    assert 1000 <= width <= 1250
    assert 200 <= height <= 700


def test_below_each_picture_stands_what_to_look_at() -> None:
    text = PAGE.read_text("utf-8")
    for path in shown():
        below = text.partition(f"({path})\n\n")[2].partition("\n\n")[0]
        assert "*What to look at*" in below


def test_a_program_that_is_missing_is_named_with_what_to_install() -> None:
    with pytest.raises(PictureError, match=r"no-such-program is missing; Debian has it in: .*wireshark"):
        need("no-such-program")
