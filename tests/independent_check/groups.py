"""docs/spec/groups.md, "Profile": RFC 9420 in the suite of rooms, for who joins as one of two and then reads.

It opens, computes and checks what leads to the keys: hashes, tags, signatures of messages. It does not judge leaves.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from independent_check.curves import verify
from independent_check.forms import (
    BrokenError,
    CryptoError,
    Fields,
    Reader,
    UncoveredError,
    expand,
    uint,
    unseal,
    vector,
)
from independent_check.hpke import KeyPair

SUITE, SIZE = 0xF0E2, 48
PRIVATE_MESSAGE, WELCOME = 2, 3
APPLICATION, COMMIT = 1, 3


def sha384(data: bytes) -> bytes:
    return hashlib.sha384(data).digest()


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha384")


def named(secret: bytes, label: str, context: bytes = b"", size: int = SIZE) -> bytes:
    """ExpandWithLabel; without a context DeriveSecret."""
    info = uint(size, 2) + vector(b"MLS 1.0 " + label.encode()) + vector(context)
    return expand("sha384", secret, info, size)


def expect(rule: str, holds: bool) -> None:
    if not holds:
        raise BrokenError(rule)


def hpke_open(pair: KeyPair, label: str, context: bytes, reader: Reader) -> bytes:
    """DecryptWithLabel."""
    info = vector(b"MLS 1.0 " + label.encode()) + vector(context)
    return pair.open(reader.vector(), info, reader.vector())


@dataclass
class Leaf:
    """A LeafNode: its bytes, and what is needed of it."""

    encoded: bytes
    signature_key: bytes
    identity: bytes

    @classmethod
    def read(cls, reader: Reader) -> "Leaf":
        start = reader.position
        reader.vector()
        signature_key = reader.vector()
        reader.enum(2, 1)
        identity = reader.vector()
        for _ in range(5):
            reader.vector()
        source = reader.enum(1, 1, 2, 3)
        if source == 1:
            reader.take(16)
        elif source == 3:
            reader.vector()
        reader.vector(), reader.vector()
        return cls(reader.data[start : reader.position], signature_key, identity)


@dataclass
class Tree:
    """Two leaves and the node above them, which may be blank."""

    leaves: list[Leaf]
    root: bytes

    @classmethod
    def read(cls, data: bytes) -> "Tree":
        outer = Reader(data)
        reader = Reader(outer.vector())
        outer.end()
        found: list[Leaf | bytes] = []
        while reader.position < len(reader.data):
            if not reader.enum(1, 0, 1):
                found.append(b"")
            elif reader.enum(1, 1, 2) == 1:
                found.append(Leaf.read(reader))
            else:
                start = reader.position
                reader.vector(), reader.vector(), reader.vector()
                found.append(reader.data[start : reader.position])
        match found:
            case [Leaf() as first, bytes() as root, Leaf() as second]:
                return cls([first, second], root)
        raise UncoveredError("a tree of other than two leaves")

    def hash(self) -> bytes:
        leaves = [sha384(b"\x01" + uint(n, 4) + b"\x01" + leaf.encoded) for n, leaf in enumerate(self.leaves)]
        root = b"\x01" + self.root if self.root else b"\x00"
        return sha384(b"\x02" + root + b"".join(map(vector, leaves)))


@dataclass
class Context:
    """A GroupContext."""

    group: bytes
    epoch: int
    tree_hash: bytes
    transcript: bytes
    extensions: bytes

    @classmethod
    def read(cls, reader: Reader) -> "Context":
        reader.enum(2, 1), reader.enum(2, SUITE)
        return cls(reader.vector(), reader.uint(8), reader.vector(), reader.vector(), reader.vector())

    def encode(self) -> bytes:
        head = uint(1, 2) + uint(SUITE, 2) + vector(self.group) + uint(self.epoch, 8)
        return head + vector(self.tree_hash) + vector(self.transcript) + vector(self.extensions)


@dataclass
class Epoch:
    """An epoch's secret and the keys that were used."""

    context: Context
    tree: Tree
    secret: bytes
    used: set[tuple[int, int, int]] = field(default_factory=set)

    @classmethod
    def after(cls, context: Context, tree: Tree, member: bytes) -> "Epoch":
        return cls(context, tree, named(member, "epoch", context.encode()))

    @property
    def tag(self) -> bytes:
        return mac(named(self.secret, "confirm"), self.context.transcript)

    def key(self, leaf: int, kind: int, generation: int) -> tuple[bytes, bytes]:
        """Of a message; a later one of the same ratchet takes those before it away."""
        last = max((each[2] for each in self.used if each[:2] == (leaf, kind)), default=-1)
        expect("MLS-GENERATION-CONSUMED", generation > last)
        secret = named(named(self.secret, "encryption"), "tree", (b"left", b"right")[leaf])
        secret = named(secret, "application" if kind == APPLICATION else "handshake")
        for number in range(generation):
            secret = named(secret, "secret", uint(number, 4))
        self.used.add((leaf, kind, generation))
        return named(secret, "key", uint(generation, 4), 32), named(secret, "nonce", uint(generation, 4), 12)


class Member:
    """Who has joined."""

    def __init__(self, given: Fields) -> None:
        self.pair = KeyPair(given.hex("leaf_key"))
        package = given.hex("key_package")
        message = Reader(given.hex("welcome"))
        message.enum(2, 1), message.enum(2, WELCOME), message.enum(2, SUITE)
        everybody, sealed = Reader(message.vector()), message.vector()
        message.end()
        reference = sha384(vector(b"MLS 1.0 KeyPackage Reference") + vector(package))
        expect("MLS-WELCOME-NOT-FOR-US", everybody.vector() == reference)
        secrets = Reader(hpke_open(KeyPair(given.hex("init_key")), "Welcome", sealed, everybody))
        joiner = secrets.vector()
        path_secret = secrets.vector() if secrets.enum(1, 0, 1) else b""
        member = mac(joiner, bytes(SIZE))
        welcome = named(member, "welcome")
        info = Reader(unseal(named(welcome, "key", size=32), named(welcome, "nonce", size=12), sealed, b""))
        context, tree = Context.read(info), Tree.read(given.hex("ratchet_tree"))
        expect("MLS-GROUP-INFO-TREE", tree.hash() == context.tree_hash)
        info.vector()
        tag, signer = info.vector(), info.uint(4)
        signed = info.data[: info.position]
        verify(tree.leaves[signer].signature_key, "MLS 1.0 GroupInfoTBS", vector(signed), info.vector())
        if path_secret:
            self._check_root(path_secret, tree.root)
        self.epoch = Epoch.after(context, tree, member)
        expect("MLS-CONFIRMATION-TAG", self.epoch.tag == tag)
        (self.leaf,) = (n for n, leaf in enumerate(tree.leaves) if leaf.encoded in package)

    @staticmethod
    def _check_root(path_secret: bytes, root: bytes) -> None:
        expect("MLS-PATH-SECRET", KeyPair.derive(named(path_secret, "node")).public == Reader(root).vector())

    def take(self, data: bytes) -> list[Any] | None:
        """What is heard; None for a Commit, which is followed."""
        reader, epoch = Reader(data), self.epoch
        reader.enum(2, 1), reader.enum(2, PRIVATE_MESSAGE)
        group, number, kind = reader.vector(), reader.uint(8), reader.enum(1, APPLICATION, COMMIT)
        told, sealed_sender, sealed = reader.vector(), reader.vector(), reader.vector()
        reader.end()
        expect("MLS-GROUP", group == epoch.context.group)
        expect("MLS-EPOCH", number == epoch.context.epoch)
        head, sample = vector(group) + uint(number, 8) + uint(kind, 1), sealed[:SIZE]
        secret = named(epoch.secret, "sender data")
        sender = Reader(
            unseal(named(secret, "key", sample, 32), named(secret, "nonce", sample, 12), sealed_sender, head)
        )
        leaf, generation, guard = sender.uint(4), sender.uint(4), sender.take(4)
        key, nonce = epoch.key(leaf, kind, generation)
        nonce = bytes(a ^ b for a, b in zip(nonce[:4], guard, strict=True)) + nonce[4:]
        content = Reader(unseal(key, nonce, sealed, head + vector(told)))
        path, said = None, b""
        if kind == APPLICATION:
            said = content.vector()
        else:
            expect("POLICY-PROPOSAL", content.vector() == b"" and content.enum(1, 0, 1) == 1)
            path = Leaf.read(content), Reader(content.vector())
        body = content.data[: content.position]
        framed = vector(group) + uint(number, 8) + b"\x01" + uint(leaf, 4) + vector(told) + uint(kind, 1) + body
        covered = uint(1, 2) + uint(PRIVATE_MESSAGE, 2) + framed + epoch.context.encode()
        signature = content.vector()
        verify(epoch.tree.leaves[leaf].signature_key, "MLS 1.0 FramedContentTBS", vector(covered), signature)
        if path:
            self._follow(leaf, *path, uint(PRIVATE_MESSAGE, 2) + framed + vector(signature), content.vector())
            return None
        return [leaf, told.hex(), said.hex()]

    def _follow(self, sender: int, leaf: Leaf, nodes: Reader, confirmed: bytes, tag: bytes) -> None:
        """A Commit of a path alone, from the other leaf."""
        before = self.epoch
        public, encrypted = nodes.vector(), Reader(nodes.vector())
        leaves = [leaf if n == sender else other for n, other in enumerate(before.tree.leaves)]
        tree = Tree(leaves, vector(public) + vector(b"") + vector(b""))
        was = before.context
        context = Context(was.group, was.epoch + 1, tree.hash(), was.transcript, was.extensions)
        path_secret = hpke_open(self.pair, "UpdatePathNode", context.encode(), encrypted)
        self._check_root(path_secret, tree.root)
        context.transcript = sha384(sha384(was.transcript + vector(before.tag)) + confirmed)
        extracted = mac(named(before.secret, "init"), named(path_secret, "path"))
        joiner = named(extracted, "joiner", context.encode())
        self.epoch = Epoch.after(context, tree, mac(joiner, bytes(SIZE)))
        if self.epoch.tag != tag:
            raise CryptoError


def joining(given: Fields) -> dict[str, Any]:
    if given["suite"] != SUITE:
        raise UncoveredError("it is in another suite than that of rooms; ts-mls tries these")
    member = Member(given)
    heard = [member.take(bytes.fromhex(message)) for message in given["messages"]]
    epoch = member.epoch
    return {
        "group_id": epoch.context.group.hex(),
        "epoch": epoch.context.epoch,
        "epoch_authenticator": named(epoch.secret, "authentication").hex(),
        "leaf": member.leaf,
        "members": [[number, leaf.identity.hex()] for number, leaf in enumerate(epoch.tree.leaves)],
        "heard": [each for each in heard if each is not None],
    }
