"""Secrets that come out of each other, with who knows each."""

from entrenous.explain.drawings import Derivation, Secret
from entrenous.explain.page.markup import Markup
from entrenous.explain.page.svg import WIDTH, badge, box, line, picture, text

_BOX_WIDTH, _BOX_HEIGHT, _ROW, _COLUMN = 206.0, 48.0, 78.0, 238.0


def draw(key: str, drawing: Derivation) -> Markup:
    """The picture."""
    places = {secret.name: _place(secret) for secret in drawing.boxes}
    height = max(y for _, y in places.values()) + _BOX_HEIGHT + 12
    shapes = []
    for secret in drawing.boxes:
        x, y = places[secret.name]
        for source in secret.sources:
            from_x, from_y = places[source]
            if secret.row - _row(drawing, source) <= 1 or secret.column == 1.0:
                shapes.append(line(from_x, from_y + _BOX_HEIGHT, x, y, "edge"))
    children = _children(drawing, places)
    for secret in drawing.boxes:
        shapes += _box(secret, places[secret.name])
    return picture(key, drawing.title, describe(drawing), height, *children, *shapes)


def describe(drawing: Derivation) -> str:
    """The picture in words."""
    return " ".join(
        f"{secret.name} comes from {' and '.join(secret.sources)}." for secret in drawing.boxes if secret.sources
    )


def _row(drawing: Derivation, name: str) -> int:
    return next(secret.row for secret in drawing.boxes if secret.name == name)


def _place(secret: Secret) -> tuple[float, float]:
    """The middle of a box's upper side."""
    return 122 + secret.column * _COLUMN, 8 + secret.row * _ROW


def _children(drawing: Derivation, places: dict[str, tuple[float, float]]) -> list[Markup]:
    """A rail from a secret to those that come from it alone, where they fill several rows."""
    shapes: list[Markup] = []
    for secret in drawing.boxes:
        below = [child for child in drawing.boxes if child.sources == (secret.name,)]
        if len(below) < 2:
            continue
        x, y = places[secret.name]
        lowest = max(places[child.name][1] for child in below)
        shapes.append(line(x, y + _BOX_HEIGHT, x, lowest, "edge"))
        for row in sorted({places[child.name][1] for child in below}):
            xs = [places[child.name][0] for child in below if places[child.name][1] == row]
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
    return [*shapes, *(badge(left + _BOX_WIDTH - 14 - 20 * at, y + 34, who) for at, who in enumerate(secret.known_to))]
