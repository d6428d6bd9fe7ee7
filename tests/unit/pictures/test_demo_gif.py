"""The film that the README shows, as it was committed: small enough for a page, and neither hurried nor long."""

import struct
from pathlib import Path

import pytest

from pictures.gif_file import read_gif

ROOT = Path(__file__).parents[3]
FILM = ROOT / "assets" / "demo.gif"
MOST_BYTES = 3_000_000


def test_the_readme_shows_the_film_near_its_top() -> None:
    beginning = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:20]
    assert any("](assets/demo.gif)" in line for line in beginning)


def test_the_film_is_small_and_has_many_frames() -> None:
    data = FILM.read_bytes()
    film = read_gif(data)
    assert len(data) < MOST_BYTES
    assert len(film.milliseconds) > 100
    assert 20_000 <= sum(film.milliseconds) <= 40_000


def test_the_film_is_as_wide_as_a_page_and_its_last_frame_stays() -> None:
    film = read_gif(FILM.read_bytes())
    assert 850 <= film.width <= 1100
    assert film.milliseconds[-1] == max(film.milliseconds)


def test_a_film_that_is_cut_off_is_no_gif() -> None:
    data = FILM.read_bytes()
    for end in (0, 5, 12, 300, len(data) // 2, len(data) - 1):
        with pytest.raises(ValueError, match=r"ends before"):
            read_gif(data[:end])


def test_frames_times_are_read_in_order() -> None:
    header = struct.pack("<6sHHBBB", b"GIF89a", 2, 1, 0x80, 0, 0) + bytes(6)
    frames = b"".join(
        b"\x21\xf9\x04\x00" + hundredths.to_bytes(2, "little") + b"\x00\x00"  # how long
        b"\x2c" + struct.pack("<HHHHB", 0, 0, 2, 1, 0) + b"\x02\x01\x00\x00"  # the picture
        for hundredths in (5, 260)
    )
    film = read_gif(header + b"\x21\xfe\x02hi\x00" + frames + b"\x3b")
    assert (film.width, film.height) == (2, 1)
    assert film.milliseconds == (50, 2600)


@pytest.mark.parametrize("data", [b"GIF87a" + bytes(20), bytes(30), b"GIF89a" + bytes(7) + b"\x07"])
def test_what_is_no_gif_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"GIF89a|unknown block"):
        read_gif(data)
