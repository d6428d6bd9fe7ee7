"""Ratchet trees and secret trees: what is on the way, what is blank, who stands where."""

from entrenous.explain.drawings import Tree, TreeNode
from entrenous.explain.page.markup import Markup
from entrenous.explain.page.svg import WIDTH, box, line, picture, text
from entrenous.mls.tree.tree_math import is_leaf, left, level, right, root

_ROW, _NODE_WIDTH, _NODE_HEIGHT, _TOP = 84.0, 78.0, 46.0, 14.0
#: A sign for each mark, so that colour is not needed to tell.
_SIGNS = {"path": "★", "sealed to": "✉", "blank": "", "gone": "✕", "kept": "●", "later": "", "": ""}
#: Marks whose nodes have nothing inside.
_EMPTY = ("blank", "later")


def draw(key: str, drawing: Tree) -> Markup:
    """The picture."""
    top = level(root(drawing.width))
    places = {
        node.index: (_x(node.index, drawing.width), _TOP + (top - level(node.index)) * _ROW) for node in drawing.nodes
    }
    marks = {node.index: node.mark for node in drawing.nodes}
    shapes = []
    for node in drawing.nodes:
        if is_leaf(node.index):
            continue
        for child in (left(node.index), right(node.index)):
            both = {marks[node.index], marks[child]} in ({"path"}, {"gone"})
            (x1, y1), (x2, y2) = places[node.index], places[child]
            shapes.append(line(x1, y1 + _NODE_HEIGHT, x2, y2, "edge way" if both else "edge"))
    for node in drawing.nodes:
        shapes += _node(node, places[node.index])
    bottom = _TOP + top * _ROW + _NODE_HEIGHT + 22
    shapes += _legend(bottom + 20, drawing)
    return picture(key, drawing.title, describe(drawing), bottom + 34 + 22 * _rows(drawing), *shapes)


def describe(drawing: Tree) -> str:
    """The picture in words."""
    words = dict(drawing.legend)
    told = [
        f"Node {node.index}{f' ({node.name})' if node.name else ''}: {words.get(node.mark, 'key')}."
        for node in drawing.nodes
    ]
    return f"A tree with room for {drawing.width} leaves. {' '.join(told)}"


def _x(index: int, width: int) -> float:
    return WIDTH * (index + 1) / (2 * width)


def _node(node: TreeNode, place: tuple[float, float]) -> list[Markup]:
    x, y = place
    kind = f"node node-{node.mark.replace(' ', '-') or 'key'}"
    shapes = [box(x - _NODE_WIDTH / 2, y, _NODE_WIDTH, _NODE_HEIGHT, kind, radius=22 if is_leaf(node.index) else 5)]
    sign = _SIGNS[node.mark]
    number = f"{sign} {node.index}" if sign else str(node.index)
    shapes.append(text(x, y + 19, number, kind="t strong" if node.mark not in _EMPTY else "t dim"))
    shapes.append(text(x, y + 36, node.key or ("blank" if node.mark == "blank" else "–"), kind="t mono small"))
    if node.name:
        shapes.append(text(x, y + _NODE_HEIGHT + 17, node.name, kind="t"))
    return shapes


def _rows(drawing: Tree) -> int:
    return (len(drawing.legend) + 1) // 2


def _legend(top: float, drawing: Tree) -> list[Markup]:
    shapes = []
    for place, (mark, words) in enumerate(drawing.legend):
        x, y = 40 + (place % 2) * WIDTH / 2, top + 22 * (place // 2)
        shapes.append(box(x, y, 26, 16, f"node node-{mark.replace(' ', '-') or 'key'}"))
        shapes.append(text(x + 13, y + 13, _SIGNS[mark], kind="t small"))
        shapes.append(text(x + 34, y + 13, words, anchor="start", kind="t small"))
    return shapes
