import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from entrenous.cli.explain import ChapterName
from entrenous.cli.main import app
from entrenous.explain import CHAPTERS, PARTS

#: The real cost of a password takes seconds where many tests run at once; what it changes is tested with the cheapest.
pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    from entrenous import explain as package
    from entrenous.channel import Suite
    from entrenous.crypto import Argon2Parameters, Entropy

    real, cheap = package.explain, Argon2Parameters(memory_kib=8, iterations=1, lanes=1)

    def explain(entropy: Entropy, now: int, suite: Suite) -> object:
        return real(entropy, now, suite, cheap)

    monkeypatch.setattr(package, "explain", explain)


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments], input=typed)


def test_only_takes_the_chapters_and_the_parts() -> None:
    assert set(ChapterName) == {*CHAPTERS, *PARTS}


def test_all_of_it_is_printed_without_colours_where_nobody_sees_them() -> None:
    result = run()
    assert result.exit_code == 0
    assert "These keys protected nothing" in result.stdout
    assert "\x1b" not in result.stdout
    for title in ("1  THE HANDSHAKE", "7  ON THE WIRE"):
        assert title in result.stdout


def test_only_prints_what_was_asked_for() -> None:
    result = run("--only", "mls", "--only", "handshake")
    heads = [line for line in result.stdout.splitlines() if line.isupper() and line[:1].isdigit()]
    assert [head[0] for head in heads] == ["1", "3", "4", "5", "6"]


def test_an_unknown_chapter_is_told_with_those_that_there_are() -> None:
    result = run("--only", "tls")
    assert result.exit_code == 2
    for name in ChapterName:
        assert name in result.stderr


def test_json_is_one_array_with_whole_values() -> None:
    told = json.loads(run("--json", "--only", "record", "--suite", "classic").stdout)
    assert [step["number"] for step in told] == ["7.1", "7.2", "7.3", "7.4"]
    for value in told[0]["values"]:
        assert "text" in value or len(value["hex"]) == 2 * value["bytes"]


def test_html_is_written_whole_and_never_over_another_file(tmp_path: Path) -> None:
    path = tmp_path / "explained.html"
    result = run("--html", str(path), "--only", "handshake")
    assert result.exit_code == 0
    assert result.stdout == ""
    written = path.read_text(encoding="utf-8")
    assert written.startswith("<!DOCTYPE html>")
    assert [each.name for each in tmp_path.iterdir()] == ["explained.html"]
    again = run("--html", str(path))
    assert again.exit_code == 2
    assert path.read_text(encoding="utf-8") == written


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    result = run("--html", str(tmp_path / "nowhere" / "x.html"))
    assert result.exit_code == 3
    assert "cannot be written" in result.stderr


def test_ways_to_be_told_do_not_mix(tmp_path: Path) -> None:
    assert run("--json", "--html", str(tmp_path / "x.html")).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_step_needs_a_terminal() -> None:
    result = run("--step")
    assert result.exit_code == 2
    assert "no terminal" in result.stderr


def test_step_waits_after_each_step_and_q_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "100")
    answers = iter(["", "", "Q"])
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr("entrenous.cli.explain.asked", answer)
    with pytest.raises(SystemExit) as ended:
        app(["explain", "--step"], prog_name="entrenous")
    assert ended.value.code == 0
    assert len(asked) == 3  # the opening and two steps
    out = capsys.readouterr().out
    assert "1.2  Message 2" in out
    assert "1.3  Message 2" not in out


def test_a_step_is_shown_in_screenfuls(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    screens: list[str] = []

    def answer(_: str) -> str:
        screens.append(capsys.readouterr().out)
        return "q" if len(screens) == 6 else ""

    monkeypatch.setattr("entrenous.cli.explain.asked", answer)
    with pytest.raises(SystemExit):
        app(["explain", "--step"], prog_name="entrenous")
    assert [screen.count("\n") for screen in screens if screen.count("\n") > 23] == []
    assert "".join(screens).count("1.1  Message 1") == 1
