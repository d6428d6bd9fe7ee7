"""The secret tree (RFC 9420 §9): an epoch's encryption_secret split among all leaves, each split used and forgotten.

Nothing here keeps state. A function reads through a ``KeySource`` and returns, beside the key, the ``KeyChanges`` that
its caller writes in the same transaction as the message: one row per ratchet, log2(N) rows at a leaf's first use.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from entrenous.errors import UsageError
from entrenous.mls.schedule.ratchet import (
    ROOM_LIMITS,
    MessageKey,
    Ratchet,
    RatchetKind,
    RatchetLimits,
    key_at,
    next_key,
    start_ratchet,
)
from entrenous.mls.schedule.secrets import EncryptionSecret
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree.tree_math import direct_path, left, right, root


class KeySource(Protocol):
    """Reads the keys of one group's epoch that are not consumed yet."""

    def node(self, index: int) -> bytes | None:
        """The secret of a node of the secret tree; None if it is consumed or was never derived."""
        ...

    def ratchet(self, leaf: int, kind: RatchetKind) -> Ratchet | None:
        """A leaf's ratchet; None until the leaf's first message."""
        ...


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """What one message changes in the store.

    Attributes:
        nodes: secrets of nodes to write; None deletes the node's row.
        ratchets: ratchets to write over those with the same leaf and kind.
    """

    nodes: Mapping[int, bytes | None] = field(repr=False)
    ratchets: Mapping[tuple[int, RatchetKind], Ratchet]


def initial_nodes(encryption_secret: EncryptionSecret, width: int) -> dict[int, bytes]:
    """The secret tree of a new epoch: only its root.

    Args:
        encryption_secret: the epoch's.
        width: leaves of the ratchet tree, blank ones included; a power of two.
    """
    return {root(width): encryption_secret.reveal()}


def sending_key(
    suite: CipherSuite, keys: KeySource, width: int, leaf: int, kind: RatchetKind
) -> tuple[MessageKey, KeyChanges]:
    """The next key to send under. The changes must be on disk before anything sealed under it leaves.

    Raises:
        RejectedError: MLS-GENERATION-EXHAUSTED.
        UsageError: ``leaf`` is outside the tree, or ``keys`` are not this epoch's.
    """
    ratchet, changes = _ratchet(suite, keys, width, leaf, kind)
    key, after = next_key(suite, ratchet)
    return key, _with(changes, leaf, kind, after)


def receiving_key(
    suite: CipherSuite,
    keys: KeySource,
    width: int,
    leaf: int,
    kind: RatchetKind,
    generation: int,
    limits: RatchetLimits = ROOM_LIMITS,
) -> tuple[MessageKey, KeyChanges]:
    """The key of a received message. The changes are to be dropped if the message turns out not to be genuine.

    Raises:
        RejectedError: MLS-GENERATION-CONSUMED, MLS-GENERATION-TOO-FAR or MLS-GENERATION-EXHAUSTED.
        UsageError: ``leaf`` is outside the tree, or ``keys`` are not this epoch's.
    """
    ratchet, changes = _ratchet(suite, keys, width, leaf, kind)
    key, after = key_at(suite, ratchet, generation, limits)
    return key, _with(changes, leaf, kind, after)


def _ratchet(
    suite: CipherSuite, keys: KeySource, width: int, leaf: int, kind: RatchetKind
) -> tuple[Ratchet, KeyChanges]:
    ratchet = keys.ratchet(leaf, kind)
    if ratchet is not None:
        return ratchet, KeyChanges({}, {})
    changes = _first_use(suite, keys, width, leaf)
    return changes.ratchets[leaf, kind], changes


def _with(changes: KeyChanges, leaf: int, kind: RatchetKind, after: Ratchet) -> KeyChanges:
    return KeyChanges(changes.nodes, {**changes.ratchets, (leaf, kind): after})


def _first_use(suite: CipherSuite, keys: KeySource, width: int, leaf: int) -> KeyChanges:
    """Derive a leaf's two ratchets from its lowest stored ancestor, which is consumed by that."""
    if not 0 <= leaf < width:
        raise UsageError(f"leaf {leaf} is not in a tree of {width}")
    upwards = (2 * leaf, *direct_path(2 * leaf, width))
    stored = ((height, found) for height, node in enumerate(upwards) if (found := keys.node(node)) is not None)
    height, secret = next(stored, (-1, b""))
    if height < 0:
        raise UsageError("no ancestor of this leaf is left: the keys belong to another epoch")
    # RFC 9420 §9.2: all node secrets on the path to the leaf are consumed; their other children take their place.
    nodes: dict[int, bytes | None] = {upwards[height]: None}
    for node, child in itertools.pairwise(upwards[height::-1]):
        to_left = suite.expand_with_label(secret, "tree", b"left", suite.secret_size)
        to_right = suite.expand_with_label(secret, "tree", b"right", suite.secret_size)
        if child < node:
            secret, nodes[right(node)] = to_left, to_right
        else:
            nodes[left(node)], secret = to_left, to_right
    return KeyChanges(nodes, {(leaf, kind): start_ratchet(suite, secret, kind) for kind in RatchetKind})


class SecretTree:
    """A KeySource in memory."""

    __slots__ = ("_nodes", "_ratchets")

    def __init__(self, nodes: Mapping[int, bytes]) -> None:
        self._nodes = dict(nodes)
        self._ratchets: dict[tuple[int, RatchetKind], Ratchet] = {}

    def node(self, index: int) -> bytes | None:
        """The secret of a node, if it is stored."""
        return self._nodes.get(index)

    def ratchet(self, leaf: int, kind: RatchetKind) -> Ratchet | None:
        """A leaf's ratchet, if it was used."""
        return self._ratchets.get((leaf, kind))

    def apply(self, changes: KeyChanges) -> None:
        """Write what a message changed."""
        for index, secret in changes.nodes.items():
            if secret is None:
                self._nodes.pop(index, None)
            else:
                self._nodes[index] = secret
        self._ratchets.update(changes.ratchets)

    def __repr__(self) -> str:
        return f"SecretTree({len(self._nodes)} nodes, {len(self._ratchets)} ratchets)"
