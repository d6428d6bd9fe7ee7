"""How a line of `entrenous pcap` fits to where it is read."""

import pytest

from entrenous.capture import MessageRow, Said
from entrenous.cli.pcap import message_lines

TEXT = "It is under the blue flower pot, where nobody looks."
PUBLISH = MessageRow(
    connection=1,
    time=7.25,
    from_client=True,
    call=9,
    name="Publish",
    size=435,
    fields={"room": "7c" * 16, "base": 0, "message_id": "2f" * 12, "entry": "1 to 256 bytes"},
    said=(Said(bytes(16), 3, "application", 0, 0, TEXT),),
)


@pytest.mark.parametrize(("columns", "width"), [(100, 100), (130, 130), (1000, 139), (10, 69)])
def test_on_a_terminal_a_messages_fields_go_no_further_than_its_width(
    monkeypatch: pytest.MonkeyPatch, columns: int, width: int
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    line, said = message_lines(PUBLISH, 7.0)
    assert (len(line), line[-1]) == (width, "…")
    assert line.startswith("     0.2500  client →  #9     Publish            room 7c7c7c")
    assert said.endswith(f"epoch 3 by leaf 0, generation 0: {TEXT}")


def test_where_nobody_looks_a_terminals_width_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    line, _ = message_lines(PUBLISH, 7.0)
    assert len(line) == 139
