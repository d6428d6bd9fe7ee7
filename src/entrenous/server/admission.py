"""Who may connect at all: how many connections there are, in all and from one address."""

from collections import Counter

from entrenous.server.settings import Limits


class Admission:
    """Counts open connections."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._per_address: Counter[str] = Counter()
        self.total = 0

    def enter(self, address: str) -> bool:
        """Count a connection from ``address``; False, and not counted, if there are too many."""
        if self.total >= self._limits.connections:
            return False
        if self._per_address[address] >= self._limits.connections_per_address:
            return False
        self.total += 1
        self._per_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """An admitted connection is gone."""
        self.total -= 1
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]
