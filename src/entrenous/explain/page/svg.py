"""What all pictures share: a frame that names itself to people who do not see it, and a few shapes."""

from entrenous.explain.model import Knower
from entrenous.explain.page.markup import Markup, element, join, void

#: The width of every picture, in its own units; a page scales it.
WIDTH = 720.0


def picture(key: str, title: str, description: str, height: float, *shapes: Markup) -> Markup:
    """A whole picture.

    Args:
        key: tells it from the other pictures of the page.
        title: what it shows.
        description: the same in sentences, for who does not see it.
        height: in its own units.
        shapes: from back to front.
    """
    return element(
        "svg",
        element("title", title, id=f"{key}-title"),
        element("desc", description, id=f"{key}-description"),
        *shapes,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_labelledby=f"{key}-title {key}-description",
    )


def text(x: float, y: float, words: str, *, anchor: str = "middle", kind: str = "") -> Markup:
    """Words; ``kind`` is their class."""
    return element("text", words, x=x, y=y, text_anchor=anchor, class_=kind or "t")


def box(x: float, y: float, width: float, height: float, kind: str, *, radius: float = 4) -> Markup:
    """A rectangle; ``kind`` is its class."""
    return void("rect", x=x, y=y, width=max(width, 0.5), height=height, rx=radius, class_=kind)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A line; ``kind`` is its class."""
    return void("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def polygon(points: list[tuple[float, float]], kind: str) -> Markup:
    """A closed shape; ``kind`` is its class."""
    return void("polygon", points=" ".join(f"{x:g},{y:g}" for x, y in points), class_=kind)


def sign(x: float, y: float, knower: Knower) -> Markup:
    """Who knows it: a letter in a shape of its own, so that colour is not needed to tell."""
    half, kind = 8.0, f"who who-{knower.letter}"
    shapes = {
        Knower.CLIENT: void("circle", cx=x, cy=y, r=half, class_=kind),
        Knower.SERVER: box(x - half, y - half, 2 * half, 2 * half, kind, radius=0),
        Knower.SOME: polygon([(x, y - half - 1), (x + half + 1, y), (x, y + half + 1), (x - half - 1, y)], kind),
        Knower.MEMBERS: polygon(
            [(x - half, y), (x - half / 2, y - half), (x + half / 2, y - half), (x + half, y),
             (x + half / 2, y + half), (x - half / 2, y + half)], kind,
        ),
        Knower.NETWORK: polygon([(x, y - half - 2), (x + half + 2, y + half - 1), (x - half - 2, y + half - 1)], kind),
    }  # fmt: skip
    return join(shapes[knower], text(x, y + 4, knower.letter, kind="who-letter"))


def badge(knower: Knower) -> Markup:
    """The same between words."""
    return element(
        "svg",
        element("title", knower.label),
        sign(11, 11, knower),
        class_="badge",
        role="img",
        viewBox="0 0 22 22",
        aria_label=knower.label,
        xmlns="http://www.w3.org/2000/svg",
    )
