"""TreeKEM: new keys from a leaf to the root, and their secrets for everybody else (RFC 9420 §7.4 to §7.6)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from entrenous.crypto import Entropy, KEMKeyPair, KEMPrivateKey, Secret, draw
from entrenous.errors import CryptoError, RejectedError
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import tree_math
from entrenous.mls.tree.editor import TreeEditor
from entrenous.mls.tree.parent_hash import path_parent_hashes
from entrenous.mls.tree.ratchet_tree import RatchetTree
from entrenous.mls.types import FromCommit, HPKECiphertext, LeafNode, ParentNode, UpdatePath, UpdatePathNode
from entrenous.trace import SILENT, Trace

#: RFC 9420 §7.6's label for the encryption of path secrets.
PATH_LABEL = "UpdatePathNode"

#: A filtered direct path: its nodes from the bottom up, each with its child on the copath.
FilteredPath = Sequence[tuple[int, int]]


class TreePathSecret(Secret):
    """path_secret[n]: the seed of one node's key pair and of all above it."""

    __slots__ = ()


class PathCommitSecret(Secret):
    """path_secret[n+1]: what a path contributes to the key schedule, as its commit_secret."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class DerivedPath:
    """What one path secret leads to: the key pairs from its node to the root, and the commit_secret."""

    secrets: tuple[TreePathSecret, ...]
    keys: tuple[KEMKeyPair, ...]
    commit_secret: PathCommitSecret


@dataclass(frozen=True, slots=True)
class NewPath:
    """A path of our own before its secrets are encrypted; the context of that encryption needs the finished tree.

    Attributes:
        before: the tree that the path was made for, whose resolutions its secrets are encrypted to.
        tree: the tree with the path in it.
        leaf_index: our leaf.
        leaf_node: our new leaf, signed.
        path: the filtered direct path.
        derived: the path's secrets and keys.
        private_keys: our private keys in ``tree``, the leaf's with them, by node index.
    """

    before: RatchetTree
    tree: RatchetTree
    leaf_index: int
    leaf_node: LeafNode
    path: FilteredPath
    derived: DerivedPath
    private_keys: Mapping[int, KEMPrivateKey]

    @property
    def commit_secret(self) -> PathCommitSecret:
        """What the path contributes to the key schedule."""
        return self.derived.commit_secret

    def secret_for(self, leaf_index: int) -> TreePathSecret:
        """The path secret of the lowest node that we share with a new member (RFC 9420 §12.4.3.1)."""
        node = tree_math.common_ancestor(self.leaf_index, leaf_index)
        return self.derived.secrets[[above for above, _ in self.path].index(node)]

    def encrypt(
        self, suite: CipherSuite, group_context: bytes, new_leaves: Collection[int], entropy: Entropy
    ) -> UpdatePath:
        """The UpdatePath for all others.

        Args:
            suite: the group's.
            group_context: the encoded provisional GroupContext, with the tree hash of ``tree``.
            new_leaves: leaf indices that this Commit adds; they get their secret in a Welcome.
            entropy: for the encryptions.

        Raises:
            CryptoError: somebody's public key is none.
        """
        nodes = []
        for (_, copath), secret, key in zip(self.path, self.derived.secrets, self.derived.keys, strict=True):
            plaintext = secret.reveal()
            sealed = [
                HPKECiphertext(
                    *suite.encrypt_with_label(
                        self.before.encryption_key(to), PATH_LABEL, group_context, plaintext, entropy
                    )
                )
                for to in recipients(self.before, copath, new_leaves)
            ]
            nodes.append(UpdatePathNode(key.public, tuple(sealed)))
        return UpdatePath(self.leaf_node, tuple(nodes))


def recipients(tree: RatchetTree, copath: int, new_leaves: Collection[int]) -> list[int]:
    """The nodes to whose keys a path secret goes: the copath child's resolution without this Commit's newcomers."""
    resolution = tree.resolution(copath)
    if not new_leaves:
        return resolution
    excluded = {2 * leaf for leaf in new_leaves}
    return [node for node in resolution if node not in excluded]


def derive_path(suite: CipherSuite, path_secret: TreePathSecret, length: int, *, trace: Trace = SILENT) -> DerivedPath:
    """Follow a path secret up over ``length`` nodes (RFC 9420 §7.4)."""
    secrets: list[TreePathSecret] = []
    keys: list[KEMKeyPair] = []
    current = path_secret.reveal()
    for step in range(length):
        secrets.append(TreePathSecret(current))
        keys.append(suite.derive_key_pair(suite.derive_secret(current, "node")))
        trace.derived(f"path_secret[{step}]", current, "path_secret")
        current = suite.derive_secret(current, "path")
    trace.derived("commit_secret", current, "path_secret")
    return DerivedPath(tuple(secrets), tuple(keys), PathCommitSecret(current))


def create_path(
    suite: CipherSuite,
    tree: RatchetTree,
    leaf_index: int,
    sign_leaf: Callable[[bytes, FromCommit], LeafNode],
    entropy: Entropy,
    *,
    trace: Trace = SILENT,
) -> NewPath:
    """Make new keys for our leaf and everything above it (RFC 9420 §7.5).

    Args:
        suite: the group's.
        tree: the tree after the Commit's proposals.
        leaf_index: our leaf, which is not blank.
        sign_leaf: makes our signed LeafNode of a new encryption key and its parent hash.
        entropy: for the leaf's key and the first path secret.
        trace: told of the derived secrets.
    """
    path = tree.filtered_direct_path(leaf_index)
    leaf_key = suite.hpke.generate(entropy)
    derived = derive_path(suite, TreePathSecret(draw(entropy, suite.secret_size)), len(path), trace=trace)
    nodes, leafs_parent_hash = path_parent_hashes(tree, path, [key.public for key in derived.keys])
    leaf = sign_leaf(leaf_key.public, FromCommit(leafs_parent_hash))
    private_keys = {2 * leaf_index: leaf_key.private}
    private_keys.update({node: key.private for (node, _), key in zip(path, derived.keys, strict=True)})
    after = _with_path(tree, leaf_index, leaf, path, nodes)
    return NewPath(tree, after, leaf_index, leaf, path, derived, private_keys)


def merge_path(tree: RatchetTree, leaf_index: int, update: UpdatePath) -> RatchetTree:
    """Put somebody's UpdatePath into the tree (RFC 9420 §7.5), checking its form and its parent hash.

    Args:
        tree: the tree after the Commit's proposals.
        leaf_index: the committer's leaf.
        update: the path; its LeafNode has been validated.

    Raises:
        RejectedError: the path has another length than the sender's, or its parent hashes do not fit.
    """
    path = tree.filtered_direct_path(leaf_index)
    if len(update.nodes) != len(path):
        raise RejectedError("MLS-PATH-LENGTH", f"an UpdatePath has {len(update.nodes)} nodes instead of {len(path)}")
    nodes, leafs_parent_hash = path_parent_hashes(tree, path, [node.encryption_key for node in update.nodes])
    # RFC 9420 §7.9.2: "verify that it matches the parent_hash value in the supplied leaf_node"
    if update.leaf_node.source != FromCommit(leafs_parent_hash):
        raise RejectedError("MLS-PATH-PARENT-HASH", "the parent hash of a committer's leaf does not fit its path")
    return _with_path(tree, leaf_index, update.leaf_node, path, nodes)


def check_path_ciphertexts(tree: RatchetTree, leaf_index: int, update: UpdatePath, new_leaves: Collection[int]) -> None:
    """Check that a path has a ciphertext for each node that must have one (RFC 9420 §7.6).

    Raises:
        RejectedError: it has more or fewer.
    """
    path = tree.filtered_direct_path(leaf_index)
    for (_, copath), node in zip(path, update.nodes, strict=True):
        expected = len(recipients(tree, copath, new_leaves))
        # RFC 9420 §7.6: "MUST be equal to the length of the resolution of the copath node"
        if len(node.encrypted_path_secret) != expected:
            raise RejectedError("MLS-PATH-CIPHERTEXTS", "an UpdatePath does not encrypt to exactly its recipients")


@dataclass(frozen=True, slots=True)
class OpenedPath:
    """What a path brought us: the private keys of the nodes that it changed above us, and the commit_secret."""

    private_keys: Mapping[int, KEMPrivateKey]
    commit_secret: PathCommitSecret


def open_path(
    suite: CipherSuite,
    tree: RatchetTree,
    sender: int,
    update: UpdatePath,
    own_leaf: int,
    private_keys: Mapping[int, KEMPrivateKey],
    group_context: bytes,
    new_leaves: Collection[int],
    *,
    trace: Trace = SILENT,
) -> OpenedPath:
    """Decrypt our part of somebody's path (RFC 9420 §7.5).

    Args:
        suite: the group's.
        tree: the tree after the Commit's proposals, without the path.
        sender: the committer's leaf.
        update: the path; ``merge_path`` and ``check_path_ciphertexts`` have taken it.
        own_leaf: ours.
        private_keys: ours in ``tree``, by node index.
        group_context: the encoded provisional GroupContext.
        new_leaves: leaf indices that this Commit adds.
        trace: told of the derived secrets.

    Raises:
        RejectedError: rule MLS-PATH-SECRET: our part does not open, or leads to other keys than the path shows.
            Others may have come through (RFC 9420 §16.12).
    """
    path = tree.filtered_direct_path(sender)
    step = next(place for place, (_, copath) in enumerate(path) if own_leaf in tree_math.leaves_below(copath))
    to = recipients(tree, path[step][1], new_leaves)
    place = next((place for place, node in enumerate(to) if node in private_keys), None)
    if place is None:
        raise RejectedError("MLS-PATH-SECRET", "we hold no key that the path is encrypted to")
    sealed = update.nodes[step].encrypted_path_secret[place]
    try:
        secret = suite.decrypt_with_label(
            private_keys[to[place]], PATH_LABEL, group_context, sealed.kem_output, sealed.ciphertext
        )
    except CryptoError:
        raise RejectedError("MLS-PATH-SECRET", "our path secret does not decrypt") from None
    if len(secret) != suite.secret_size:
        raise RejectedError("MLS-PATH-SECRET", "our path secret has the wrong size")
    derived = derive_path(suite, TreePathSecret(secret), len(path) - step, trace=trace)
    # RFC 9420 §7.5: "Verify that the derived public keys are the same as the corresponding public keys"
    if [key.public for key in derived.keys] != [node.encryption_key for node in update.nodes[step:]]:
        raise RejectedError("MLS-PATH-SECRET", "our path secret leads to other keys than the path shows")
    opened = {node: key.private for (node, _), key in zip(path[step:], derived.keys, strict=True)}
    return OpenedPath(opened, derived.commit_secret)


def _with_path(
    tree: RatchetTree, leaf_index: int, leaf: LeafNode, path: FilteredPath, nodes: Sequence[ParentNode]
) -> RatchetTree:
    editor = TreeEditor(tree)
    editor.update(leaf_index, leaf)
    for (index, _), node in zip(path, nodes, strict=True):
        editor.set_node(index, node)
    return editor.finish()
