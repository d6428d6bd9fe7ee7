"""Chapter 6, one message: what is said, the one key that seals it, and who can open it."""

from entrenous.explain.drawings import Tree, TreeNode
from entrenous.explain.model import Chapter, Step
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.run.message import TEXT
from entrenous.explain.told.parts import alone, members, mls, page, short, stored
from entrenous.mls import RatchetKind
from entrenous.mls.tree.tree_math import direct_path, root


def tell(conversation: Conversation) -> Chapter:
    """The chapter."""
    return Chapter(
        "message",
        "One message",
        f"Dave is gone, and Alice writes: “{TEXT}” It is the first message of epoch 3.",
        (_content(conversation), _key(conversation), _sealed(conversation), _opened(conversation)),
    )


def _content(conversation: Conversation) -> Step:
    said = conversation.said
    content = said.content.encode()
    return Step(
        "Said, signed and padded",
        "The words become a Content: a random message id, the time by Alice's clock, and the text. Alice's device "
        "signs it with its signature key, together with the whole GroupContext. Then zeros are added until the "
        "length is one of a few: 256 bytes, 512, 1,024 and so on. Beside the message stands, in clear but "
        "authenticated, how far Alice has read the room's log, as a hash over all entries.",
        "The signature tells the members who among them speaks; a shared key could not, since all have it. The "
        "padding hides the length, which tells a yes from a no. The log's hash shows to everybody who reads on when "
        "the server has left out, moved or forged something.",
        "Without signatures, every member could speak in the name of every other. Without padding, the server "
        "could guess short answers by their size.",
        (
            members("text", TEXT, ""),
            members("Content", content, "message id, time, kind, text"),
            stored("authenticated_data", said.authenticated, "Alice's place in the log: number and hash"),
            members("signature", said.signature, "Ed25519, Alice's"),
            members("PrivateMessageContent", said.plaintext, "content, signature, zeros: this is what is sealed"),
        ),
        mls("6.1", "6.3.1", "15.1"),
        page("groups", "contents", "profile-of-rfc-9420") + page("delivery", "log-hash", "authenticated_data"),
    )


def _key(conversation: Conversation) -> Step:
    said, group = conversation.said, conversation.removed.after
    ratchet = said.changes.ratchets[group.own_leaf, RatchetKind.APPLICATION]
    kept = [
        members(f"secret of node {index}", secret, "kept: for the other leaves")
        for index, secret in sorted(said.changes.nodes.items())
        if secret is not None
    ]
    return Step(
        "The secret tree: a key for this message alone",
        "The encryption_secret is the root of a second tree, of the same shape. Each node's secret gives two, one for "
        "each child, and is deleted. At Alice's leaf two ratchets begin, one for Commits and one for messages. A "
        "ratchet gives a key and a nonce for each message, and with each step it replaces its own secret. In the "
        "picture, the secrets on the way to Alice's leaf are gone; those beside it are kept for the others.",
        "All members can derive each other's keys without a word being sent. And each key is used once and deleted: "
        "that is forward secrecy for every single message. A phone that is stolen tonight does not give away the "
        "keys of this morning's messages.",
        "With one key for the whole epoch, whoever gets hold of it reads the epoch from its beginning. And since all "
        "members have it, two of them could use one nonce twice.",
        (
            members("encryption_secret", conversation.removed.trace.last("encryption_secret"), "the root; deleted now"),
            *kept,
            members("key", said.key.key, f"of generation {said.key.generation}; deleted after use"),
            members("nonce", said.key.nonce, "of the same generation"),
            members(f"ratchet secret {ratchet.generation}", ratchet.secret, "for Alice's next message"),
        ),
        mls("9", "9.1", "9.2"),
        page("groups", "profile-of-rfc-9420"),
        drawing=_picture(conversation),
    )


def _sealed(conversation: Conversation) -> Step:
    said, group = conversation.said, conversation.removed.after
    return Step(
        "Sealed twice",
        "The padded content is encrypted with AES-256-GCM under the message's key. Four random bytes, the reuse "
        "guard, are mixed into its nonce. Whoever opens the message has to know whose key it is and of which "
        "generation: leaf, generation and guard make up the sender data. They are encrypted as well, under a key "
        "that comes from the sender_data_secret and a sample of the ciphertext. Room, epoch and kind stay in clear, "
        "for the server has to deliver; they are authenticated.",
        "The server sees that something was said in a room, and cannot tell from the message which leaf said it. It "
        "knows the account all the same, by the connection that it came over. The guard is for a device that was "
        "restored from a backup and begins to use a key again: even then the nonces differ.",
        "With the sender in clear, whoever carries or stores the messages could count who talks to whom.",
        (
            members("reuse_guard", said.guard, "mixed into the first four bytes of the nonce"),
            stored("ciphertext", said.private.ciphertext, "content under the message's key, with a tag"),
            members("sender data", said.sender.encode(),
                    f"leaf {said.sender.leaf_index}, generation {said.sender.generation}, guard"),
            members("sender_data_secret", group.secrets.sender_data_secret.reveal(), "of epoch 3"),
            stored("encrypted_sender_data", said.private.encrypted_sender_data, "with a tag"),
            stored("group_id", said.private.group_id, "in clear to the server"),
            stored("epoch", str(said.private.epoch), "in clear to the server"),
            stored("MLSMessage", said.entry, "the entry of the log: all of it"),
        ),
        mls("6.3", "6.3.1", "6.3.2", "16.3"),
        page("groups", "profile-of-rfc-9420") + page("delivery", "authenticated_data"),
    )  # fmt: skip


def _opened(conversation: Conversation) -> Step:
    said = conversation.said
    dave = conversation.members["dave"].group
    return Step(
        "Read by three, and by nobody else",
        "Bob, Carol and Erin open the sender data, derive Alice's key from their own secret trees, open the content, "
        "check her signature and the padding, and delete the key. Then the message is tried by those who should not be "
        "able to: a server that changes it, a server that repeats it, and Dave, who is handed it and has kept "
        "everything from epoch 2. If one of them had succeeded, the run would have ended here with an error.",
        "A message has to come from a member of this epoch, unchanged, and once. The tag of AES-GCM sees to the first "
        "two, the signature says which member it was, and the used-up key sees to the last.",
        "Without the tag, the server could change words. If used keys were kept, it could say a thing twice. Without a "
        "new epoch, Dave would read on.",
        (
            members("text, as Bob read it", TEXT, ""),
            alone(
                "sender_data_secret of epoch 2", dave.secrets.sender_data_secret.reveal(), "the newest that Dave has"
            ),
            stored("epoch of the message", str(said.private.epoch), "Dave is in epoch 2 for ever"),
        ),
        mls("6.3.2", "9.2", "12.4.2"),
        page("groups", "which-commits-are-refused", "contents") + page("tampering", "tampering"),
        said.checks,
        said.attempts,
    )


def _picture(conversation: Conversation) -> Tree:
    """The secret tree after Alice's first message: what is consumed, what is kept, and what was never needed."""
    said, group = conversation.said, conversation.removed.after
    width, leaf = group.width, 2 * group.own_leaf
    consumed = {leaf, *direct_path(leaf, width)}
    names = {2 * member.group.own_leaf: member.name for member in conversation.room.members}
    nodes = []
    for index in range(2 * width - 1):
        secret = said.changes.nodes.get(index)
        mark = "gone" if index in consumed else "kept" if secret is not None else "later"
        key = short(said.key.key) if index == leaf else "" if secret is None else short(secret)
        name = names.get(index, "")
        nodes.append(TreeNode(index, name, key, mark))
    agreed = short(conversation.removed.trace.last("encryption_secret"))
    nodes[root(width)] = TreeNode(root(width), "", agreed, "gone")
    return Tree(
        "The secret tree after Alice's first message in epoch 3, with the message's key at her leaf",
        width,
        tuple(nodes),
        (("gone", "used and deleted"), ("kept", "kept for other leaves"), ("later", "derived when it is needed")),
    )
