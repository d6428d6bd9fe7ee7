"""What is printed: JSON that can be read back, and nothing that commands the terminal."""

import io
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.cli.output import forgive_narrow_encodings, json_line, kind_of, one_line, printable, say
from entrenous.client.views import MessageState


@dataclass(frozen=True)
class SomethingHappened:
    room: bytes
    state: MessageState
    names: tuple[str, ...]
    inner: "SomethingHappened | None" = None


def test_a_value_becomes_one_line_of_json() -> None:
    value = SomethingHappened(b"\x01\x02", MessageState.SENT, ("é",), SomethingHappened(b"", MessageState.FAILED, ()))
    line = json_line(kind_of(value), value)
    assert "\n" not in line
    assert json.loads(line) == {
        "type": "something-happened",
        "room": "0102",
        "state": "sent",
        "names": ["é"],
        "inner": {"room": "", "state": "failed", "names": [], "inner": None},
    }


def test_a_message_cannot_command_the_terminal() -> None:
    assert printable("\x1b]0;owned\x07 \x9b31m ok\n") == "\\x1b]0;owned\\x07 \\u009b31m ok\n"
    assert printable("日本 👋🏽 👨\u200d👩 naïve") == "日本 👋🏽 👨\u200d👩 naïve"
    assert printable("\u202egnp.exe") == "\\u202egnp.exe"
    assert printable("\U000e0041\udcff") == "\\U000e0041\\udcff"


def test_a_name_is_one_line() -> None:
    assert one_line("ops\n14:05  carol: never said\t") == "ops\\n14:05  carol: never said\\t"


@given(st.text())
def test_json_holds_any_text_and_nothing_that_commands_a_terminal(text: str) -> None:
    line = json_line("x", SomethingHappened(b"", MessageState.SENT, (text,)))
    assert json.loads(line)["names"] == [text]
    assert printable(line) == line
    assert "\n" not in line


def test_what_an_encoding_does_not_have_is_printed_as_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="latin-1"))
    forgive_narrow_encodings()
    say("naïve 日本")
    say(json_line("x", "日本 👋"))
    plain, as_json = written.getvalue().decode("latin-1").splitlines()
    assert plain == "naïve \\u65e5\\u672c"
    assert json.loads(as_json)["value"] == "日本 👋"
