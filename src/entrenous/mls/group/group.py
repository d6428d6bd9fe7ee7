"""A group in one epoch, as one member holds it (RFC 9420 §4, §8): an immutable value.

A Group does not hold the keys of messages; those are rows behind a ``schedule.KeySource``. So it is written once per
epoch, and a message costs only its ratchet's row.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from entrenous.codec import Opaque, Struct, UInt32, UInt64, Vector, struct
from entrenous.crypto import KEMPrivateKey
from entrenous.errors import MalformedError, UsageError
from entrenous.mls.schedule import EncryptionSecret, EpochSecrets, ResumptionPsk, export, initial_nodes
from entrenous.mls.suite import CipherSuite, cipher_suite
from entrenous.mls.tree import GroupRules, RatchetTree
from entrenous.mls.types import GroupContext, LeafNode, RatchetTreeNodes, ReInit, external_senders
from entrenous.trace import SILENT, Trace

#: Past epochs whose resumption PSK is kept, so that a later Commit can prove membership in them (RFC 9420 §8.6).
RESUMPTION_EPOCHS = 8


@dataclass(frozen=True, slots=True)
class Group:
    """One epoch of a group. It is the ``framing.EpochView`` that messages are protected and opened with.

    Attributes:
        context: what all members agree on.
        tree: the members and their public keys.
        secrets: the epoch's secrets.
        own_leaf: our leaf index.
        private_keys: our HPKE private keys by node index: our leaf's, and those above it that we know.
        interim_transcript_hash: to go on from at the next Commit.
        confirmation_tag: of the Commit that began this epoch.
        resumption: the resumption PSKs of the last epochs, the oldest first.
        reinit: what the Commit that began this epoch says of the group's successor: nothing is sent here any more.
    """

    context: GroupContext
    tree: RatchetTree
    secrets: EpochSecrets
    own_leaf: int
    private_keys: Mapping[int, KEMPrivateKey]
    interim_transcript_hash: bytes
    confirmation_tag: bytes
    resumption: tuple[tuple[int, ResumptionPsk], ...] = ()
    reinit: ReInit | None = None
    suite: CipherSuite = field(init=False)
    encoded_context: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "suite", cipher_suite(self.context.cipher_suite))
        object.__setattr__(self, "encoded_context", self.context.encode())

    @property
    def group_id(self) -> bytes:
        """The group's id, the same in all epochs."""
        return self.context.group_id

    @property
    def epoch(self) -> int:
        """The epoch's number."""
        return self.context.epoch

    @property
    def is_closed(self) -> bool:
        """Whether the group was reinitialised (RFC 9420 §12.4.2): ``reinitialize`` or a Welcome leads on."""
        return self.reinit is not None

    @property
    def width(self) -> int:
        """Leaves of the ratchet tree, with the blank ones."""
        return self.tree.width

    @property
    def own_leaf_node(self) -> LeafNode:
        """Our own leaf."""
        return self.tree.member(self.own_leaf)

    @property
    def rules(self) -> GroupRules:
        """What the group asks of its members' leaves."""
        return GroupRules.of(self.suite, self.group_id, self.context.extensions)

    @property
    def epoch_authenticator(self) -> bytes:
        """Equal at two members only if they see the same epoch (RFC 9420 §8.7)."""
        return self.secrets.epoch_authenticator.reveal()

    def members(self) -> Iterator[tuple[int, LeafNode]]:
        """Leaf index and LeafNode of every member, from left to right."""
        return self.tree.members()

    def signature_key(self, leaf: int) -> bytes | None:
        """The signature key of a member; None where nobody is."""
        member = self.tree.leaf(leaf)
        return None if member is None else member.signature_key

    def external_sender_key(self, index: int) -> bytes | None:
        """The signature key of one of the group's external senders; None where there is no such sender."""
        senders = external_senders(self.context.extensions)
        return senders[index].signature_key if index < len(senders) else None

    def resumption_psk(self, epoch: int) -> ResumptionPsk | None:
        """The resumption PSK of this or one of the last epochs; None where it is not kept (RFC 9420 §8.6)."""
        return dict(self.resumption).get(epoch, self.secrets.resumption_psk if epoch == self.epoch else None)

    def export(self, label: str, context: bytes, length: int) -> bytes:
        """MLS-Exporter (RFC 9420 §8.5): a secret of the epoch for the application.

        Raises:
            UsageError: ``length`` is out of range.
        """
        return export(self.suite, self.secrets.exporter_secret, label, context, length)

    def encode(self, *, with_tree: bool = True) -> bytes:
        """The whole state, secrets in clear, for a store that is encrypted itself.

        Args:
            with_tree: False leaves the tree out, for a store that keeps its nodes in rows of their own.
        """
        keys = tuple(_StoredKey(node, key.reveal()) for node, key in sorted(self.private_keys.items()))
        return _StoredGroup(
            self.context,
            self.secrets.encode(),
            self.own_leaf,
            keys,
            self.interim_transcript_hash,
            self.confirmation_tag,
            tuple(_StoredResumption(epoch, psk.reveal()) for epoch, psk in self.resumption),
            self.reinit,
            self.tree.nodes() if with_tree else (),
        ).encode()

    @classmethod
    def decode(cls, data: bytes, tree: RatchetTree | None = None) -> "Group":
        """Read what ``encode`` wrote.

        Args:
            data: the state.
            tree: the tree, where it was encoded without.

        Raises:
            MalformedError: ``data`` is something else, or the tree is not this epoch's.
            RejectedError: the stored suite is none that this library speaks.
        """
        stored = _StoredGroup.decode(data)
        suite = cipher_suite(stored.context.cipher_suite)
        if tree is None:
            tree = RatchetTree.from_nodes(suite.hash, stored.tree)
        if tree.tree_hash() != stored.context.tree_hash:
            raise MalformedError("a stored group has the tree of another epoch")
        try:
            keys = {key.node: suite.hpke.key_pair(key.private).private for key in stored.private_keys}
        except UsageError:
            raise MalformedError("a stored private key is none of its suite") from None
        return cls(
            stored.context,
            tree,
            EpochSecrets.decode(suite, stored.secrets),
            stored.own_leaf,
            keys,
            stored.interim_transcript_hash,
            stored.confirmation_tag,
            tuple((entry.epoch, ResumptionPsk(entry.psk)) for entry in stored.resumption),
            stored.reinit,
        )

    def __repr__(self) -> str:
        return f"Group({self.group_id.hex()[:16]}, epoch {self.epoch}, leaf {self.own_leaf} of {self.tree!r})"


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """A group at the very beginning of an epoch, with the secret tree that its messages' keys come from.

    Attributes:
        group: the epoch.
        nodes: secrets of the secret tree by node index, for the ``schedule.KeySource``; kept nowhere else.
    """

    group: Group
    nodes: Mapping[int, bytes] = field(repr=False)

    @classmethod
    def of(cls, group: Group, encryption_secret: EncryptionSecret, *, trace: Trace = SILENT) -> "NewEpoch":
        """An epoch with the untouched secret tree of this secret; ``trace`` is told of it after its secrets."""
        if trace is not SILENT:
            context = group.context
            trace.step(
                "mls.epoch",
                group=context.group_id.hex(),
                epoch=context.epoch,
                suite=context.cipher_suite,
                width=group.width,
                tree_hash=context.tree_hash.hex()[:16],
            )
        return cls(group, initial_nodes(encryption_secret, group.width))

    def encode(self, *, with_tree: bool = True) -> bytes:
        """Both, secrets in clear, so that a Commit can be stored before it is sent.

        Args:
            with_tree: False leaves the tree out, for a store that keeps what the Commit changes in it.
        """
        nodes = tuple(_StoredKey(index, secret) for index, secret in sorted(self.nodes.items()))
        return _StoredEpoch(self.group.encode(with_tree=with_tree), nodes).encode()

    @classmethod
    def decode(cls, data: bytes, tree: RatchetTree | None = None) -> "NewEpoch":
        """Read what ``encode`` wrote.

        Args:
            data: both.
            tree: the tree, where they were encoded without.

        Raises:
            MalformedError: ``data`` is something else, or the tree is not this epoch's.
            RejectedError: the stored suite is none that this library speaks.
        """
        stored = _StoredEpoch.decode(data)
        return cls(Group.decode(stored.group, tree), {entry.node: entry.private for entry in stored.nodes})


@struct
class _StoredKey(Struct):
    """A secret that belongs to a node."""

    node: UInt32
    private: Opaque = dataclasses.field(repr=False)


@struct
class _StoredResumption(Struct):
    """The resumption PSK of one epoch."""

    epoch: UInt64
    psk: Opaque = dataclasses.field(repr=False)


@struct
class _StoredGroup(Struct):
    """A Group as it is stored."""

    context: GroupContext
    secrets: Opaque = dataclasses.field(repr=False)
    own_leaf: UInt32
    private_keys: Vector[_StoredKey]
    interim_transcript_hash: Opaque
    confirmation_tag: Opaque
    resumption: Vector[_StoredResumption]
    reinit: ReInit | None
    tree: RatchetTreeNodes


@struct
class _StoredEpoch(Struct):
    """A NewEpoch as it is stored."""

    group: Opaque = dataclasses.field(repr=False)
    nodes: Vector[_StoredKey]
