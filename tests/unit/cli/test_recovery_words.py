"""How the recovery code is printed: on one line, or broken between its words."""

import pytest

from entrenous.cli.join import indented

WORDS = "multi period chowder absorb yodel gravel return heart copilot ladder gate hydrogen"


@pytest.mark.parametrize(("columns", "lines"), [(200, 1), (80, 2), (49, 2), (40, 3)])
def test_a_narrow_terminal_breaks_no_word(monkeypatch: pytest.MonkeyPatch, columns: int, lines: int) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = indented(WORDS).split("\n")
    assert len(shown) == lines
    assert all(line.startswith("    ") and len(line) <= columns for line in shown)
    assert " ".join(line.strip() for line in shown) == WORDS


def test_a_program_that_reads_it_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "49")
    assert indented(WORDS) == f"    {WORDS}"
