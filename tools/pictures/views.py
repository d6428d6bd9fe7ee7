"""What a picture shows, before it is painted: a caption and panes of styled characters, without any pixel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol


class Character(Protocol):
    """One character of a terminal's screen, as pyte keeps it."""

    @property
    def data(self) -> str:
        """What is shown; empty behind a wide character."""

    @property
    def fg(self) -> str:
        """The colour's name, or "default"."""

    @property
    def bold(self) -> bool:
        """Whether it is bold."""

    @property
    def reverse(self) -> bool:
        """Whether foreground and background are exchanged."""


class Cursor(Protocol):
    """Where the next character goes."""

    x: int
    y: int


class Screen(Protocol):
    """A terminal's screen, as pyte keeps it."""

    lines: int
    columns: int

    @property
    def buffer(self) -> Mapping[int, Mapping[int, Character]]:
        """Row, then column; what is missing is blank."""

    @property
    def cursor(self) -> Cursor:
        """Where the next character goes."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a character looks."""

    colour: str = "default"
    is_bold: bool = False
    is_reversed: bool = False


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one style that stand beside each other."""

    text: str
    style: Style = PLAIN


Row = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Pane:
    """One window of a picture.

    Attributes:
        title: what stands in its bar.
        owner: whose it is: which colour the bar has.
        rows: its content from the top.
        cursor: (column, row) where somebody types, or None.
    """

    title: str
    owner: str
    rows: tuple[Row, ...]
    cursor: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that one picture shows."""

    caption: str
    panes: tuple[Pane, ...]


def row_of(screen: Screen, number: int) -> Row:
    """One row of a screen, characters of one style together, without the blanks at its end."""
    line = screen.buffer[number]
    spans: list[Span] = []
    for column in range(screen.columns):
        character = line[column]
        style = Style(character.fg, character.bold, character.reverse)
        if spans and spans[-1].style == style:
            spans[-1] = Span(spans[-1].text + character.data, style)
        else:
            spans.append(Span(character.data, style))
    last = spans[-1]
    if not last.style.is_reversed:
        spans[-1] = Span(last.text.rstrip(), last.style)
    return tuple(span for span in spans if span.text)


def first_visible(screen: Screen, height: int) -> int:
    """The row of a screen from which on a lower pane shows it: the cursor's row is the last one, or it is all seen."""
    return max(0, min(screen.cursor.y + 1, screen.lines) - height)


def pane_of(screen: Screen, title: str, owner: str, height: int, *, is_typing: bool) -> Pane:
    """A terminal in a pane that may be lower than the terminal; the cursor where somebody types in it."""
    top = first_visible(screen, height)
    rows = tuple(row_of(screen, number) for number in range(top, min(top + height, screen.lines)))
    cursor = (screen.cursor.x, screen.cursor.y - top) if is_typing else None
    return Pane(title, owner, rows, cursor)


def without_last_row(pane: Pane) -> Pane:
    """The pane without its last row, a prompt that waits for the next command, and without blank rows before that."""
    rows = pane.rows[:-1]
    while rows and not rows[-1]:
        rows = rows[:-1]
    return replace(pane, rows=rows)


def text_before_cursor(screen: Screen) -> str:
    """All rows up to the cursor as one text, so that what goes over a row's end is found in it."""
    rows = [
        "".join(screen.buffer[number][column].data for column in range(screen.columns))
        for number in range(screen.cursor.y + 1)
    ]
    return "".join(rows[:-1]) + rows[-1][: screen.cursor.x]


def text_of(screen: Screen) -> str:
    """All of a screen as one text, rows after one another without a break."""
    return "".join(
        screen.buffer[number][column].data for number in range(screen.lines) for column in range(screen.columns)
    )


def row_in(text: str, colour: str = "default", *, is_bold: bool = False) -> Row:
    """A row of one style."""
    return (Span(text, Style(colour, is_bold)),)


def fits(rows: Sequence[Row], columns: int) -> bool:
    """Whether no row is wider than so many characters."""
    return all(sum(len(span.text) for span in row) <= columns for row in rows)
