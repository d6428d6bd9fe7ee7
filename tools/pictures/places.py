"""Where the panes of a picture stand, in pixels."""

from dataclasses import dataclass

#: A character's cell; painted with a font of 16 pixels, it is still 13 high where a page shows 1024 as 850.
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE = 10, 20, 16
#: Of a pane: its bar, and what is free around its text.
BAR, PADDING = 28, 6
#: Between panes and at the edges; the caption's height.
GAP, CAPTION = 8, 44


@dataclass(frozen=True, slots=True)
class Place:
    """Where one pane stands, and how many characters it shows."""

    left: int
    top: int
    columns: int
    rows: int

    @property
    def width(self) -> int:
        """All of it."""
        return self.columns * CELL_WIDTH + 2 * PADDING

    @property
    def height(self) -> int:
        """All of it, the bar too."""
        return BAR + self.rows * CELL_HEIGHT + 2 * PADDING


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's size and its panes' places."""

    width: int
    height: int
    places: tuple[Place, ...]


def two_above_one(columns: int, upper_rows: int, lower_rows: int) -> Layout:
    """Two panes of so many columns beside each other, and one as wide as both below them."""
    # What is free between the two is as wide as two characters, so that the one below ends where they do.
    top = CAPTION
    left = Place(GAP, top, columns, upper_rows)
    right = Place(GAP + left.width + GAP, top, columns, upper_rows)
    width = right.left + right.width + GAP
    below = Place(GAP, top + left.height + GAP, 2 * columns + (2 * PADDING + GAP) // CELL_WIDTH, lower_rows)
    return Layout(width, below.top + below.height + GAP, (left, right, below))


def alone(columns: int, rows: int) -> Layout:
    """One pane and no caption."""
    place = Place(0, 0, columns, rows)
    return Layout(place.width, place.height, (place,))
