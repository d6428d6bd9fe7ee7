"""A group's tree for joiners: a whole tree now and then, and what each Commit since has changed (docs/adr/0006).

The server keeps what came with refused Commits too, because it cannot tell. So each change says which tree it starts
from and which it leads to, by their tree hashes; a joiner follows those that lead from the snapshot to the tree that
its Welcome's GroupInfo names, and everything else is a dead end that costs nothing but its decryption.
"""

import contextlib
from collections.abc import Iterable

from entrenous.client.rooms.sealed import AccessKey, SealedKind
from entrenous.codec import Opaque, Struct, decode_as, encode_as, struct
from entrenous.crypto import Hash
from entrenous.errors import CryptoError, MalformedError, RejectedError, UnavailableError
from entrenous.mls.tree import RatchetTree, TreeChanges, apply_changes
from entrenous.mls.types import RatchetTreeNodes


class UnusableStateError(UnavailableError):
    """What the server has of a group's state leads nowhere: it lies, or a member gave it something else."""


@struct
class NodeChanges(Struct):
    """How one Commit changed the tree.

    Attributes:
        before: tree hash of the tree that the Commit was made for.
        after: tree hash of the tree that it led to.
    """

    before: Opaque
    after: Opaque
    changes: TreeChanges


def encode_tree(tree: RatchetTree) -> bytes:
    """A whole tree, as the ratchet_tree extension holds it (RFC 9420 §12.4.3.3)."""
    return encode_as(RatchetTreeNodes, tree.nodes())


def encode_changes(before: RatchetTree, after: RatchetTree, changes: TreeChanges) -> bytes:
    """What one Commit changed, for who has the tree before it."""
    return NodeChanges(before.tree_hash(), after.tree_hash(), changes).encode()


def rebuild(
    key: AccessKey, room: bytes, hash_: Hash, tree: bytes, changes: Iterable[bytes], tree_hash: bytes
) -> RatchetTree:
    """The tree that a GroupInfo names, from a sealed whole tree and sealed changes.

    Args:
        key: the room access key that the Welcome brought.
        room: the room's id.
        hash_: the group's cipher suite's hash.
        tree: the sealed whole tree.
        changes: the sealed changes since, oldest first.
        tree_hash: of the tree that is wanted.

    Raises:
        UnusableStateError: what the server has does not lead there.
    """
    try:
        start = RatchetTree.from_nodes(
            hash_, decode_as(RatchetTreeNodes, key.open(SealedKind.TREE, room, tree).plaintext)
        )
    except (MalformedError, RejectedError, CryptoError) as error:
        raise UnusableStateError(f"the room's stored tree is of no use: {error}") from error
    reached = {start.tree_hash(): start}
    for sealed in changes:
        _follow(reached, key, room, sealed)
    found = reached.get(tree_hash)
    if found is None:
        raise UnusableStateError("the room's stored tree does not lead to the one this device was added to")
    return found


def _follow(reached: dict[bytes, RatchetTree], key: AccessKey, room: bytes, sealed: bytes) -> None:
    """Add the tree that one change leads to, if it starts from a tree we have and is true."""
    try:
        change = NodeChanges.decode(key.open(SealedKind.NODE_CHANGES, room, sealed).plaintext)
    except (MalformedError, RejectedError, CryptoError):
        return  # what a refused Commit brought; if it was needed, the tree that is wanted is not reached
    before = reached.get(change.before)
    if before is None:
        return
    with contextlib.suppress(RejectedError):  # a change that makes no sound tree
        after = apply_changes(before, change.changes)
        if after.tree_hash() == change.after:
            reached[change.after] = after
