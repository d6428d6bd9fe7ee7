"""Messages between two parties, each with its parts to scale."""

from entrenous.explain.drawings import Arrow, Part, Sequence
from entrenous.explain.page.markup import Markup, element
from entrenous.explain.page.svg import WIDTH, box, line, picture, polygon, text

#: Where the two parties stand, and the room between them.
_LEFT, _RIGHT = 60.0, WIDTH - 60.0
_TOP, _ROW, _BAR = 60.0, 106.0, 22.0
#: The least width at which a part's name fits beside its bar.
_NAMED = 40.0


def draw(key: str, drawing: Sequence) -> Markup:
    """The picture."""
    bottom = _TOP + _ROW * len(drawing.arrows)
    held = max(len(drawing.left_holds), len(drawing.right_holds))
    height = bottom + 34 + 18 * held
    shapes = [
        text(_LEFT, 22, drawing.left, kind="t strong"),
        text(_RIGHT, 22, drawing.right, kind="t strong"),
        line(_LEFT, 32, _LEFT, bottom, "edge"),
        line(_RIGHT, 32, _RIGHT, bottom, "edge"),
    ]
    longest = max(arrow.size for arrow in drawing.arrows)
    for row, arrow in enumerate(drawing.arrows):
        shapes.append(_arrow(_TOP + row * _ROW, arrow, longest))
    shapes += _holdings(bottom + 20, drawing)
    return picture(key, drawing.title, describe(drawing), height, *shapes)


def describe(drawing: Sequence) -> str:
    """The picture in words."""
    told = []
    for arrow in drawing.arrows:
        sender = drawing.left if arrow.rightwards else drawing.right
        parts = ", ".join(f"{part.name} {part.size}{' hidden' * part.hidden}" for part in arrow.parts)
        told.append(f"{sender} sends {arrow.label}, {arrow.size} bytes: {parts}.")
    told.append(f"In the end {drawing.left} has {', '.join(drawing.left_holds)};")
    told.append(f"{drawing.right} has {', '.join(drawing.right_holds)}.")
    return " ".join(told)


def _arrow(top: float, arrow: Arrow, longest: int) -> Markup:
    y = top + 14
    start, end = (_LEFT, _RIGHT) if arrow.rightwards else (_RIGHT, _LEFT)
    tip = -10 if arrow.rightwards else 10
    shapes = [
        text(WIDTH / 2, top + 4, f"{arrow.label}, {arrow.size:,} bytes", kind="t strong"),
        line(start, y, end, y, "arrow"),
        polygon([(end, y), (end + tip, y - 5), (end + tip, y + 5)], "tip"),
    ]
    shapes += _bar(top + 28, arrow.parts, arrow.size / longest)
    return element("g", *shapes)


def _bar(top: float, parts: tuple[Part, ...], share: float) -> list[Markup]:
    """The parts, to scale; their names below, spread where the parts are narrow."""
    room = _RIGHT - _LEFT - 60
    total = sum(part.size for part in parts)
    width = room * share
    x = (WIDTH - width) / 2
    shapes = []
    spots: list[tuple[float, Part]] = []
    for part in parts:
        size = width * part.size / total
        shapes.append(box(x, top, size, _BAR, "hidden" if part.hidden else "clear", radius=0))
        spots.append((x + size / 2, part))
        x += size
    return [*shapes, *_names(top + _BAR, spots, room)]


def _names(top: float, spots: list[tuple[float, Part]], room: float) -> list[Markup]:
    """Each part's name and size below its bar, evenly spread, with a line up to the part."""
    step = (room + 80) / len(spots)
    first = (WIDTH - step * (len(spots) - 1)) / 2
    shapes = []
    for place, (x, part) in enumerate(spots):
        at = first + place * step
        shapes += [
            line(x, top, at, top + 10, "thin"),
            text(at, top + 22, part.name, kind="t small"),
            text(at, top + 35, f"{part.size:,}", kind="t small dim"),
        ]
    return shapes


def _holdings(top: float, drawing: Sequence) -> list[Markup]:
    shapes = []
    for anchor, x, words in (("start", 12.0, drawing.left_holds), ("end", WIDTH - 12, drawing.right_holds)):
        shapes.append(text(x, top, "now has", anchor=anchor, kind="t small dim"))
        shapes += [
            text(x, top + 18 * place, word, anchor=anchor, kind="t small") for place, word in enumerate(words, start=1)
        ]
    return shapes
