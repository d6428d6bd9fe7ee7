"""The drawings in characters, for a terminal."""

from collections.abc import Iterator

from entrenous.explain.drawings import Derivation, Drawing, Nesting, Part, Sequence, Tree
from entrenous.mls.tree.tree_math import level, root

#: A sign in front of a node, for each mark.
_SIGNS = {"path": "*", "sealed to": ">", "blank": "_", "gone": "x", "kept": "o", "later": "_", "": " "}
#: What fills a bar: encrypted parts and others.
_HIDDEN, _CLEAR = "#", "-"


def words_of(drawing: Drawing, width: int) -> Iterator[str]:
    """A drawing as lines of at most ``width`` characters."""
    match drawing:
        case Sequence():
            return _sequence(drawing, width)
        case Tree():
            return _tree(drawing, width)
        case Nesting():
            return _nesting(drawing, width)
        case Derivation():
            return _derivation(drawing, width)


def _sequence(drawing: Sequence, width: int) -> Iterator[str]:
    room = width - 4
    yield f"  {drawing.left}{drawing.right.rjust(room - len(drawing.left))}"
    for arrow in drawing.arrows:
        label = f" {arrow.label}, {arrow.size:,} bytes "
        bar = label.center(room - 4, "-")
        yield f"  {'--' + bar + '->' if arrow.rightwards else '<-' + bar + '--'}"
        parts = ", ".join(f"{part.name} {part.size:,}{' (hidden)' * part.hidden}" for part in arrow.parts)
        yield from _folded(parts, width)


def _folded(words: str, width: int) -> Iterator[str]:
    line = "     "
    for word in words.split(", "):
        if len(line) + len(word) + 2 > width:
            yield line.rstrip()
            line = "     "
        line += f"{word}, "
    yield line.rstrip(", ")


def _tree(drawing: Tree, width: int) -> Iterator[str]:
    cell = (width - 2) // (2 * drawing.width)
    for height in range(level(root(drawing.width)), -1, -1):
        row = [" "] * width
        for node in drawing.nodes:
            if level(node.index) == height:
                text = f"{_SIGNS[node.mark]}{node.index}"
                start = 1 + node.index * cell + (cell - len(text)) // 2
                row[start : start + len(text)] = text
        yield "".join(row).rstrip()
    names = [" "] * width
    for node in drawing.nodes:
        if node.name:
            start = 1 + node.index * cell + (cell - len(node.name)) // 2
            names[max(start, 0) : start + len(node.name)] = node.name
    yield "".join(names).rstrip()
    for mark, words in drawing.legend:
        yield f"  {_SIGNS[mark].strip() or 'plain'}: {words}"


def _nesting(drawing: Nesting, width: int) -> Iterator[str]:
    room = width - 4
    largest = max(layer.size for layer in drawing.layers)
    for layer in drawing.layers:
        yield f"  {layer.name}, {layer.size:,} bytes: {layer.read_by}"
        yield f"  {_bar(layer.parts, max(1, room * layer.size // largest))}"
        yield from _folded(", ".join(f"{part.name} {part.size:,}" for part in layer.parts), width)


def _bar(parts: tuple[Part, ...], width: int) -> str:
    """The parts, to scale as far as characters go."""
    total, bar, done = sum(part.size for part in parts), "", 0
    for part in parts:
        done += part.size
        bar += (_HIDDEN if part.hidden else _CLEAR) * (round(width * done / total) - len(bar) - 1) + "|"
    return f"|{bar[1:]}"


def _derivation(drawing: Derivation, width: int) -> Iterator[str]:
    made: dict[tuple[str, ...], list[str]] = {}
    for secret in drawing.boxes:
        if secret.sources:
            made.setdefault(secret.sources, []).append(secret.name)
    for sources, names in made.items():
        yield f"  {' + '.join(sources)}"
        first, *more = _folded(", ".join(names), width)
        yield f"  -> {first.strip()}"
        yield from more
