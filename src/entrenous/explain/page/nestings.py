"""Layers around each other: each drawn to scale, and the part that holds the next one opened below it."""

from entrenous.explain.drawings import Layer, Nesting, Part
from entrenous.explain.page.markup import Markup
from entrenous.explain.page.svg import WIDTH, box, line, picture, polygon, text

_MARGIN, _TOP, _TITLE, _ROW, _BAR = 10.0, 8.0, 20.0, 112.0, 30.0


def draw(key: str, drawing: Nesting) -> Markup:
    """The picture."""
    largest = max(layer.size for layer in drawing.layers)
    behind: list[Markup] = []
    bars: list[Markup] = []
    opened: tuple[float, float] | None = None
    for row, layer in enumerate(drawing.layers):
        top = _TOP + row * _ROW
        width = (WIDTH - 2 * _MARGIN) * layer.size / largest
        start = (WIDTH - width) / 2
        if opened is not None:
            behind.append(_opening(opened, top - _ROW + _TITLE + _BAR, (start, start + width), top + _TITLE))
        following = drawing.layers[row + 1].name if row + 1 < len(drawing.layers) else ""
        drawn, opened = _layer(layer, start, width, top, following)
        bars += drawn
    height = _TOP + _ROW * (len(drawing.layers) - 1) + _TITLE + _BAR + 34
    return picture(key, drawing.title, describe(drawing), height, *behind, *bars)


def _opening(above: tuple[float, float], bottom: float, below: tuple[float, float], top: float) -> Markup:
    """The light that falls from a part onto the layer that it opens to."""
    return polygon([(above[0], bottom), (above[1], bottom), (below[1], top), (below[0], top)], "zoom")


def describe(drawing: Nesting) -> str:
    """The picture in words."""
    return " ".join(
        f"{layer.name}, {layer.size} bytes ({layer.read_by}): "
        f"{', '.join(f'{part.name} {part.size}' for part in layer.parts)}."
        for layer in drawing.layers
    )


def _layer(
    layer: Layer, start: float, width: float, top: float, following: str
) -> tuple[list[Markup], tuple[float, float] | None]:
    """The bar of one layer, and where in it the next one is."""
    shapes = [
        text(_MARGIN, top + 14, f"{layer.name}: {layer.size:,} bytes, {layer.read_by}", anchor="start", kind="t strong")
    ]
    x, opened = start, None
    spots: list[tuple[float, float, Part]] = []
    for part in layer.parts:
        size = width * part.size / layer.size
        kind = "hidden" if part.hidden else "clear"
        shapes.append(box(x, top + _TITLE, size, _BAR, f"{kind} opened" if part.name == following else kind, radius=0))
        if part.name == following:
            opened = x, x + size
        spots.append((x + size / 2, size, part))
        x += size
    return [*shapes, *_names(top + _TITLE, spots)], opened


def _names(top: float, spots: list[tuple[float, float, Part]]) -> list[Markup]:
    """Names inside wide parts; those of narrow ones below, one line lower for each, lest they touch."""
    shapes, reach, lower = [], -1.0, 0
    for x, size, part in spots:
        words = f"{part.name} {part.size:,}"
        needed = 6.6 * len(words)
        if size > needed + 8:
            shapes.append(text(x, top + 19, words, kind="t small"))
            continue
        lower = lower + 1 if x - needed / 2 < reach else 0
        at = min(max(x, needed / 2 + 4), WIDTH - needed / 2 - 4)
        shapes.append(line(x, top + _BAR, at, top + _BAR + 6 + 13 * lower, "thin"))
        shapes.append(text(at, top + _BAR + 16 + 13 * lower, words, kind="t small"))
        reach = at + needed / 2 + 6
    return shapes
