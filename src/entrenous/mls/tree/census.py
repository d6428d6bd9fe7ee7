"""What the nodes of a tree owe to each other, counted once and carried from tree to tree (RFC 9420 §7.3, §12.4.3.1)."""

from collections.abc import Iterable
from typing import TypeVar

from entrenous.mls.types import CredentialType, LeafNode, Node, credential_type

T = TypeVar("T")


class Census:
    """How often each key and each kind of credential stands in a tree. Not changed after it was made.

    Attributes:
        nodes: how many nodes are not blank.
        members: how many of them are leaves.
        encryption_keys: of all nodes, each with its number.
        signature_keys: of the members.
        credentials: the kinds of the members' credentials.
        understood: lists of the kinds that a member supports.
    """

    __slots__ = ("credentials", "encryption_keys", "members", "nodes", "signature_keys", "understood")

    def __init__(self) -> None:
        self.nodes = 0
        self.members = 0
        self.encryption_keys: dict[bytes, int] = {}
        self.signature_keys: dict[bytes, int] = {}
        self.credentials: dict[CredentialType, int] = {}
        self.understood: dict[tuple[int, ...], int] = {}

    @classmethod
    def of(cls, nodes: Iterable[Node | None]) -> "Census":
        """The census of these nodes."""
        made = cls()
        for node in nodes:
            made._count(node, 1)
        return made

    def replaced(self, gone: Iterable[Node | None], come: Iterable[Node | None]) -> "Census":
        """The census after some nodes left and others came."""
        made = Census()
        made.nodes, made.members = self.nodes, self.members
        made.encryption_keys, made.signature_keys = self.encryption_keys.copy(), self.signature_keys.copy()
        made.credentials, made.understood = self.credentials.copy(), self.understood.copy()
        for node in gone:
            made._count(node, -1)
        for node in come:
            made._count(node, 1)
        return made

    def _count(self, node: Node | None, change: int) -> None:
        if node is None:
            return
        self.nodes += change
        _add(self.encryption_keys, node.encryption_key, change)
        if isinstance(node, LeafNode):
            self.members += change
            _add(self.signature_keys, node.signature_key, change)
            _add(self.credentials, credential_type(node.credential), change)
            _add(self.understood, node.capabilities.credentials, change)


def _add(counts: dict[T, int], what: T, change: int) -> None:
    count = counts.get(what, 0) + change
    if count:
        counts[what] = count
    else:
        del counts[what]
