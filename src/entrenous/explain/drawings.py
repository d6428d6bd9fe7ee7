"""What the pictures show, as plain data of the run; ``page`` draws them, and a terminal tells them in words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrenous.explain.model import Knower


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a message or of a nesting.

    Attributes:
        name: what it is.
        size: bytes.
        hidden: whether it travels encrypted.
    """

    name: str
    size: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """One message of a sequence.

    Attributes:
        label: its name.
        rightwards: from the left party to the right one.
        size: bytes.
        parts: what it is made of, in order.
    """

    label: str
    rightwards: bool
    size: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Messages between two parties, and what each of them holds in the end."""

    title: str
    left: str
    right: str
    arrows: tuple[Arrow, ...]
    left_holds: tuple[str, ...]
    right_holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """A box of a derivation.

    Attributes:
        name: the standard's.
        value: its first digits, or "" where the run does not show it.
        row: from the top.
        column: from the left, in units of a box; halves are allowed.
        known_to: who holds it.
        sources: names of the boxes that it comes from.
    """

    name: str
    value: str
    row: int
    column: float
    known_to: "tuple[Knower, ...]"
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Derivation:
    """Secrets that come out of each other, from the top down."""

    title: str
    boxes: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node of a ratchet tree or secret tree.

    Attributes:
        index: in the array of RFC 9420 appendix C.
        name: the member at a leaf; "" elsewhere.
        key: the first digits of its public key or secret; "" where there is none.
        mark: "path" on the way that the picture is about, "blank", "sealed to" for a node that a path secret is
            encrypted to, "gone" for a consumed secret, "kept", or "".
    """

    index: int
    name: str
    key: str
    mark: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of ``width`` leaves.

    Attributes:
        legend: what each mark that occurs means, in words.
    """

    title: str
    width: int
    nodes: tuple[TreeNode, ...]
    legend: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a nesting: what stands before its content, and behind it.

    Attributes:
        name: of the layer.
        size: bytes of the whole layer.
        parts: all of it, from the first byte to the last; the next layer is the part of its name.
        read_by: who can read inside.
    """

    name: str
    size: int
    parts: tuple[Part, ...]
    read_by: str


@dataclass(frozen=True, slots=True)
class Nesting:
    """Layers around each other, to scale, the outermost first."""

    title: str
    layers: tuple[Layer, ...]


Drawing = Sequence | Derivation | Tree | Nesting
