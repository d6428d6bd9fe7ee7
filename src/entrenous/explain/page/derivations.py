"""Secrets that come out of each other, with who knows each."""

from entrenous.explain.drawings import Derivation, Secret
from entrenous.explain.page.markup import Markup
from entrenous.explain.page.svg import WIDTH, box, line, picture, sign, text

_BOX_WIDTH, _BOX_HEIGHT, _ROW, _COLUMN = 206.0, 48.0, 78.0, 238.0


def draw(key: str, drawing: Derivation) -> Markup:
    """The picture."""
    places = {secret.name: _place(secret) for secret in drawing.boxes}
    height = max(y for _, y in places.values()) + _BOX_HEIGHT + 12
    fans = {name for name, below in _children(drawing).items() if len(below) > 1}
    shapes = [*_rails(drawing, places)]
    for secret in drawing.boxes:
        for source in secret.sources:
            if secret.sources != (source,) or source not in fans:
                shapes += _way(places[source], places[secret.name])
    for secret in drawing.boxes:
        shapes += _box(secret, places[secret.name])
    return picture(key, drawing.title, describe(drawing), height, *shapes)


def describe(drawing: Derivation) -> str:
    """The picture in words."""
    return " ".join(
        f"{secret.name} comes from {' and '.join(secret.sources)}." for secret in drawing.boxes if secret.sources
    )


def _place(secret: Secret) -> tuple[float, float]:
    """The middle of a box's upper side."""
    return 122 + secret.column * _COLUMN, 8 + secret.row * _ROW


def _way(source: tuple[float, float], target: tuple[float, float]) -> list[Markup]:
    """From a box to one below it, or to the side of one that stands beside it or further down."""
    (x1, y1), (x2, y2) = source, target
    if abs(x1 - x2) <= _COLUMN / 2 and y1 < y2:
        return [line(x1, y1 + _BOX_HEIGHT, x2, y2, "edge")]
    side = x2 + _BOX_WIDTH / 2 if x1 > x2 else x2 - _BOX_WIDTH / 2
    middle = y2 + _BOX_HEIGHT / 2
    if y1 == y2:
        return [line(x1, middle, side, middle, "edge")]
    return [line(x1, y1 + _BOX_HEIGHT, x1, middle, "edge"), line(x1, middle, side, middle, "edge")]


def _children(drawing: Derivation) -> dict[str, list[str]]:
    """What comes from each secret alone."""
    return {
        secret.name: [child.name for child in drawing.boxes if child.sources == (secret.name,)]
        for secret in drawing.boxes
    }


def _rails(drawing: Derivation, places: dict[str, tuple[float, float]]) -> list[Markup]:
    """One line down from a secret to those that come from it alone, with a branch for each row of them."""
    shapes: list[Markup] = []
    for name, below in _children(drawing).items():
        if len(below) < 2:
            continue
        x, y = places[name]
        rows = sorted({places[child][1] for child in below})
        shapes.append(line(x, y + _BOX_HEIGHT, x, rows[-1], "edge"))
        for row in rows:
            xs = [places[child][0] for child in below if places[child][1] == row]
            shapes.append(line(min(xs), row - 14, max(xs), row - 14, "edge"))
            shapes += [line(at, row - 14, at, row, "edge") for at in xs]
    return shapes


def _box(secret: Secret, place: tuple[float, float]) -> list[Markup]:
    x, y = place
    left = min(max(x - _BOX_WIDTH / 2, 2), WIDTH - _BOX_WIDTH - 2)
    shapes = [
        box(left, y, _BOX_WIDTH, _BOX_HEIGHT, "secret"),
        text(left + 10, y + 20, secret.name, anchor="start", kind="t strong"),
        text(left + 10, y + 38, f"{secret.value}…", anchor="start", kind="t mono"),
    ]
    return [*shapes, *(sign(left + _BOX_WIDTH - 14 - 20 * at, y + 34, who) for at, who in enumerate(secret.known_to))]
