"""What ``entrenous server migrate`` tells while it works."""

import pytest

from entrenous.cli.server.migrate import _Progress


def test_a_large_table_is_told_of_as_it_is_copied_and_verified_and_a_small_one_not_at_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = _Progress()
    for rows in (500, 99_999, 100_000, 150_000, 200_500, 200_600):
        told("entries", rows)
    told("rooms", 3)
    for rows in (500, 100_000, 200_600):
        told("entries", rows)
    told("rooms", 3)
    assert capsys.readouterr().err.splitlines() == [
        "entries: 100,000 rows copied …",
        "entries: 200,500 rows copied …",
        "entries: 100,000 rows verified …",
        "entries: 200,600 rows verified …",
    ]
