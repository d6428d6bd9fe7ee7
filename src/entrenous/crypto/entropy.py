"""Where randomness comes from: an argument, so that a test can seed it and a reader can see it."""

import os
from collections.abc import Callable

from entrenous.errors import UsageError

#: Given a number of bytes, returns exactly that many, unpredictable to everybody else.
Entropy = Callable[[int], bytes]

#: The operating system's generator, passed in by the composition root.
system_entropy: Entropy = os.urandom


def draw(entropy: Entropy, size: int) -> bytes:
    """Take ``size`` bytes from ``entropy``.

    Raises:
        UsageError: the source gave another number of bytes, which would make a weak key.
    """
    value = entropy(size)
    if len(value) != size:
        raise UsageError(f"the entropy source gave {len(value)} bytes where {size} were asked for")
    return value
