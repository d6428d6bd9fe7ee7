"""The rows of an epoch's keys: secrets of the secret tree and sender ratchets, each deleted as it is consumed."""

from collections.abc import Mapping

from entrenous.client.store.store import Rows, Transaction
from entrenous.mls.schedule import KeyChanges, Ratchet, RatchetKind


def node(rows: Rows, room: bytes, index: int) -> bytes | None:
    """The secret of a node of the secret tree, if it is not consumed."""
    row = rows.one("SELECT secret FROM secret_nodes WHERE room = ? AND node = ?", (room, index))
    return None if row is None else bytes(row[0])


def ratchet(rows: Rows, room: bytes, leaf: int, kind: RatchetKind) -> Ratchet | None:
    """A leaf's ratchet, if the leaf has sent in this epoch."""
    row = rows.one("SELECT ratchet FROM ratchets WHERE room = ? AND leaf = ? AND kind = ?", (room, leaf, int(kind)))
    return None if row is None else Ratchet.decode(row[0])


def apply(tx: Transaction, room: bytes, changes: KeyChanges) -> None:
    """Write what one message changed: O(1) rows, and log2(N) at a leaf's first use."""
    for index, secret in changes.nodes.items():
        if secret is None:
            tx.execute("DELETE FROM secret_nodes WHERE room = ? AND node = ?", (room, index))
        else:
            _put_node(tx, room, index, secret)
    for (leaf, kind), value in changes.ratchets.items():
        tx.execute(
            "INSERT INTO ratchets (room, leaf, kind, ratchet) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (room, leaf, kind) DO UPDATE SET ratchet = excluded.ratchet",
            (room, leaf, int(kind), value.encode()),
        )


def begin_epoch(tx: Transaction, room: bytes, nodes: Mapping[int, bytes]) -> None:
    """Delete every key of the epoch that ends and put the next one's secret tree in their place."""
    forget(tx, room)
    for index, secret in nodes.items():
        _put_node(tx, room, index, secret)


def forget(tx: Transaction, room: bytes) -> None:
    """Delete every key of a room."""
    tx.execute("DELETE FROM secret_nodes WHERE room = ?", (room,))
    tx.execute("DELETE FROM ratchets WHERE room = ?", (room,))


def _put_node(tx: Transaction, room: bytes, index: int, secret: bytes) -> None:
    tx.execute(
        "INSERT INTO secret_nodes (room, node, secret) VALUES (?, ?, ?)"
        " ON CONFLICT (room, node) DO UPDATE SET secret = excluded.secret",
        (room, index, secret),
    )
