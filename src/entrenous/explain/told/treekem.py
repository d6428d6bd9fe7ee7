"""Chapter 4, TreeKEM: how a room of any size changes its keys, and how one who was removed is left behind."""

from collections.abc import Iterable

from entrenous.explain.drawings import Tree, TreeNode
from entrenous.explain.model import Chapter, Step, Value
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.run.room import Change
from entrenous.explain.told.parts import members, mls, page, short, some, stored
from entrenous.mls import RatchetTree
from entrenous.mls.tree.treekem import recipients
from entrenous.mls.types import LeafNode

#: What a picture of a ratchet tree says with its marks.
_KEY, _BLANK = ("", "has a key"), ("blank", "blank: no key")
_PATH = ("path", "new key, on the committer's path")
_SEALED = ("sealed to", "a path secret is encrypted to this key")


def tell(conversation: Conversation) -> Chapter:
    """The chapter."""
    return Chapter(
        "treekem",
        "The tree that changes keys",
        "Five devices could send each other new keys one by one; a thousand could not, not for every change. MLS puts "
        "the devices at the leaves of a tree. Who changes his keys changes those on the way from his leaf to the "
        "root, and tells each to the half that needs it.",
        (_tree(conversation), _path(conversation), _theft(conversation), _removal(conversation), _left(conversation)),
    )


def _tree(conversation: Conversation) -> Step:
    change = conversation.added
    tree = change.after.tree
    return Step(
        "The ratchet tree",
        "Each device is a leaf and has a key pair. So has each node above, if it is not blank, and its private key is "
        "known to devices below it and to nobody else. That is the rule of the tree. Alice's Commit has filled the "
        "nodes above her leaf, and told each newcomer, in his Welcome, the secret of the lowest of them that is above "
        "him too. The other nodes are blank until somebody below them makes a Commit.",
        "Whoever encrypts to the key of one node reaches all devices below it at once. With a full tree of a "
        "thousand leaves, ten encryptions reach everybody.",
        "If a device held the private key of a node that it is not below, nobody could remove it by changing the keys "
        "above it.",
        (
            *_keys(tree, "public key"),
            members("ratchet tree", f"{sum(1 for _ in tree.members())} members, room for {tree.width}", ""),
        ),
        mls("4.1", "7.1", "7.8"),
        page("groups", "profile-of-rfc-9420", "leaves"),
        drawing=_picture("The tree in epoch 1, after Alice's Commit", conversation, tree, (), (), (_KEY, _BLANK)),
    )


def _path(conversation: Conversation) -> Step:
    change = conversation.renewed
    return Step(
        "A path: Carol renews her keys",
        "Carol makes a Commit that adds and removes nobody. She draws one random path secret for the node above her "
        "leaf. The next node's path secret is derived from it, and so on up to the root; each gives the key pair of "
        "its node. One step past the root comes the commit_secret. Now each path secret is encrypted to the other "
        "child of its node, that is, to the half of the tree that Carol is not in. Everybody finds one "
        "encryption for himself, derives the secrets above it, and ends with the same commit_secret.",
        "This heals. Whoever knew Carol's keys can read no further. Her signature key stays as it is. Devices renew by "
        "themselves, after they have joined, then weekly, and after a thousand messages. The secrets run upwards "
        "only: who gets one of them cannot go down to those below.",
        "Without renewal, one look into a phone would be enough for everything that is said later.",
        (
            *_secrets(change),
            members("commit_secret", change.trace.last("commit_secret"), "goes into the key schedule, chapter 5"),
            *_sealed(change),
        ),
        mls("7.4", "7.5", "7.6", "12.4.2"),
        page("groups", "adding-and-removing"),
        (conversation.agreed[1],),
        drawing=_picture(
            "Carol's path in epoch 2", conversation, change.after.tree, _path_nodes(change), _recipients(change),
            (_PATH, _SEALED, _KEY, _BLANK),
        ),
    )  # fmt: skip


def _theft(conversation: Conversation) -> Step:
    return Step(
        "The thief of yesterday's keys",
        "Just before her Commit, Carol's private keys were copied: that of her leaf and those of the nodes above it. "
        "The copy is now tried on each path secret of her Commit. None opens, since each was encrypted to nodes that "
        "Carol is not below.",
        "This is post-compromise security: a thief who listens reads no further than the next Commit of who was "
        "robbed, though nobody has noticed him. Who still sits in the device is still in the room.",
        "If new keys were encrypted to the old ones, a thief would follow along for ever.",
        (members("sealed path secrets", str(sum(1 for _ in _sealed(conversation.renewed))), "in Carol's Commit"),),
        mls("16.6", "7.5"),
        page("groups", "adding-and-removing"),
        (conversation.theft.check,),
        conversation.theft.attempts,
    )


def _removal(conversation: Conversation) -> Step:
    change = conversation.removed
    return Step(
        "Dave is removed",
        "Alice makes a Commit with a Remove for Dave's leaf and settings without him. First his leaf is made blank "
        "and so is every node above it, for he knew their private keys. Then Alice puts new keys on her own path. "
        "The node between Carol and Dave stays blank: nobody below it has made a Commit since. Where a path secret "
        "would be encrypted to it, it is encrypted to what is left below it, which is Carol's leaf. To Dave nothing "
        "is encrypted at all.",
        "Removal is not a flag in a database that the server is asked to respect. The others simply have a secret "
        "that Dave does not, and from it comes every key from now on.",
        "A removed member whose keys stay in force reads on, and only the server's goodwill keeps the messages "
        "from him.",
        (
            *_secrets(change),
            members("commit_secret", change.trace.last("commit_secret"), "Dave cannot derive it"),
            *_sealed(change),
            stored("Commit", change.made.message, "the server, which must know, is told in clear who goes"),
        ),
        mls("12.1.3", "4.1.1", "7.5"),
        page("groups", "adding-and-removing", "which-commits-are-refused"),
        (conversation.agreed[2],),
        drawing=_picture(
            "Alice's path in epoch 3, and the blanks that Dave leaves", conversation, change.after.tree,
            _path_nodes(change), _recipients(change), (_PATH, _SEALED, _KEY, _BLANK),
        ),
    )  # fmt: skip


def _left(conversation: Conversation) -> Step:
    dave = conversation.members["dave"].group
    return Step(
        "What is left to Dave",
        "Dave's client could still open the Commit, which was encrypted with the keys of the epoch that it ended. It "
        "saw that he is removed, and stopped. But say that Dave has a client that does not stop. He has the "
        "private keys of his last epoch, and tries each of them on each path secret of the Commit.",
        "Dave has init_secret of his last epoch. The next epoch needs commit_secret as well, and for that one of the "
        "path secrets. Step 6.4 lets him try his luck with the message itself.",
        "One key that opens would be enough: the secrets above it follow, and with them the room.",
        (
            some("init_secret of epoch 2", dave.secrets.init_secret.reveal(), "Dave has this half"),
            members("commit_secret of epoch 3", conversation.removed.trace.last("commit_secret"), "and not this one"),
        ),
        mls("12.4.2", "16.6"),
        page("groups", "which-commits-are-refused"),
        (conversation.eviction.check,),
        conversation.eviction.attempts,
    )


def _keys(tree: RatchetTree, note: str) -> Iterable[Value]:
    for index, node in tree.parents():
        yield members(f"key of node {index}", node.encryption_key, note)


def _secrets(change: Change) -> Iterable[Value]:
    """The committer's path secrets."""
    path = change.after.tree.filtered_direct_path(change.before.own_leaf)
    for place, (node, _) in enumerate(path):
        note = f"node {node}; known to the members below it"
        yield some(f"path_secret[{place}]", change.trace.last(f"path_secret[{place}]"), note)


def _sealed(change: Change) -> Iterable[Value]:
    """Every sealed path secret, with the node that it is for."""
    path = change.commit.path
    if path is None:
        return
    steps = zip(path.nodes, change.after.tree.filtered_direct_path(change.before.own_leaf), strict=True)
    for update, (node, copath) in steps:
        to = recipients(change.after.tree, copath, ())
        for target, sealed in zip(to, update.encrypted_path_secret, strict=True):
            note = f"encrypted to the key of node {target}"
            yield members(f"path secret of node {node}", sealed.kem_output + sealed.ciphertext, note)


def _path_nodes(change: Change) -> tuple[int, ...]:
    """Every node that has a new key: the committer's leaf, and those above it."""
    own = change.before.own_leaf
    return 2 * own, *(node for node, _ in change.after.tree.filtered_direct_path(own))


def _recipients(change: Change) -> tuple[int, ...]:
    path = change.after.tree.filtered_direct_path(change.before.own_leaf)
    return tuple(node for _, copath in path for node in recipients(change.after.tree, copath, ()))


def _picture(
    title: str,
    conversation: Conversation,
    tree: RatchetTree,
    path: tuple[int, ...],
    sealed: tuple[int, ...],
    legend: tuple[tuple[str, str], ...],
) -> Tree:
    names = {member.device.mls.public: name for name, member in conversation.members.items()}
    nodes = []
    for index, node in enumerate(tree.array):
        name = names[node.signature_key] if isinstance(node, LeafNode) else ""
        key = "" if node is None else short(node.encryption_key)
        nodes.append(TreeNode(index, name, key, _mark(index, node is None, path, sealed)))
    return Tree(title, tree.width, tuple(nodes), legend)


def _mark(index: int, is_blank: bool, path: tuple[int, ...], sealed: tuple[int, ...]) -> str:  # noqa: FBT001 a fact
    if is_blank:
        return "blank"
    if index in path:
        return "path"
    return "sealed to" if index in sealed else ""
