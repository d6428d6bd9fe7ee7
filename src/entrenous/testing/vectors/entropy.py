"""Randomness that a vector names: the very bytes, in the order in which they are drawn."""

from entrenous.crypto import Entropy
from entrenous.errors import UsageError


def named(*values: bytes) -> Entropy:
    """An Entropy that gives ``values`` in turn, and nothing after them.

    Raises:
        UsageError: on a draw that no value is left for.
    """
    waiting = list(values)

    def draw(_size: int) -> bytes:
        if not waiting:
            raise UsageError("the operation draws more randomness than the vector names")
        return waiting.pop(0)

    return draw
