"""From a terminal's screen to a pane: what is cut, what moves, and where things stand."""

from collections import defaultdict
from dataclasses import dataclass, field

from pictures.places import Place, alone, two_above_one
from pictures.views import (
    Pane,
    Span,
    Style,
    first_visible,
    pane_of,
    row_of,
    text_before_cursor,
    text_of,
    without_last_row,
)

BOLD = Style("green", is_bold=True)


@dataclass
class Character:
    data: str = " "
    fg: str = "default"
    bold: bool = False
    reverse: bool = False


@dataclass
class Cursor:
    x: int = 0
    y: int = 0


@dataclass
class Screen:
    """A terminal of 10 columns, as pyte keeps one."""

    lines: int = 6
    columns: int = 10
    cursor: Cursor = field(default_factory=Cursor)
    buffer: dict[int, dict[int, Character]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Character)))

    def put(self, row: int, text: str, column: int = 0, **looks: object) -> None:
        for at, data in enumerate(text, column):
            self.buffer[row][at] = Character(data, **looks)  # type: ignore[arg-type]  # one of its fields
        self.cursor = Cursor((column + len(text)) % self.columns, row + (column + len(text)) // self.columns)


def test_characters_of_one_style_become_one_span_and_blanks_at_the_end_go() -> None:
    screen = Screen()
    screen.put(0, "ab", fg="green", bold=True)
    screen.put(0, "c d", column=2)
    assert row_of(screen, 0) == (Span("ab", BOLD), Span("c d"))
    assert row_of(screen, 1) == ()


def test_blanks_that_are_reversed_stay() -> None:
    screen = Screen()
    screen.put(0, " " * 10, reverse=True)
    assert row_of(screen, 0) == (Span(" " * 10, Style(is_reversed=True)),)


def test_a_low_pane_shows_the_rows_that_end_with_the_cursors() -> None:
    screen = Screen()
    for row in range(5):
        screen.put(row, f"row {row}")
    assert first_visible(screen, 3) == 2
    pane = pane_of(screen, "alice's", "alice", 3, is_typing=True)
    assert [row[0].text for row in pane.rows] == ["row 2", "row 3", "row 4"]
    assert pane.cursor == (5, 2)


def test_a_pane_of_which_all_is_seen_begins_at_the_top_and_nobody_types_in_it() -> None:
    screen = Screen()
    screen.put(1, "hello")
    pane = pane_of(screen, "bob's", "bob", 4, is_typing=False)
    assert [bool(row) for row in pane.rows] == [False, True, False, False]
    assert pane.cursor is None


def test_a_waiting_prompt_and_blank_rows_before_it_are_left_out() -> None:
    screen = Screen()
    screen.put(0, "$ ls")
    screen.put(2, "a file")
    screen.put(4, "$ ")
    rows = without_last_row(pane_of(screen, "alice", "alice", 5, is_typing=False)).rows
    assert ["".join(span.text for span in row) for row in rows] == ["$ ls", "", "a file"]
    assert without_last_row(Pane("", "", (row_of(screen, 4),))).rows == ()


def test_what_was_typed_over_a_rows_end_is_found() -> None:
    screen = Screen()
    screen.put(0, "$ join lin")
    screen.put(1, "k-12")
    assert text_before_cursor(screen).endswith("join link-12")
    screen.put(3, "later")
    assert "link-12" in text_of(screen)


def right(place: Place) -> int:
    return place.left + place.width


def test_the_pane_below_ends_where_the_upper_ones_do() -> None:
    for columns in (30, 49, 60):
        layout = two_above_one(columns, upper_rows=12, lower_rows=10)
        left_one, right_one, below = layout.places
        assert left_one.left == below.left
        assert right(right_one) == right(below)
        assert right(left_one) < right_one.left
        assert left_one.top + left_one.height < below.top
        assert right(below) < layout.width
        assert below.top + below.height < layout.height


def test_a_pane_alone_fills_its_picture() -> None:
    layout = alone(80, 20)
    assert (layout.places[0].width, layout.places[0].height) == (layout.width, layout.height)
