"""The mls package's KeySource over the store's rows: one room's keys, read when they are needed."""

from entrenous.client.store import Rows, keys
from entrenous.mls.schedule import Ratchet, RatchetKind


class StoredKeys:
    """Reads one room's keys. Inside a transaction it is made over that transaction, so it sees its writes."""

    __slots__ = ("_room", "_rows")

    def __init__(self, rows: Rows, room: bytes) -> None:
        self._rows = rows
        self._room = room

    def node(self, index: int) -> bytes | None:
        """The secret of a node of the secret tree not yet consumed."""
        return keys.node(self._rows, self._room, index)

    def ratchet(self, leaf: int, kind: RatchetKind) -> Ratchet | None:
        """A leaf's ratchet; None until the leaf's first message of the epoch."""
        return keys.ratchet(self._rows, self._room, leaf, kind)
