"""Randomness that a test can repeat."""

import hashlib


class SeededEntropy:
    """An ``Entropy``: SHAKE256 over a seed and a counter. The same seed gives the same bytes in the same order.

    For tests alone: who knows the seed knows every key.
    """

    def __init__(self, seed: bytes | str | int = 0) -> None:
        self._seed = hashlib.sha256(repr(seed).encode()).digest()
        self._calls = 0

    def __call__(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        self._calls += 1
        return hashlib.shake_256(self._seed + self._calls.to_bytes(8, "big")).digest(size)

    def child(self, name: str) -> "SeededEntropy":
        """Another source that this one's draws do not disturb, the same for the same name."""
        return SeededEntropy(self._seed + name.encode())
