"""What is printed: JSON that can be read back, and nothing that commands the terminal."""

import json
from dataclasses import dataclass

from entrenous.cli.output import json_line, kind_of, printable
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
    assert printable("\x1b]0;owned\x07 \x9b31m ok\n") == "\\x1b]0;owned\\x07 \\x9b31m ok\n"
    assert printable("日本 👋🏽 👨\u200d👩 naïve") == "日本 👋🏽 👨\u200d👩 naïve"
    assert printable("\u202egnp.exe") == "\\x202egnp.exe"
